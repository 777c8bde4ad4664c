/** Ridge regression from the products of the features alone, as scikit-learn's `Ridge`. */
import { Cholesky, gramOf } from "./gram.ts";
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
  const gram = await gramOf(design, products), moment = new Float64Array(width);
  const sums = new Float64Array(width);
  let mean = 0;
  for (let i = 0; i < count; i++) mean += labels[i] / count;
  await design.each(async (x, begin) => {
    const rows = x.shape[0];
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
  const factor = new Cholesky(gram, moment.length, 1, alpha);
  const weights = factor.backward(factor.forward(moment.slice()));
  const shift = weights.reduce((sum, w, d) => sum + w * means[d], 0);
  return { weights, bias: Float64Array.of(mean - shift) };
}
