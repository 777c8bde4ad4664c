import { allClose, deepEqual, equal, match, ok } from "../../tests/assert.ts";
import { logScale, renderRoofline, rooflinePoints } from "./roofline.ts";
import { placeTags } from "./roofline_tags.ts";
import { sampleReport } from "./testing/sample_report.ts";

Deno.test("logScale() puts whole decades at equal distances", () => {
  const { at, ticks } = logScale([0.03, 450], [0, 500]);
  deepEqual(ticks, [0.01, 0.1, 1, 10, 100, 1000]);
  allClose([at(0.01), at(0.1), at(1000), at(10 ** 0.5)], [0, 100, 500, 250], { atol: 0.05 });
});

Deno.test("renderRoofline() draws a labelled point per row with arithmetic and a roof each", () => {
  const report = sampleReport();
  report.kernels[1].shape = '<script>&"';
  equal(rooflinePoints(report).length, 2);
  const svg = renderRoofline(report);
  equal(svg.match(/<polyline class="roof (gpu|cpu)"/g)!.length, 2);
  // Each point and its legend.
  equal(svg.match(/<circle/g)!.length, 4);
  match(svg, /attention_column_mass &lt;script>&amp;&quot;: 81 %, memory/);
  ok(!svg.includes("<script"));
  match(svg, /WGSL on the adapter: copy 1,000 GB\/s/);
});

Deno.test("renderRoofline() is one XML document that loads nothing", () => {
  const svg = renderRoofline(sampleReport());
  ok(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"'));
  ok(!/href|url\(|@import|<image/.test(svg));
  const open = svg.match(/<\w[^>]*(?<!\/)>/g)!.length;
  equal(svg.match(/<\/\w+>/g)!.length, open);
  ok(!/NaN|Infinity|undefined/.test(svg));
});

Deno.test("renderRoofline() says that a software adapter is none", () => {
  const report = sampleReport();
  report.adapter!.isFallback = true;
  match(renderRoofline(report), /a GPU \(a software adapter: says nothing about a GPU\)/);
});

Deno.test("placeTags() keeps tags apart, off the points and inside the frame", () => {
  const frame = { left: 0, right: 400, top: 0, bottom: 300 };
  const points = [
    ...Array.from({ length: 6 }, (_, i) => ({ x: 200, y: 150 + i })),
    { x: 2, y: 2 },
    { x: 398, y: 298 },
  ];
  const tags = placeTags(points, frame);
  equal(tags.length, points.length);
  for (const [i, a] of tags.entries()) {
    ok(a.x > 0 && a.x < 400 && a.y > 0 && a.y < 300);
    for (const b of tags.slice(i + 1)) ok(Math.abs(a.x - b.x) >= 18 || Math.abs(a.y - b.y) >= 14);
    for (const b of points) ok(Math.abs(a.x - b.x) >= 9 || Math.abs(a.y - b.y) >= 7);
  }
});
