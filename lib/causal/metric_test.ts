import { allClose, deepEqual, equal, throws } from "../../tests/assert.ts";
import { type Metric, metricGradient, metricOf, metricValue, parseMetric } from "./metric.ts";

const logits = Float32Array.from({ length: 66 }, (_, i) => Math.sin(3 * i) * 4);
const logSoftmax = (row: number, token: number) => {
  const values = [...logits.subarray(row * 33, row * 33 + 33)];
  return values[token] - Math.log(values.reduce((sum, x) => sum + Math.exp(x), 0));
};

Deno.test("metricValue sums differences of log probabilities over reads", () => {
  const metric: Metric = [{ token: 3, plus: 5, minus: 9 }, { token: 8, plus: 4 }];
  const expected = logSoftmax(0, 5) - logSoftmax(0, 9) + logSoftmax(1, 4);
  // Logits are float32 of size 4.
  allClose([metricValue(metric, logits)], [expected], { atol: 1e-6 });
});

Deno.test("metricGradient is the slope of metricValue", () => {
  const metric: Metric = [{ token: 3, plus: 5, minus: 9 }, { token: 8, plus: 4 }];
  const gradient = metricGradient(metric, logits), step = 2 ** -6;
  const slopes = logits.map((_, i) => {
    const moved = (by: number) => metricValue(metric, logits.map((x, j) => j === i ? x + by : x));
    return (moved(step) - moved(-step)) / (2 * step);
  });
  // Central differences err by step²/6 of a third derivative of at most 0.1, and by float32 rounding.
  allClose(gradient, slopes, { atol: 1e-4 });
});

Deno.test("metricOf reads the mutated tokens of every substitution", () => {
  const both = [{ position: 3, from: "A", to: "G" }, { position: 7, from: "L", to: "V" }];
  deepEqual(metricOf(both, parseMetric("difference")), [
    { token: 3, plus: 6, minus: 5 },
    { token: 7, plus: 7, minus: 4 },
  ]);
  deepEqual(metricOf(both.slice(0, 1), parseMetric("wild-type")), [{ token: 3, plus: 5 }]);
  deepEqual(metricOf(both.slice(0, 1), parseMetric("mutant")), [{ token: 3, plus: 6 }]);
  deepEqual(metricOf(both.slice(0, 1), parseMetric("l-A")), [{ token: 3, plus: 4, minus: 5 }]);
});

Deno.test("metricValue of a letter against itself is exactly zero", () => {
  equal(metricValue([{ token: 1, plus: 7, minus: 7 }], logits), 0);
  deepEqual([...metricGradient([{ token: 1, plus: 7, minus: 7 }], logits)], Array(33).fill(0));
});

Deno.test("parseMetric refuses what is no metric", () => {
  for (const bad of ["", "L", "L-", "L-J", "LL-A", "loss"]) {
    throws(() => parseMetric(bad), /Cannot read --metric as it must be one of difference/, bad);
  }
});
