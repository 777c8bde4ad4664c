/**
 * Benjamini–Hochberg adjusted p-values (Benjamini & Hochberg 1995): the smallest false discovery rate
 * at which each test is still called, in the order of `p`.
 *
 * @param p p-values in 0..1
 */
export function benjaminiHochberg(p: ArrayLike<number>): Float64Array {
  const order = Array.from(p, (_, i) => i).sort((a, b) => p[b] - p[a]);
  const q = new Float64Array(p.length);
  let least = 1;
  order.forEach((index, k) => {
    least = Math.min(least, p[index] * p.length / (p.length - k));
    q[index] = least;
  });
  return q;
}
