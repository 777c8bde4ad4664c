/**
 * Where a categorical Jacobian is gathered, one substituted residue at a time.
 *
 * All of it would be (20 L)² values. What is kept is the sum of each block with its mirror image: half
 * as many, so that single precision takes the memory of one half-precision copy (288 MB at L = 600).
 */
import {
  BLOCK,
  type JacobianPairs,
  pairCount,
  pairIndex,
} from "../../kernels/jacobian_norm/mod.ts";

const A = 20;

export class JacobianStore {
  readonly #pairs: Float32Array;
  /** Σ over n of D[n, a, m, b] as [m, b, a]. */
  readonly #sums: Float64Array;
  readonly #centred: Float32Array;

  constructor(readonly length: number) {
    this.#pairs = new Float32Array(pairCount(length) * BLOCK);
    this.#sums = new Float64Array(length * BLOCK);
    this.#centred = new Float32Array(length * BLOCK);
  }

  /**
   * Takes the logits of every substitution of residue `n`; each residue must come once.
   *
   * Subtracting the logits of the wild type would change nothing, because they do not depend on the
   * letter substituted and the mean over that letter goes.
   *
   * @param logits f32[20, L, 20]: letter put in, residue read, letter read
   */
  add(n: number, logits: Float32Array): void {
    const { length } = this;
    const centred = centreSlab(logits, length, this.#centred);
    for (let m = 0; m < length; m++) {
      const from = m * BLOCK;
      for (let a = 0; a < A; a++) {
        for (let b = 0; b < A; b++) this.#sums[from + b * A + a] += centred[from + a * A + b];
      }
      if (m === n) continue;
      // A pair's first letter belongs to the residue with the smaller number.
      const to = pairIndex(Math.min(n, m), Math.max(n, m)) * BLOCK;
      if (n < m) {
        for (let k = 0; k < BLOCK; k++) this.#pairs[to + k] += centred[from + k];
      } else {
        for (let a = 0; a < A; a++) {
          for (let b = 0; b < A; b++) this.#pairs[to + b * A + a] += centred[from + a * A + b];
        }
      }
    }
  }

  /** What was gathered, once all residues came; the arrays are the store's own. */
  finish(): JacobianPairs {
    const means = Float32Array.from(this.#sums, (sum) => sum / this.length);
    return { length: this.length, pairs: this.#pairs, means };
  }
}

/**
 * Centres logits f32[20, L, 20] (a, m, b) over a, b and m.
 *
 * @param into f32[L, 20, 20] (m, a, b), filled and returned
 */
function centreSlab(
  logits: Float32Array,
  length: number,
  into: Float32Array,
): Float32Array {
  const overM = new Float64Array(BLOCK);
  const rowMeans = new Float64Array(A), columnMeans = new Float64Array(A);
  for (let m = 0; m < length; m++) {
    rowMeans.fill(0);
    columnMeans.fill(0);
    let mean = 0;
    for (let a = 0; a < A; a++) {
      const from = (a * length + m) * A;
      for (let b = 0; b < A; b++) {
        rowMeans[a] += logits[from + b];
        columnMeans[b] += logits[from + b];
      }
    }
    for (let a = 0; a < A; a++) {
      mean += rowMeans[a] / BLOCK;
      rowMeans[a] /= A;
      columnMeans[a] /= A;
    }
    for (let a = 0; a < A; a++) {
      const from = (a * length + m) * A, to = m * BLOCK + a * A;
      for (let b = 0; b < A; b++) {
        const value = logits[from + b] - rowMeans[a] - columnMeans[b] + mean;
        into[to + b] = value;
        overM[a * A + b] += value;
      }
    }
  }
  for (let k = 0; k < BLOCK; k++) overM[k] /= length;
  for (let m = 0, at = 0; m < length; m++) {
    for (let k = 0; k < BLOCK; k++, at++) into[at] -= overM[k];
  }
  return into;
}
