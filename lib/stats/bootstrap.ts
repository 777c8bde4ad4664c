/** Bootstrap confidence intervals by resampling observations with replacement. */
import { philoxKey, tallyBelow } from "../../kernels/philox/mod.ts";

/** A bootstrap interval. */
export interface Interval {
  /** Its lower end. */
  low: number;
  /** Its upper end. */
  high: number;
}

/** Milliseconds of work between two turns of the event loop, which itself takes one. */
const TURN_MS = 50;

/**
 * Percentile intervals of several statistics from the same resamples (Efron 1979).
 *
 * A resample is a list of counts, one per observation, with sum `n`, and a function of seed and its number
 * alone; the list is reused, so a statistic must not keep it. Resamples in which a statistic is NaN are left out of its interval.
 *
 * @param resamples at least 1
 * @param level share of resamples inside the interval @default 0.95
 * @returns one interval per statistic; NaN at both ends where none was defined
 */
export async function bootstrap(
  n: number,
  resamples: number,
  seed: number,
  statistics: (counts: Uint32Array) => readonly number[],
  options: ResampleOptions & { level?: number } = {},
): Promise<Interval[]> {
  const found = await resample(n, { begin: 0, end: resamples }, seed, statistics, options);
  return intervalsOf(found, options.level);
}

/** Resamples by their numbers. */
export interface ResampleRange {
  begin: number;
  /** One past the last. */
  end: number;
}

/** How resamples are made. */
export interface ResampleOptions {
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears of the resamples done. */
  onProgress?: (done: number) => void;
}

/** Values of several statistics in some of the resamples, by statistic: what {@linkcode bootstrap} makes intervals of. */
export async function resample(
  n: number,
  { begin, end }: ResampleRange,
  seed: number,
  statistics: (counts: Uint32Array) => readonly number[],
  { signal, onProgress }: ResampleOptions = {},
): Promise<number[][]> {
  const key = philoxKey(seed), counts = new Uint32Array(n), found: number[][] = [];
  let turned = performance.now();
  for (let r = begin; r < end; r++) {
    counts.fill(0);
    tallyBelow(counts, n, { trial: r, stream: 0, key });
    statistics(counts).forEach((value, s) => (found[s] ??= []).push(value));
    onProgress?.(r + 1 - begin);
    // Ctrl-C is heard only when the event loop turns.
    if (performance.now() - turned > TURN_MS) {
      await new Promise((resolve) => setTimeout(resolve));
      turned = performance.now();
    }
    signal?.throwIfAborted();
  }
  return found;
}

/** Percentile intervals of statistics, each from its values in all resamples. */
export function intervalsOf(found: readonly (readonly number[])[], level = 0.95): Interval[] {
  return found.map((values) => {
    const defined = Float64Array.from(values.filter((x) => !Number.isNaN(x))).sort();
    return { low: quantile(defined, (1 - level) / 2), high: quantile(defined, (1 + level) / 2) };
  });
}

/** A mean over things, and how far resampled things move it. */
export interface ResampledMean {
  /** How many have a value. */
  count: number;
  mean: number;
  /** NaN without resamples. */
  interval: Interval;
}

/**
 * Means of several columns of values, NaN left out. Things are resampled whole, so that intervals of
 * different columns belong together.
 *
 * @param columns each has a value per thing
 */
export async function bootstrapMeans(
  columns: readonly (readonly number[])[],
  { resamples, seed, signal }: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<ResampledMean[]> {
  const meanOf = (values: readonly number[], counts?: Uint32Array) => {
    let sum = 0, n = 0;
    values.forEach((value, i) => {
      const times = counts ? counts[i] : 1;
      if (Number.isNaN(value) || times === 0) return;
      sum += times * value;
      n += times;
    });
    return sum / n;
  };
  const intervals = await bootstrap(
    columns[0]?.length ?? 0,
    resamples,
    seed,
    (counts) => columns.map((values) => meanOf(values, counts)),
    { signal },
  );
  return columns.map((values, i) => ({
    count: values.filter((x) => !Number.isNaN(x)).length,
    mean: meanOf(values),
    interval: intervals[i] ?? { low: NaN, high: NaN },
  }));
}

/** Quantile of ascending values with linear interpolation (NumPy's default, R's type 7). */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  const n = ascending.length;
  if (n === 0) return NaN;
  const at = share * (n - 1), below = Math.floor(at), above = Math.min(n - 1, below + 1);
  return ascending[below] + (at - below) * (ascending[above] - ascending[below]);
}
