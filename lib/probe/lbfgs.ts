/**
 * Limited-memory BFGS (Nocedal 1980, 10.1090/S0025-5718-1980-0572855-7) for functions that are computed
 * elsewhere.
 *
 * Our own because none of npm's serves: fmin (0.0.4) has conjugate gradients and Nelder–Mead, numeric
 * (1.2.6) keeps the whole inverse Hessian (1.6 GB for 11 classes of 1280 values), ml-logistic-regression
 * (2.0.0) descends with a fixed step and without a penalty, ml-levenberg-marquardt fits curves; and every
 * one of them wants a value at once, where products run on a device and rows come from a file.
 */

/** A value and its gradient. */
export interface Evaluation {
  value: number;
  gradient: Float64Array;
}

/** When to stop. */
export interface LbfgsOptions {
  /** Largest element of the gradient that counts as zero. @default 1e-6 */
  tolerance?: number;
  /** Steps at most. @default 500 */
  steps?: number;
  /** Pairs of steps and changes that are remembered. @default 10 */
  memory?: number;
}

/** Where the descent ended. */
export interface Minimum extends Evaluation {
  at: Float64Array;
  steps: number;
  /** Whether the gradient became as small as asked for, or no step could lower the value any more. */
  converged: boolean;
}

/** Of a step that lowers enough, and of a slope that has become flat enough (strong Wolfe conditions). */
const LOWERS = 1e-4, FLATTENS = 0.9;
const MOST_TRIALS = 20;
/** Share of a value that its own computation in single precision may be off by. */
const NOISE = 1e-6;
/** Steps without a smaller gradient after which it is as small as it gets. */
const PATIENCE = 40;
/** So little of the value is gained by so many steps where there is no more to gain. */
const GAIN = 1e-8, GAIN_STEPS = 10;

/** Minimises a smooth function from a point on. */
export async function lbfgs(
  evaluate: (at: Float64Array) => Promise<Evaluation>,
  start: Float64Array,
  { tolerance = 1e-6, steps = 500, memory = 10 }: LbfgsOptions = {},
): Promise<Minimum> {
  let at: Float64Array = start.slice(), here = await evaluate(at);
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let least = { at, here, size: Infinity, step: 0 };
  const values: number[] = [];
  for (let step = 0;; step++) {
    values.push(here.value);
    const size = largest(here.gradient);
    if (size < least.size) least = { at, here, size, step };
    const isFlat = size <= tolerance;
    if (isFlat || step === steps) return { at, ...here, steps: step, converged: isFlat };
    const before = values.at(-1 - GAIN_STEPS);
    const isSlow = before !== undefined && before - here.value < GAIN * Math.abs(here.value);
    if (isSlow || step - least.step > PATIENCE) {
      return { at: least.at, ...least.here, steps: step, converged: true };
    }
    let direction = descent(here.gradient, pairs);
    let slope = dot(direction, here.gradient);
    if (!(slope < 0)) {
      pairs.length = 0;
      direction = here.gradient.map((g) => -g);
      slope = dot(direction, here.gradient);
    }
    // Without a memory of curvature the first step has length one at most.
    const first = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-slope));
    const found = await search(evaluate, at, here, direction, slope, first);
    if (!found) {
      // No lower point is told apart from this one in the function's own precision.
      if (pairs.length === 0) return { at, ...here, steps: step, converged: true };
      pairs.length = 0;
      continue;
    }
    const s = found.at.map((x, i) => x - at[i]);
    const y = found.gradient.map((g, i) => g - here.gradient[i]);
    const curvature = dot(s, y);
    if (curvature > 1e-12 * dot(y, y)) {
      pairs.push({ s, y, rho: 1 / curvature });
      if (pairs.length > memory) pairs.shift();
    }
    at = found.at;
    here = found;
  }
}

/** The negative gradient in the metric that remembered steps tell (two-loop recursion). */
function descent(
  gradient: Float64Array,
  pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[],
): Float64Array {
  const q = gradient.slice(), alphas: number[] = [];
  for (const { s, y, rho } of pairs.toReversed()) {
    const alpha = rho * dot(s, q);
    alphas.unshift(alpha);
    for (let i = 0; i < q.length; i++) q[i] -= alpha * y[i];
  }
  const last = pairs.at(-1);
  const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1;
  for (let i = 0; i < q.length; i++) q[i] *= scale;
  pairs.forEach(({ s, y, rho }, p) => {
    const beta = alphas[p] - rho * dot(y, q);
    for (let i = 0; i < q.length; i++) q[i] += beta * s[i];
  });
  return q.map((x) => -x);
}

/**
 * A step that meets the strong Wolfe conditions (Nocedal & Wright 2006, algorithms 3.5 and 3.6), or where
 * values differ by no more than their noise the one on slopes alone (as Hager & Zhang 2005,
 * 10.1137/030601880, do near a minimum); undefined where none is found.
 */
async function search(
  evaluate: (at: Float64Array) => Promise<Evaluation>,
  at: Float64Array,
  here: Evaluation,
  direction: Float64Array,
  slope: number,
  first: number,
): Promise<(Evaluation & { at: Float64Array }) | undefined> {
  const go = async (length: number) => {
    const there = at.map((x, i) => x + length * direction[i]), found = await evaluate(there);
    return { ...found, at: there, length, slope: dot(direction, found.gradient) };
  };
  type Trial = Awaited<ReturnType<typeof go>>;
  const noise = NOISE * Math.abs(here.value);
  let low: Pick<Trial, "length" | "value" | "slope"> = { length: 0, value: here.value, slope };
  let high: typeof low | undefined;
  let best: Trial | undefined;
  for (let trial = 0, length = first; trial < MOST_TRIALS; trial++) {
    const now = await go(length);
    if (now.value < (best?.value ?? here.value)) best = now;
    const isClose = Math.abs(now.value - here.value) <= noise && -length * slope <= noise;
    const isLow = isClose
      ? now.slope < 0 || Math.abs(now.slope) <= -FLATTENS * slope
      : now.value <= here.value + LOWERS * length * slope && now.value < low.value + noise;
    if (!isLow) high = now;
    else {
      if (Math.abs(now.slope) <= -FLATTENS * slope) return now;
      if (now.slope * ((high?.length ?? Infinity) - low.length) >= 0) high = low;
      low = now;
    }
    length = high ? between(low, high) : 2 * low.length;
    if (high && Math.abs(high.length - low.length) < 1e-9 * length) break;
  }
  return best;
}

/** Where a cubic through both ends is lowest, well inside. */
function between(
  a: { length: number; value: number; slope: number },
  b: { length: number; value: number; slope: number },
): number {
  const d = a.slope + b.slope - 3 * (a.value - b.value) / (a.length - b.length);
  const root = Math.sqrt(d * d - a.slope * b.slope) * Math.sign(b.length - a.length);
  const found = b.length - (b.length - a.length) * (b.slope + root - d) /
      (b.slope - a.slope + 2 * root);
  const [low, high] = a.length < b.length ? [a.length, b.length] : [b.length, a.length];
  const margin = 0.1 * (high - low);
  return Number.isFinite(found)
    ? Math.min(high - margin, Math.max(low + margin, found))
    : (low + high) / 2;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

const largest = (values: Float64Array): number =>
  values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
