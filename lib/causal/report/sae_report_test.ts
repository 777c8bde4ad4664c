import { sampleSaeReport } from "../../../tests/sae_report_sample.ts";
import { allClose, deepEqual, equal, match, ok } from "../../../tests/assert.ts";
import { linearTicks, lineChart, logTicks, scaled } from "../../report/chart.ts";
import { curveAt } from "./sae_circuit.ts";
import { mapRows } from "./sae_map.ts";
import { choosePanels, MOST_PANELS } from "./sae_panels.ts";
import { renderSaeReport } from "./sae_report.ts";
import { scatterChart } from "../../report/scatter_chart.ts";
import { spreadOf } from "../../report/spread.ts";

const shape = {
  proteins: [{ id: "P", length: 40, mutations: 3 }],
  layers: [8, 16],
  nodes: 60,
  seed: 1,
};

Deno.test("renderSaeReport is one file: no address to load, no unescaped name", () => {
  const hostile = `<img src=x onerror=alert(1)>"'&</script>`;
  const report = sampleSaeReport(shape, hostile);
  const rename = <T extends { mutation: string; protein: { id: string } }>(one: T) => ({
    ...one,
    mutation: hostile,
    protein: { ...one.protein, id: hostile },
  });
  const html = renderSaeReport({
    ...report,
    subtitle: hostile,
    notes: [hostile],
    metric: hostile,
    autoencoders: report.autoencoders.map((one) => ({ ...one, name: hostile })),
    patches: report.patches!.map(rename),
    attributions: report.attributions!.map(rename),
    circuits: report.circuits!.map(rename),
    provenance: { [hostile]: hostile },
  });
  equal(html.includes("<img"), false);
  equal(html.split("</script>").length, html.split(/<script[ >]/).length);
  deepEqual(html.match(/\bsrc="|url\(|@import|<link|href="(?!#)/g), null);
  match(html, /Content-Security-Policy" content="default-src 'none'/);
});

Deno.test("renderSaeReport shows what there is and says what was not measured", () => {
  const report = sampleSaeReport(shape, "title");
  const { patches: _p, circuits: _c, ...ig } = report;
  const html = renderSaeReport({
    ...ig,
    autoencoders: ig.autoencoders.map(({ quality: _, ...one }) => one),
  });
  ok(!html.includes("Patched latents and controls") && !html.includes("Circuit of each mutation"));
  match(html, /was not measured/);
  match(html, /Only what the solid line has above it is the model’s doing/);
  const bare = renderSaeReport({ ...ig, attributions: [], autoencoders: [] });
  match(bare, /Provenance/);
});

Deno.test("renderSaeReport keeps to a size, whatever the protein and the number of mutations", () => {
  const large = {
    proteins: [{ id: "P", length: 700, mutations: 200 }],
    layers: [16],
    nodes: 20_000,
    seed: 2,
  };
  const report = sampleSaeReport(
    { ...large, proteins: [{ ...large.proteins[0], mutations: 2 }] },
    "t",
  );
  const [attribution] = report.attributions!;
  const many = Array.from({ length: 200 }, (_, i) => ({ ...attribution, mutation: `A${i}W` }));
  const html = renderSaeReport({ ...report, attributions: many });
  // 60 maps of 4000 cells of 12 bytes as base64, and what stands around them.
  ok(html.length < MOST_PANELS * (4000 * 16 + 16_000) + 300_000, `${html.length} characters`);
  equal(html.match(/<figure class="attributions"/g)!.length, MOST_PANELS);
  match(html, /The 60 mutations with the largest effects of 200/);
});

Deno.test("choosePanels keeps all layers of the mutations with the largest weight at any", () => {
  const protein = { id: "P", residues: "A", offset: 1 };
  const results = Array.from({ length: 80 }, (_, i) =>
    [4, 8].map((layer) => ({
      ...{ protein, mutation: `m${i}`, tokens: [1], layer },
      weight: layer === 8 ? i : 0,
    }))).flat();
  const chosen = choosePanels(results, ({ weight }) => weight);
  equal(chosen.length, 60);
  deepEqual(
    new Set(chosen.map(({ mutation }) => mutation)),
    new Set(Array.from({ length: 30 }, (_, i) => `m${50 + i}`)),
  );
});

Deno.test("mapRows ranks latents by the sum of magnitudes, then errors, then all others", () => {
  const node = (latent: number, attribution: number) => ({
    token: 1,
    latent,
    delta: 1,
    attribution,
  });
  const nodes = [node(7, 1), node(7, -3), node(9, 2), node(-1, 9)];
  const { labels, rowOf } = mapRows(nodes);
  deepEqual(labels, ["7", "9", "error term"]);
  deepEqual([7, 9, -1].map(rowOf), [0, 1, 2]);
  const many = Array.from({ length: 25 }, (_, i) => node(100 + i, 25 - i));
  const more = mapRows([...many, node(-1, 1)]);
  equal(more.labels.length, 22);
  equal(more.labels[21], "5 others");
  deepEqual([100, 119, -1, 120, 124].map(more.rowOf), [0, 19, 20, 21, 21]);
});

Deno.test("curveAt is straight between sizes that were measured", () => {
  const curve = [[0, 0], [1, 0.5], [5, 0.9]].map(([nodes, faithfulness]) => ({
    nodes,
    faithfulness,
  }));
  allClose([0, 1, 3, 5, 9].map((n) => curveAt(curve, n)), [0, 0.5, 0.7, 0.9, 0.9], {
    atol: 1e-12,
  });
});

Deno.test("spreadOf leaves out what is not a number", () => {
  const { mean, median, low, high, count } = spreadOf([1, NaN, 2, 3, 4]);
  deepEqual([mean, median, low, high, count], [2.5, 2.5, 1.75, 3.25, 4]);
  equal(spreadOf([NaN]).count, 0);
});

Deno.test("linearTicks and logTicks are round and within the range", () => {
  deepEqual(linearTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  deepEqual(linearTicks(-3, 7, 4), [-2.5, 0, 2.5, 5]);
  deepEqual(logTicks(1, 1000), [1, 10, 100, 1000]);
  deepEqual(logTicks(1, 60), [1, 2, 5, 10, 20, 50]);
  ok(logTicks(1e-9, 1e9).length <= 7);
});

Deno.test("scaled puts ends at ends, decades at even steps and what lies outside at the edge", () => {
  const linear = scaled({ name: "", from: 0 }, [4], 10, 110);
  deepEqual([-1, 0, 1, 4].map(linear.at), [10, 10, 35, 110]);
  const log = scaled({ name: "", from: 1, log: true }, [100], 0, 100);
  deepEqual([1, 10, 100].map(log.at), [0, 50, 100]);
  ok(Number.isFinite(scaled({ name: "" }, [2], 0, 1).at(2)), "one value has a place");
  ok(Number.isFinite(scaled({ name: "" }, [], 0, 1).at(2)), "no value is no fault");
});

Deno.test("lineChart has a path per line, and marks with what they show", () => {
  const html = lineChart("t", { name: "x" }, { name: "y", from: 0, reach: 1 }, [
    { name: "a<b", colour: 1, points: [[1, 0.5], [2, 1]], dots: true },
    { name: "c", colour: 2, dashed: true, points: [[1, 0]] },
  ]).text;
  equal(html.match(/<path class="line/g)!.length, 2);
  equal(html.match(/data-tip=/g)!.length, 2);
  ok(!html.includes("a<b") && !html.includes("NaN"));
});

Deno.test("scatterChart puts a single point that rounding keeps off the diagonal on it", () => {
  const point = { x: 6.066995, y: 6.066996, colour: 1, title: "one", entries: [] };
  const { text } = scatterChart("sums", { name: "x" }, { name: "y" }, [point], []);
  const numbers = (pattern: RegExp) => pattern.exec(text)!.slice(1).map(Number);
  const [x1, y1, x2, y2] = numbers(/class="zero" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"/);
  const [cx, cy] = numbers(/class="dot c1" cx="([\d.]+)" cy="([\d.]+)"/);
  // In the middle, to a tenth of a pixel of some hundreds.
  allClose([cx, cy], [(x1 + x2) / 2, (y1 + y2) / 2], { atol: 0.1 });
});
