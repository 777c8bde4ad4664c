/** Summaries of timings: quantiles, because a busy machine adds outliers on one side only. */

/** A spread of values: the median and the middle eighty per cent. */
export interface Spread {
  samples: number;
  median: number;
  p10: number;
  p90: number;
}

/**
 * Quantile of values, interpolated linearly between neighbours (Hyndman & Fan 1996, type 7).
 *
 * @throws {RangeError} if there is no value
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) {
    throw new RangeError("Cannot take a quantile as there must be a value: current count is 0");
  }
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1), below = Math.floor(at);
  const next = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (at - below) * (next - sorted[below]);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function spreadOf(values: readonly number[]): Spread {
  const [p10, middle, p90] = [0.1, 0.5, 0.9].map((share) => quantile(values, share));
  return { samples: values.length, median: middle, p10, p90 };
}

/**
 * Spread of a[i] / b[i], where both were measured in round i: a machine that slows down for a while
 * slows both, so that the ratio stays.
 *
 * @throws {RangeError} if there are not as many of each
 */
export function pairedRatio(a: readonly number[], b: readonly number[]): Spread {
  if (a.length !== b.length) {
    throw new RangeError(
      `Cannot pair timings as there must be as many of each: current counts are ${a.length} and ` +
        `${b.length}`,
    );
  }
  return spreadOf(a.map((value, i) => value / b[i]));
}
