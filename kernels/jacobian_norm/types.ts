/** What the norm of a categorical Jacobian takes and gives, on either processor. */

/** Letters that are substituted and read: tokens 4..23, order LAGVSERTIDPKQNFYMHWC. */
export const LETTERS = 20;
/** Entries of one pair of residues. */
export const BLOCK = LETTERS * LETTERS;

/**
 * A Jacobian D (centred over both letters and over the residues read, not yet over the residues
 * substituted) as pairs of residues, so that only half of it exists.
 */
export interface JacobianPairs {
  /** L */
  length: number;
  /**
   * f32[L(L−1)/2, 20, 20]: pair n < m in the order (0,1), (0,2), (1,2), (0,3) …,
   * D[n, a, m, b] + D[m, b, n, a].
   */
  pairs: Float32Array;
  /** f32[L, 20, 20]: mean over n of D[n, a, m, b], as [m, b, a]. */
  means: Float32Array;
}

export function pairCount(length: number): number {
  return length * (length - 1) / 2;
}

/** Number of the pair n < m. */
export function pairIndex(n: number, m: number): number {
  return m * (m - 1) / 2 + n;
}

/** @throws {RangeError} if sizes do not fit */
export function validatePairs({ length, pairs, means }: JacobianPairs): void {
  const expected = [pairCount(length) * BLOCK, length * BLOCK];
  [pairs, means].forEach((array, i) => {
    if (array.length === expected[i]) return;
    throw new RangeError(
      `Cannot take norms of a Jacobian of ${length} residues as ${
        ["pairs", "means"][i]
      } must have ${expected[i]} elements: current value is ${array.length}`,
    );
  });
}
