/** Norms of a categorical Jacobian on the CPU. */
import { BLOCK, type JacobianPairs, LETTERS, validatePairs } from "./types.ts";

/**
 * Frobenius norms over letters of ½(D[n,a,m,b] + D[m,b,n,a] − μ[m,b,a] − μ[n,a,b]), μ the means: the
 * Jacobian centred over all four axes and symmetrised.
 *
 * @returns f32[L, L], symmetric, zero diagonal
 * @throws {RangeError} if sizes do not fit
 */
export function jacobianNorms(jacobian: JacobianPairs): Float32Array {
  validatePairs(jacobian);
  const { length, pairs, means } = jacobian;
  const norms = new Float32Array(length * length);
  let at = 0;
  for (let m = 1; m < length; m++) {
    for (let n = 0; n < m; n++) {
      let sum = 0;
      for (let a = 0; a < LETTERS; a++) {
        const own = n * BLOCK + a * LETTERS;
        for (let b = 0, other = m * BLOCK + a; b < LETTERS; b++, other += LETTERS) {
          const value = pairs[at++] - means[own + b] - means[other];
          sum += value * value;
        }
      }
      norms[n * length + m] = norms[m * length + n] = Math.sqrt(sum) / 2;
    }
  }
  return norms;
}
