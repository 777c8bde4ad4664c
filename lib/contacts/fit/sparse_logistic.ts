/**
 * Two-class logistic regression with an L1 penalty: what ESM-2's contact head is (Rao et al. 2021,
 * "Transformer protein language models are unsupervised structure learners").
 *
 * By Newton steps on the penalised quadratic model, each solved coordinate by coordinate (Yuan, Ho & Lin
 * 2012, "An improved GLMNET for L1-regularized logistic regression", JMLR 13). Our own, since no package of
 * npm has an L1 penalty.
 */

/** A column of features for each coefficient, of one length. */
export type Columns = readonly Float32Array[];

/** What a fit gives. */
export interface SparseFit {
  /** f64[columns], most of them 0 where the penalty is strong. */
  readonly weights: Float64Array;
  readonly intercept: number;
  /** ‖w‖₁ + C · Σ loss, nats. */
  readonly objective: number;
  /** Newton steps. */
  readonly steps: number;
}

export interface SparseOptions {
  /** Where to begin, such as the fit for a smaller C. @default zeros */
  readonly start?: Pick<SparseFit, "weights" | "intercept">;
  /** Newton steps at most. @default 100 */
  readonly steps?: number;
  /** Share of the first violation of the optimality conditions that counts as none. @default 1e-6 */
  readonly tolerance?: number;
  readonly signal?: AbortSignal;
}

/** Of a Newton step that lowers the objective enough. */
const LOWERS = 0.01, HALVES = 0.5, MOST_HALVES = 30;
const MOST_PASSES = 1000;
/** Keeps curvature above nothing where every probability is 0 or 1. */
const RIDGE = 1e-12;

/**
 * Minimises ‖w‖₁ + C · Σ log(1 + exp(−±(w · x + b))) over the rows. The intercept is not penalised
 * (liblinear, with which fair-esm's head was fitted, treats it as one more weight).
 *
 * @param labels 1 or 0 for each row
 * @throws {RangeError} if the labels are of one kind, or a column has another length
 */
export function fitSparseLogistic(
  columns: Columns,
  labels: Uint8Array,
  c: number,
  { start, steps = 100, tolerance = 1e-6, signal }: SparseOptions = {},
): SparseFit {
  const rows = labels.length, width = columns.length;
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === rows) {
    throw new RangeError(
      `Cannot fit as both kinds of rows must occur: ${positives} of ${rows} are positive`,
    );
  }
  const wrong = columns.find(({ length }) => length !== rows);
  if (wrong) {
    throw new RangeError(
      `Cannot fit as columns must have ${rows} rows: current value is ${wrong.length}`,
    );
  }
  const w = start?.weights.slice() ?? new Float64Array(width);
  let b = start?.intercept ?? Math.log(positives / (rows - positives));
  const z = new Float64Array(rows).fill(b);
  columns.forEach((x, j) => w[j] !== 0 && addScaled(z, x, w[j]));

  const slopes = new Float64Array(rows), curvatures = new Float64Array(rows);
  /** Gradient and curvature of the loss by coordinate, the intercept's last. */
  const gradient = new Float64Array(width + 1), curvature = new Float64Array(width + 1);
  const step = new Float64Array(width + 1), moved = new Float64Array(rows);
  let objective = penalised(w) + c * lossOf(z, labels), first: number | undefined, done = 0;
  for (; done < steps; done++) {
    signal?.throwIfAborted();
    for (let i = 0; i < rows; i++) {
      const p = 1 / (1 + Math.exp(-z[i]));
      slopes[i] = c * (p - labels[i]);
      curvatures[i] = c * p * (1 - p);
    }
    let violation = 0;
    for (let j = 0; j <= width; j++) {
      const x = columns[j];
      let g = 0, h = 0;
      for (let i = 0; i < rows; i++) {
        const value = x ? x[i] : 1;
        g += value * slopes[i];
        h += value * value * curvatures[i];
      }
      gradient[j] = g;
      curvature[j] = h + RIDGE;
      violation += j === width ? Math.abs(g) : violationOf(w[j], g);
    }
    first ??= violation;
    if (violation <= tolerance * first) break;

    // The quadratic model, by coordinates; those at 0 that want to stay there are passed over after one pass.
    step.fill(0);
    moved.fill(0);
    let active = Array.from({ length: width + 1 }, (_, j) => j);
    for (let pass = 0; pass < MOST_PASSES; pass++) {
      let most = 0;
      const next: number[] = [];
      for (const j of active) {
        const x = columns[j], h = curvature[j];
        let g = gradient[j] + RIDGE * step[j];
        for (let i = 0; i < rows; i++) g += (x ? x[i] : 1) * curvatures[i] * moved[i];
        const now = j === width ? 0 : w[j] + step[j];
        const change = j === width ? -g / h : shrink(now - g / h, 1 / h) - now;
        const off = j === width ? Math.abs(g) : violationOf(now, g);
        most = Math.max(most, off);
        if (j === width || now !== 0 || off > 0) next.push(j);
        if (change === 0) continue;
        step[j] += change;
        if (x) addScaled(moved, x, change);
        else for (let i = 0; i < rows; i++) moved[i] += change;
      }
      const isDone =
        most <= Math.max(1e-3 * violation / (width + 1), tolerance * first / (width + 1));
      if (isDone && active.length === width + 1) break;
      // What was passed over is looked at once more before it ends.
      active = isDone ? Array.from({ length: width + 1 }, (_, j) => j) : next;
    }

    let slope = -penalised(w);
    for (let j = 0; j <= width; j++) {
      slope += gradient[j] * step[j] + (j < width ? Math.abs(w[j] + step[j]) : 0);
    }
    let size = 1, lower: number | undefined;
    for (let half = 0; half < MOST_HALVES; half++, size *= HALVES) {
      const there = z.map((value, i) => value + size * moved[i]);
      const value = penalised(w, step, size) + c * lossOf(there, labels);
      if (value > objective + LOWERS * size * slope) continue;
      lower = value;
      z.set(there);
      break;
    }
    // No lower point is told apart from this one in double precision.
    if (lower === undefined || lower >= objective) break;
    for (let j = 0; j < width; j++) w[j] += size * step[j];
    b += size * step[width];
    objective = lower;
  }
  return { weights: w, intercept: b, objective, steps: done };
}

/** How far a weight's gradient is from what the penalty balances. */
function violationOf(weight: number, gradient: number): number {
  if (weight > 0) return Math.abs(gradient + 1);
  if (weight < 0) return Math.abs(gradient - 1);
  return Math.max(0, Math.abs(gradient) - 1);
}

const shrink = (value: number, by: number) =>
  value > by ? value - by : value < -by ? value + by : 0;

function penalised(w: Float64Array, step?: Float64Array, size = 0): number {
  let sum = 0;
  for (let j = 0; j < w.length; j++) sum += Math.abs(step ? w[j] + size * step[j] : w[j]);
  return sum;
}

function lossOf(z: Float64Array, labels: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < z.length; i++) {
    const signed = labels[i] ? z[i] : -z[i];
    sum += Math.max(0, -signed) + Math.log1p(Math.exp(-Math.abs(signed)));
  }
  return sum;
}

function addScaled(into: Float64Array, x: Float32Array, factor: number): void {
  for (let i = 0; i < into.length; i++) into[i] += factor * x[i];
}
