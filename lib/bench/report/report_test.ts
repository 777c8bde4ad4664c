import { allClose, deepEqual, equal, match, ok } from "../../../tests/assert.ts";
import { sampleReport } from "../testing/sample_report.ts";
import { finding } from "./finding.ts";
import { benchData, renderBenchReport } from "./mod.ts";

Deno.test("benchData() has a dot per row with a ceiling and a roof per processor", () => {
  const report = sampleReport();
  const { kernels, rows, points, roofs } = benchData(report);
  // The copies are the ceilings themselves.
  deepEqual(kernels, ["attention_column_mass [1, 20, 414, 414]"]);
  deepEqual(rows.map(({ processor, share, item }) => [processor, share, item]), [
    ["gpu", 0.81, 0],
    ["cpu", 0.6, 0],
  ]);
  // 17 µs within 0.9 and 1.2 times that.
  allClose([rows[0].low, rows[0].high], [0.81 / 1.2, 0.81 / 0.9], { atol: 1e-12 });
  allClose(points.map(({ intensity }) => intensity), [0.5, 0.5], { atol: 1e-12 });
  // Copy bandwidth up to the ridge, arithmetic from there.
  const [gpu, cpu] = roofs.map(({ points }) => points);
  deepEqual(gpu, [[0.5, 500], [20, 20_000], [40, 20_000]]);
  deepEqual(cpu, [[0.5, 10], [0.5, 10], [1, 10]]);
});

Deno.test("the finding is of the median kernel of each processor", () => {
  const report = sampleReport();
  const { answer, method } = finding(report);
  equal(
    answer,
    "Of its ceiling the median kernel reaches 81\u202f% on the adapter (1 row) and 60\u202f% on the " +
      "CPU (1 row).",
  );
  match(method!, /^Highest: attention_column_mass .*\(adapter, 81\u202f%\); lowest: .*CPU, 60/);
  report.kernels = report.kernels.filter(({ kernel }) => kernel === "copy");
  equal(finding(report).answer, "No kernel has a ceiling to be compared with.");
});

Deno.test("renderBenchReport() is one page that loads nothing and escapes what it is given", () => {
  const report = sampleReport();
  report.kernels[1].shape = '<script>alert(1)</script>&"';
  const html = renderBenchReport(report, ["now.json"]);
  ok(!html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  const shown = html.replace(/<script>[^]*?<\/script>/g, "");
  deepEqual(shown.match(/\bsrc=|url\(|@import|<link|href="(?!#)/g), null);
  const text = html.replace(/<(script|style)\b[^]*?<\/\1>/g, "");
  ok(!/NaN|Infinity|undefined/.test(text));
  match(html, /Beside this page: now\.json/);
  match(html, /entries, as in --json/);
  match(html, /<td class="wrap">WGSL on the adapter<\/td><td>1,000<\/td>/);
});

Deno.test("renderBenchReport() says once that a software adapter is none", () => {
  const report = sampleReport();
  report.adapter!.isFallback = true;
  match(renderBenchReport(report), /a GPU is a software adapter: it says nothing about a GPU/);
  report.notes = ["the adapter is a software one: its numbers say nothing about a GPU"];
  const html = renderBenchReport(report);
  equal(html.match(/class="caution">[^<]*software/g)!.length, 1);
});
