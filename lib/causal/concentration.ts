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

/** Share of the summed magnitudes that the `n` largest have; NaN when all are zero. */
export function topShare(values: ArrayLike<number>, n: number): number {
  const sorted = Float64Array.from(values, Math.abs).sort().reverse();
  const total = sorted.reduce((a, b) => a + b, 0);
  return total === 0 ? NaN : sorted.subarray(0, n).reduce((a, b) => a + b, 0) / total;
}
