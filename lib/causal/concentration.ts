/** How few nodes carry how much of an effect. */

/**
 * Gini coefficient of magnitudes: 0 when all are equal, 1 − 1/n when one of n carries everything; NaN
 * when all are zero. Zeros that a sparse list leaves out are counted by `count`.
 *
 * @param values signed; their magnitudes are compared
 * @param count how many there are with those left out, which are zero
 */
export function gini(values: ArrayLike<number>, count = values.length): number {
  const sorted = Float64Array.from(values, Math.abs).sort();
  const zeros = count - sorted.length;
  let total = 0, weighted = 0;
  sorted.forEach((value, i) => {
    total += value;
    weighted += (zeros + i + 1) * value;
  });
  return total === 0 ? NaN : (2 * weighted / total - (count + 1)) / count;
}

/** Numbers of largest values whose share {@linkcode shareCurve} gives. */
export const CURVE_COUNTS = [
  ...[1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000],
  ...[1500, 2000, 3000, 5000, 7000, 10_000, 20_000, 50_000],
] as const;

/** Shares of the summed magnitudes that the largest have, per {@linkcode CURVE_COUNTS}; NaN when all are zero. */
export function shareCurve(values: ArrayLike<number>): number[] {
  const sorted = Float64Array.from(values, Math.abs).sort().reverse();
  const total = sorted.reduce((a, b) => a + b, 0);
  let taken = 0, sum = 0;
  return CURVE_COUNTS.map((count) => {
    for (; taken < Math.min(count, sorted.length); taken++) sum += sorted[taken];
    return total === 0 ? NaN : sum / total;
  });
}

/** Share of the summed magnitudes that the `n` largest have; NaN when all are zero. */
export function topShare(values: ArrayLike<number>, n: number): number {
  const sorted = Float64Array.from(values, Math.abs).sort().reverse();
  const total = sorted.reduce((a, b) => a + b, 0);
  return total === 0 ? NaN : sorted.subarray(0, n).reduce((a, b) => a + b, 0) / total;
}
