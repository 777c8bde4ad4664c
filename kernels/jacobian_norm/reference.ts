/** Contacts of a whole categorical Jacobian as they are defined: double precision, no haste. */
import { BLOCK, type JacobianPairs, LETTERS, pairIndex } from "./types.ts";

/**
 * Centre over all four axes, symmetrise, Frobenius norm over letters, zero diagonal (Zhang et al. 2024,
 * 10.1073/pnas.2406285121).
 *
 * @param jacobian [L, A, L, B] row-major
 */
export function jacobianReference(
  jacobian: ArrayLike<number>,
  [length, before, , after]: readonly [number, number, number, number],
): { centred: Float64Array; norms: Float64Array } {
  const shape = [length, before, length, after];
  const centred = Float64Array.from(jacobian);
  for (let axis = 0; axis < 4; axis++) subtractMean(centred, shape, axis);
  const norms = new Float64Array(length * length);
  const at = (n: number, a: number, m: number, b: number) =>
    centred[((n * before + a) * length + m) * after + b];
  for (let n = 0; n < length; n++) {
    for (let m = 0; m < length; m++) {
      if (n === m) continue;
      let sum = 0;
      for (let a = 0; a < before; a++) {
        for (let b = 0; b < after; b++) sum += ((at(n, a, m, b) + at(m, b, n, a)) / 2) ** 2;
      }
      norms[n * length + m] = Math.sqrt(sum);
    }
  }
  return { centred, norms };
}

/** Subtracts the mean over one axis. */
export function subtractMean(values: Float64Array, shape: readonly number[], axis: number): void {
  const extent = shape[axis];
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const outer = values.length / (extent * inner);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let sum = 0;
      for (let k = 0; k < extent; k++) sum += values[(o * extent + k) * inner + i];
      for (let k = 0; k < extent; k++) values[(o * extent + k) * inner + i] -= sum / extent;
    }
  }
}

/** The norms of `jacobianNorms` pair by pair: f64[L, L]. */
export function pairNormsReference({ length, pairs, means }: JacobianPairs): Float64Array {
  const norms = new Float64Array(length * length);
  for (let n = 0; n < length; n++) {
    for (let m = n + 1; m < length; m++) {
      const entries = Array.from({ length: BLOCK }, (_, k) => {
        const a = Math.floor(k / LETTERS), b = k % LETTERS;
        return (pairs[pairIndex(n, m) * BLOCK + k] - means[n * BLOCK + k] -
          means[m * BLOCK + b * LETTERS + a]) / 2;
      });
      norms[n * length + m] = norms[m * length + n] = Math.hypot(...entries);
    }
  }
  return norms;
}
