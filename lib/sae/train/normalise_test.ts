import { allClose, ok } from "../../../tests/assert.ts";
import { geometricMedian, meanRow, normaliseRow, spread } from "./normalise.ts";

Deno.test("normaliseRow makes mean 0 and unbiased variance 1, but for the epsilon; or root mean square 1", () => {
  const x = Float32Array.of(9, 1, 2, 3, 6, 9), out = new Float32Array(5);
  normaliseRow(x, 1, out, 0, 5, "zscore", 1);
  const mean = 21 / 5, sd = Math.sqrt([1, 2, 3, 6, 9].reduce((s, v) => s + (v - mean) ** 2, 0) / 4);
  allClose(out, [1, 2, 3, 6, 9].map((v) => (v - mean) / (sd + 1e-5)), { rtol: 1e-6 });
  normaliseRow(x, 1, out, 0, 5, "rms", 1);
  const rms = Math.sqrt([1, 2, 3, 6, 9].reduce((sum, v) => sum + v * v, 0) / 5);
  allClose(out, [1, 2, 3, 6, 9].map((v) => v / rms), { rtol: 1e-6 });
  normaliseRow(x, 1, out, 0, 5, "none", 2);
  allClose(out, [0.5, 1, 1.5, 3, 4.5], {});
});

Deno.test("geometricMedian stays where most points are, the mean does not", () => {
  const x = Float32Array.of(...[1, 1], ...[1.1, 1], ...[0.9, 1], ...[1, 1.1], ...[1, 0.9], ...[
    60,
    60,
  ]);
  const median = geometricMedian(x, 2);
  ok(Math.hypot(median[0] - 1, median[1] - 1) < 0.1, `${median}`);
  ok(meanRow(x, 2)[0] > 10);
});

Deno.test("geometricMedian of a triangle is its Fermat point", () => {
  // All angles below 120°: from the point each side is seen under 120°.
  const corners = [[0, 0], [4, 0], [1, 3]];
  const [px, py] = geometricMedian(Float32Array.from(corners.flat()), 2, 1000);
  const angles = corners.map(([x, y]) => Math.atan2(y - py, x - px)).sort((a, b) => a - b);
  allClose([angles[1] - angles[0], angles[2] - angles[1]], Array(2).fill(2 * Math.PI / 3), {
    atol: 1e-4,
  });
});

Deno.test("spread is the root mean square about the mean row, and 1 where all rows are equal", () => {
  allClose([spread(Float32Array.of(1, 5, 3, 9), 2)], [Math.sqrt((1 + 1 + 4 + 4) / 4)], {
    rtol: 1e-7,
  });
  allClose([spread(Float32Array.of(2, 3, 2, 3), 2)], [1], {});
});
