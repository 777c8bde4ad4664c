import { allClose, equal, ok } from "../../tests/assert.ts";
import { CURVE_COUNTS, gini, shareCurve, topShare } from "./concentration.ts";

Deno.test("gini is 0 for equal values and 1 - 1/n when one carries everything", () => {
  allClose([gini([3, -3, 3, 3])], [0], { atol: 1e-15 });
  allClose([gini([0, 0, 5, 0])], [0.75], { atol: 1e-15 });
  allClose([gini([5], 4)], [0.75], { atol: 1e-15 });
  ok(Number.isNaN(gini([0, 0])));
});

Deno.test("gini equals the mean absolute difference over twice the mean", () => {
  const values = [1, 4, 2, 9, 0.5, 0, 0];
  let differences = 0;
  for (const a of values) for (const b of values) differences += Math.abs(a - b);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const expected = differences / values.length ** 2 / (2 * mean);
  allClose([gini(values), gini(values.slice(0, 5), 7)], [expected, expected], { atol: 1e-14 });
});

Deno.test("topShare sums the largest magnitudes whatever their sign", () => {
  allClose([topShare([-6, 1, 3, 0], 1), topShare([-6, 1, 3, 0], 2)], [0.6, 0.9], { atol: 1e-15 });
  equal(topShare([1, 2], 20), 1);
  ok(Number.isNaN(topShare([], 3)));
});

Deno.test("shareCurve is the share of the largest at every count, 1 from the last on", () => {
  const values = Float64Array.from({ length: 120 }, (_, i) => (-1) ** i * (i % 37 + 1));
  allClose(shareCurve(values), CURVE_COUNTS.map((count) => topShare(values, count)), {
    atol: 1e-14,
  });
  equal(shareCurve(values).at(-1), 1);
  ok(shareCurve([0, 0]).every(Number.isNaN));
});
