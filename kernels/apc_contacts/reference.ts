/** Weighted sum of corrected attention as it is defined: double precision, no haste. */
import type { Pattern, ResidueRanges } from "./types.ts";

/**
 * For every item f64[T, T]: Σ over heads of w · APC(a + aᵀ) among its residues, zero elsewhere, with
 * APC(x)ᵢⱼ = xᵢⱼ − (Σ xᵢ·)(Σ x·ⱼ) / Σ x (fair-esm `esm/modules.py`: symmetrize, apc).
 */
export function apcContactsReference(
  { data, batch, heads, tokens }: Pattern,
  ranges: ResidueRanges,
  weights: ArrayLike<number>,
): Float64Array {
  const out = new Float64Array(batch * tokens * tokens);
  for (let b = 0; b < batch; b++) {
    const begin = ranges[2 * b], end = ranges[2 * b + 1];
    for (let h = 0; h < heads; h++) {
      const at = (i: number, j: number) => data[((b * heads + h) * tokens + i) * tokens + j];
      const x = (i: number, j: number) => at(i, j) + at(j, i);
      const sums = new Float64Array(tokens);
      let total = 0;
      for (let i = begin; i < end; i++) {
        for (let j = begin; j < end; j++) sums[i] += x(i, j);
        total += sums[i];
      }
      for (let i = begin; i < end; i++) {
        for (let j = begin; j < end; j++) {
          const expected = total === 0 ? 0 : sums[i] * sums[j] / total;
          out[(b * tokens + i) * tokens + j] += weights[h] * (x(i, j) - expected);
        }
      }
    }
  }
  return out;
}
