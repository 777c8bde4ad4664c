import { allClose, ok, throws } from "../../../tests/assert.ts";
import { hasSklearn, runPython, sklearnSkipped } from "../../../tests/python.ts";
import { random } from "../../../tests/report_sample.ts";
import { fitSparseLogistic } from "./sparse_logistic.ts";

/** Rows whose label follows two of the columns; the last two columns are nearly the same. */
function sample(rows: number, width: number, scale: number, seed: number) {
  const next = random(seed);
  const columns = Array.from({ length: width }, () => new Float32Array(rows));
  const labels = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < width; j++) columns[j][i] = scale * (next() + next() + next() - 1.5);
    columns[width - 1][i] = columns[width - 2][i] + 0.01 * scale * next();
    const z = (3 * columns[0][i] - 2 * columns[1][i]) / scale - 1;
    labels[i] = next() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
  }
  return { columns, labels };
}

for (const [rows, width, scale, c] of [[400, 7, 1, 0.15], [901, 12, 0.02, 5], [300, 5, 1, 1e-4]]) {
  Deno.test(`the fit to ${rows} rows of ${width} columns of size ${scale} meets the conditions of a minimum`, () => {
    const { columns, labels } = sample(rows, width, scale, 3);
    const { weights, intercept } = fitSparseLogistic(columns, labels, c);
    // Written apart from the solver: the subgradient of every weight holds 0.
    const residuals = Float64Array.from(labels, (label, i) => {
      const z = columns.reduce((sum, x, j) => sum + weights[j] * x[i], intercept);
      return c * (1 / (1 + Math.exp(-z)) - label);
    });
    const slopeOf = (x: (i: number) => number) =>
      residuals.reduce((sum, r, i) => sum + r * x(i), 0);
    ok(Math.abs(slopeOf(() => 1)) < 1e-4 * Math.max(1, c));
    weights.forEach((w, j) => {
      const slope = slopeOf((i) => columns[j][i]);
      if (w === 0) ok(Math.abs(slope) <= 1 + 1e-4, `column ${j}: ${slope}`);
      else allClose([slope], [-Math.sign(w)], { atol: 1e-4 });
    });
    // A weak penalty keeps what makes the labels, a strong one nothing.
    if (c >= 0.15) ok(weights[0] > 0 && weights[1] < 0, `${weights}`);
    else ok(weights.every((w) => w === 0), `${weights}`);
  });
}

Deno.test("a warm start ends where a cold one does", () => {
  const { columns, labels } = sample(500, 6, 1, 4);
  const cold = fitSparseLogistic(columns, labels, 1);
  const start = fitSparseLogistic(columns, labels, 0.1);
  const warm = fitSparseLogistic(columns, labels, 1, { start });
  allClose([warm.objective], [cold.objective], { rtol: 1e-6 });
  ok(warm.steps <= cold.steps, `${warm.steps} and ${cold.steps}`);
});

Deno.test("labels of one kind, and columns of another length, are refused", () => {
  const column = [Float32Array.of(1, 2)];
  throws(() => fitSparseLogistic(column, Uint8Array.of(1, 1), 1), /both kinds.*2 of 2/);
  throws(() => fitSparseLogistic(column, Uint8Array.of(1, 0, 1), 1), /3 rows.*2/);
});

Deno.test({
  name: `the objective is no higher than scikit-learn's (saga)${sklearnSkipped}`,
  ignore: !hasSklearn,
  async fn() {
    const { columns, labels } = sample(600, 8, 1, 5);
    const answer = await runPython(
      `
import json, sys
import numpy as np
from sklearn.linear_model import LogisticRegression
columns, labels, c = json.loads(sys.argv[1])
x, y = np.array(columns).T, np.array(labels)
m = LogisticRegression(penalty="l1", C=c, solver="saga", tol=1e-10, max_iter=200000).fit(x, y)
z = x @ m.coef_[0] + m.intercept_[0]
print(json.dumps([float(np.abs(m.coef_).sum() + c * np.logaddexp(0, np.where(y == 1, -z, z)).sum()), m.coef_[0].tolist()]))
`,
      JSON.stringify([columns.map((x) => [...x]), [...labels], 0.3]),
    );
    const [objective, coefficients] = JSON.parse(answer) as [number, number[]];
    const found = fitSparseLogistic(columns, labels, 0.3);
    allClose([found.objective], [objective], { rtol: 1e-6 });
    allClose(found.weights, coefficients, { atol: 1e-3 });
  },
});
