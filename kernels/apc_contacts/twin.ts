/** Weighted sum of corrected attention on the CPU, where the attention is at hand. */
import { type Pattern, type ResidueRanges, validateWeights } from "./types.ts";
import { validateRows } from "../attention_column_mass/types.ts";

/**
 * Adds Σ over heads of w · APC(a + aᵀ) to a map.
 *
 * pattern  f32[B, H, T, T]  non-negative; row = query
 * ranges   u32[B, 2]        residues are tokens begin..end-1 of each item
 * weights  [H]
 * into     f32[B, T, T]     only entries among residues change
 *
 * APC, the average product correction (Dunn et al. 2008, 10.1093/bioinformatics/btm604), is linear in
 * everything but the row sums s: Σ w·APC(x) = Σ w·x − Σ (w / Σs)·s·sᵀ.
 *
 * @throws {RangeError} if sizes do not fit
 */
export function apcContacts(
  pattern: Pattern,
  ranges: ResidueRanges,
  weights: ArrayLike<number>,
  into: Float32Array,
): void {
  const { data, batch, heads, tokens } = pattern;
  validateRows(ranges, pattern);
  validateWeights(weights, heads);
  const weighted = new Float64Array(tokens * tokens);
  const sums = new Float64Array(heads * tokens);
  for (let b = 0; b < batch; b++) {
    const begin = ranges[2 * b], end = ranges[2 * b + 1];
    weighted.fill(0);
    sums.fill(0);
    for (let h = 0; h < heads; h++) {
      const w = weights[h], own = h * tokens;
      if (w === 0) continue;
      for (let i = begin; i < end; i++) {
        const row = ((b * heads + h) * tokens + i) * tokens;
        let sum = 0;
        for (let j = begin; j < end; j++) {
          const a = data[row + j];
          sum += a;
          sums[own + j] += a;
          weighted[i * tokens + j] += w * a;
        }
        sums[own + i] += sum;
      }
    }
    const factors = Float64Array.from({ length: heads }, (_, h) => {
      let total = 0;
      for (let i = begin; i < end; i++) total += sums[h * tokens + i];
      return total === 0 ? 0 : weights[h] / total;
    });
    for (let i = begin; i < end; i++) {
      for (let j = begin; j <= i; j++) {
        let value = weighted[i * tokens + j] + weighted[j * tokens + i];
        for (let h = 0; h < heads; h++) {
          value -= factors[h] * sums[h * tokens + i] * sums[h * tokens + j];
        }
        into[(b * tokens + i) * tokens + j] += value;
        if (i !== j) into[(b * tokens + j) * tokens + i] += value;
      }
    }
  }
}
