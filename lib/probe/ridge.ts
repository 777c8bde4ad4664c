/** Ridge regression from the products of the features alone, as scikit-learn's `Ridge`. */
import type { Linear } from "./logistic.ts";
import type { Products } from "./products.ts";
import type { Design } from "./rows.ts";

/** All of the rows that the solution of any penalty needs. */
export interface Normal {
  /** f64[D, D] of standardised features about their mean. */
  readonly gram: Float64Array;
  /** f64[D] of features and labels about their means. */
  readonly moment: Float64Array;
  /** Of the standardised features, zero but for rounding. */
  readonly means: Float64Array;
  /** Of the labels. */
  readonly mean: number;
}

/** Reads all rows once. @param labels the number of each row */
export async function normalEquations(
  design: Design,
  labels: ArrayLike<number>,
  products: Products,
): Promise<Normal> {
  const { width, count } = design.rows;
  const gram = new Float64Array(width * width), moment = new Float64Array(width);
  const sums = new Float64Array(width);
  let mean = 0;
  for (let i = 0; i < count; i++) mean += labels[i] / count;
  await design.each(async (x, begin) => {
    const rows = x.shape[0];
    (await products.gram(x)).forEach((value, i) => gram[i] += value);
    const centred = new Float32Array(2 * rows);
    for (let r = 0; r < rows; r++) {
      centred[2 * r] = labels[begin + r] - mean;
      centred[2 * r + 1] = 1;
    }
    const both = await products.gradient(centred, x);
    for (let d = 0; d < width; d++) {
      moment[d] += both[d];
      sums[d] += both[width + d];
    }
  });
  const means = sums.map((sum) => sum / count);
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) gram[i * width + j] -= count * means[i] * means[j];
  }
  return { gram, moment, means, mean };
}

/** Minimises ‖y − x w − b‖² + α ‖w‖². @throws {RangeError} unless alpha is above 0 */
export function solveRidge({ gram, moment, means, mean }: Normal, alpha: number): Linear {
  if (!(alpha > 0)) {
    throw new RangeError(`Cannot fit ridge as alpha must be above 0: current value is ${alpha}`);
  }
  const n = moment.length, l = gram.slice();
  // Cholesky, lower triangle in place.
  for (let j = 0; j < n; j++) {
    l[j * n + j] += alpha;
    for (let i = j; i < n; i++) {
      let sum = l[i * n + j];
      for (let k = 0, a = i * n, b = j * n; k < j; k++, a++, b++) sum -= l[a] * l[b];
      l[i * n + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / l[j * n + j];
    }
  }
  const weights = moment.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) weights[i] -= l[i * n + k] * weights[k];
    weights[i] /= l[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) weights[i] -= l[k * n + i] * weights[k];
    weights[i] /= l[i * n + i];
  }
  const shift = weights.reduce((sum, w, d) => sum + w * means[d], 0);
  return { weights, bias: Float64Array.of(mean - shift) };
}
