/** The classical comparison: contacts from the covariance of an alignment's columns. */
import type { Backend } from "../backend/mod.ts";
import { apc, zeroDiagonal } from "./apc.ts";
import { inverse } from "./inverse.ts";
import { type MsaColumns, STATES } from "./msa.ts";

const LETTERS = 20;

/**
 * Contact scores f32[L, L] of a protein from its family's alignment: one-hot columns over 21 states,
 * covariance of the rows (unweighted, ddof 1), −inverse(covariance + 4.5/√N · 1), Frobenius norm over
 * the 20 letters, APC (zzhangzzhang/pLMs-interpretability `jac/utils.py`). NaN where a residue has no
 * column.
 *
 * @param length L
 */
export async function covarianceContacts(
  backend: Backend,
  msa: MsaColumns,
  length: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { residues } = msa, width = residues.length, size = width * STATES;
  const matrix = covariance(msa);
  const ridge = 4.5 / Math.sqrt(msa.rows);
  for (let i = 0; i < size; i++) matrix[i * size + i] += ridge;
  const precision = await inverse(backend, matrix, size, signal);
  const norms = new Float32Array(width * width);
  for (let p = 0; p < width; p++) {
    for (let q = 0; q < p; q++) {
      let sum = 0;
      for (let a = 0; a < LETTERS; a++) {
        const row = (p * STATES + a) * size + q * STATES;
        for (let b = 0; b < LETTERS; b++) sum += precision[row + b] ** 2;
      }
      norms[p * width + q] = norms[q * width + p] = Math.sqrt(sum);
    }
  }
  const corrected = zeroDiagonal(apc(norms));
  const map = new Float32Array(length * length).fill(NaN);
  residues.forEach((i, p) =>
    residues.forEach((j, q) => map[i * length + j] = corrected[p * width + q])
  );
  return map;
}

/** Covariance f32[21 W, 21 W] of one-hot columns, ddof 1. */
export function covariance({ states, rows, residues }: MsaColumns): Float32Array {
  const width = residues.length, size = width * STATES;
  const counts = new Float32Array(size * size), single = new Float64Array(size);
  const ones = new Int32Array(width);
  for (let r = 0; r < rows; r++) {
    for (let p = 0; p < width; p++) {
      ones[p] = p * STATES + states[r * width + p];
      single[ones[p]]++;
    }
    for (let p = 0; p < width; p++) {
      const row = ones[p] * size;
      for (let q = 0; q <= p; q++) counts[row + ones[q]]++;
    }
  }
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const both = Math.floor(i / STATES) === Math.floor(j / STATES) && i !== j
        ? 0
        : counts[i * size + j];
      const value = (both - single[i] * single[j] / rows) / (rows - 1);
      counts[i * size + j] = counts[j * size + i] = value;
    }
  }
  return counts;
}
