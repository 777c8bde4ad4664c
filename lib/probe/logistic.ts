/** Multinomial logistic regression with a penalty on the weights, as scikit-learn's `LogisticRegression`. */
import { lbfgs, type LbfgsOptions } from "./lbfgs.ts";
import type { Products } from "./products.ts";
import type { Design } from "./rows.ts";

/** A linear read-out of standardised features: w [K, D] and b [K]. */
export interface Linear {
  /** f64[outputs, D], row-major. */
  readonly weights: Float64Array;
  /** f64[outputs] */
  readonly bias: Float64Array;
}

/** What one fit found. */
export interface LogisticFit extends Linear {
  /** Mean loss of the rows learnt from, in nats, weighted as the fit was. */
  readonly loss: number;
  /** Steps of the optimiser. */
  readonly steps: number;
  /** Whether it came to rest. */
  readonly converged: boolean;
}

/** Gradient of the penalty, in its own units, that counts as none. */
const FLAT = 1e-4;
/** Gradients of means of single precision are not finer. */
const LEAST_GRADIENT = 1e-8;

/** Rows of w: two classes need one, as in scikit-learn. */
export const outputsOf = (classes: number): number => classes === 2 ? 1 : classes;

/** n ÷ (classes · members of the class): every class weighs the same (`class_weight="balanced"`). */
export function balancedWeights(classes: number, labels: ArrayLike<number>): Float64Array {
  const counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  return counts.map((count) => count === 0 ? 0 : labels.length / (classes * count));
}

/**
 * Minimises C · Σ loss + ½ ‖w‖² over the rows of a design; the bias is not penalised. For two classes the
 * loss is the binary one, with one row of weights.
 *
 * @param labels the class of each row
 * @param weightOf a factor of each class's loss
 * @param start where to begin, such as the solution for a smaller C
 */
export async function fitLogistic(
  design: Design,
  labels: ArrayLike<number>,
  classes: number,
  c: number,
  products: Products,
  { weightOf, start, signal, ...options }: LbfgsOptions & {
    weightOf?: Float64Array;
    start?: Linear;
    signal?: AbortSignal;
  } = {},
): Promise<LogisticFit> {
  const { width, count } = design.rows, outputs = outputsOf(classes), size = outputs * width;
  const first = new Float64Array(size + outputs);
  if (start) {
    first.set(start.weights);
    first.set(start.bias, size);
  }
  let loss = NaN;
  // Divided by C · n, so that one tolerance fits all sizes and penalties.
  const evaluate = async (at: Float64Array) => {
    const w = at.subarray(0, size), b = at.subarray(size);
    const gradient = new Float64Array(at.length);
    let sum = 0;
    await design.each(async (x, begin) => {
      signal?.throwIfAborted();
      const logits = await products.logits(x, w, b);
      sum += residuals(logits, labels, begin, classes, weightOf);
      const product = await products.gradient(logits, x);
      for (let i = 0; i < size; i++) gradient[i] += product[i];
      for (let i = 0; i < logits.length;) {
        for (let k = size; k < gradient.length; k++, i++) gradient[k] += logits[i];
      }
    });
    loss = sum / count;
    let value = loss;
    for (let i = 0; i < at.length; i++) gradient[i] /= count;
    for (let i = 0; i < size; i++) {
      gradient[i] += at[i] / (c * count);
      value += at[i] * at[i] / (2 * c * count);
    }
    return { value, gradient };
  };
  // Where the penalty is weak, flat directions are told apart by gradients of its own size only.
  const tolerance = Math.min(1e-6, Math.max(FLAT / (c * count), LEAST_GRADIENT));
  const found = await lbfgs(evaluate, first, { tolerance, ...options });
  await evaluate(found.at);
  return {
    weights: found.at.slice(0, size),
    bias: found.at.slice(size),
    loss,
    steps: found.steps,
    converged: found.converged,
  };
}

/** Turns logits into what the gradient needs, p − y; gives the sum of the losses. */
function residuals(
  logits: Float32Array,
  labels: ArrayLike<number>,
  begin: number,
  classes: number,
  weightOf?: Float64Array,
): number {
  const outputs = outputsOf(classes), rows = logits.length / outputs;
  let sum = 0;
  for (let r = 0, at = 0; r < rows; r++, at += outputs) {
    const label = labels[begin + r], weight = weightOf ? weightOf[label] : 1;
    if (outputs === 1) {
      const z = logits[at], signed = label === 1 ? z : -z;
      sum += weight * (Math.max(0, -signed) + Math.log1p(Math.exp(-Math.abs(z))));
      logits[at] = weight * (sigmoid(z) - label);
      continue;
    }
    let most = -Infinity, total = 0;
    for (let k = 0; k < outputs; k++) most = Math.max(most, logits[at + k]);
    const own = logits[at + label];
    for (let k = 0; k < outputs; k++) total += Math.exp(logits[at + k] - most);
    sum += weight * (Math.log(total) + most - own);
    for (let k = 0; k < outputs; k++) {
      logits[at + k] = weight * (Math.exp(logits[at + k] - most) / total - Number(k === label));
    }
  }
  return sum;
}

const sigmoid = (z: number) => z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));

/** Probabilities f32[n, classes] of logits f32[n, outputs]. */
export function probabilitiesOf(logits: Float32Array, classes: number): Float32Array {
  const outputs = outputsOf(classes), rows = logits.length / outputs;
  const found = new Float32Array(rows * classes);
  for (let r = 0; r < rows; r++) {
    const to = r * classes, at = r * outputs;
    if (outputs === 1) {
      found[to + 1] = sigmoid(logits[at]);
      found[to] = sigmoid(-logits[at]);
      continue;
    }
    let most = -Infinity, total = 0;
    for (let k = 0; k < classes; k++) most = Math.max(most, logits[at + k]);
    for (let k = 0; k < classes; k++) total += found[to + k] = Math.exp(logits[at + k] - most);
    for (let k = 0; k < classes; k++) found[to + k] /= total;
  }
  return found;
}
