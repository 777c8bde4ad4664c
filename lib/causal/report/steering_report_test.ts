import { deepEqual, equal, match, ok } from "../../../tests/assert.ts";
import { sampleSteeringReport } from "../../../tests/steering_report_sample.ts";
import { countLetters } from "./steering_letters.ts";
import { renderSteeringReport } from "./steering_report.ts";

const shape = { length: 150, from: 20, to: 90, seed: 3 };

Deno.test("renderSteeringReport is one file: no address to load, no unescaped name", () => {
  const hostile = `<img src=x onerror=alert(1)>"'&</script>`;
  const report = sampleSteeringReport(shape, hostile);
  const html = renderSteeringReport({
    ...report,
    subtitle: hostile,
    notes: [hostile],
    protein: { ...report.protein, id: hostile },
    latents: report.latents.map((one) => ({ ...one, becomes: hostile })),
    autoencoder: { ...report.autoencoder, name: hostile },
    provenance: { [hostile]: hostile },
  });
  equal(html.includes("<img"), false);
  equal(html.split("</script>").length, html.split(/<script[ >]/).length);
  deepEqual(html.match(/\bsrc="|url\(|@import|<link|href="(?!#)/g), null);
  match(html, /Content-Security-Policy" content="default-src 'none'/);
});

Deno.test("renderSteeringReport says how many letters change, and where the prediction moves most", () => {
  const report = sampleSteeringReport(shape, "title");
  const html = renderSteeringReport(report);
  const changed = report.residues.filter(({ before, after }) => before !== after).length;
  const most = report.residues.toSorted((a, b) => b.divergence - a.divergence)[0];
  match(html, new RegExp(`Steering changes ${changed} of 150 predicted letters`));
  match(html, new RegExp(`moves most at ${most.letter}${most.position + 10}, where`));
  match(html, /Latents were steered at 71 of 150 residues\./);
  // Three rows of at most 70 residues, each of which can be pointed at once.
  equal(html.match(/<svg[^>]*aria-label="Residues [A-Z]\d+ to/g)!.length, 3);
  equal(html.match(/&#34;divergence&#34;/g)!.length, 150);
  match(html, /steered here/);
});

Deno.test("renderSteeringReport of every residue marks none of them, and that of no change says so", () => {
  const report = sampleSteeringReport({ ...shape, from: 1, to: 150 }, "title");
  const tokens = [0, ...report.tokens, 151];
  const html = renderSteeringReport({ ...report, tokens });
  match(html, /Latents were steered at every residue and at &#60;cls&#62; and &#60;eos&#62;/);
  equal(/steered here|class="steered"/.test(html), false);
  const none = report.residues.map((one) => ({ ...one, after: one.before, divergence: 0 }));
  const same = renderSteeringReport({ ...report, residues: none });
  match(same, /Steering changes no prediction at all\./);
  equal(
    /NaN|undefined|Infinity/.test(same.slice(same.indexOf("<main>"), same.indexOf("<script"))),
    false,
  );
});

Deno.test("countLetters counts every residue once before and once after", () => {
  const { residues } = sampleSteeringReport(shape, "title");
  const counts = countLetters(residues);
  equal(counts.length, 20);
  for (const key of ["own", "before", "after"] as const) {
    equal(counts.reduce((sum, one) => sum + one[key], 0), 150, key);
  }
  const { after } = counts.find(({ letter }) => letter === "V")!;
  equal(after, residues.filter((one) => one.after === "V").length);
});

Deno.test("renderSteeringReport keeps to a size, whatever the length of the protein", () => {
  const long = { length: 2000, from: 1, to: 2000, seed: 8 };
  ok(renderSteeringReport(sampleSteeringReport(long, "long")).length < 1.5e6);
});
