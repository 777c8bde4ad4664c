/** Attention column mass as it is defined: double precision, no haste. */
import type { Pattern } from "./types.ts";

/** For every column: the sum and the number of entries above θ in rows begin..end-1 of its item. */
export function columnMassReference(
  { data, batch, heads, tokens }: Pattern,
  rows: Uint32Array,
  theta: number,
): { mass: Float64Array; count: Float64Array } {
  const mass = new Float64Array(batch * heads * tokens);
  const count = new Float64Array(batch * heads * tokens);
  // The data are single precision, so "equal to θ" has a meaning in single precision only.
  const threshold = Math.fround(theta);
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let column = 0; column < tokens; column++) {
        const out = (b * heads + h) * tokens + column;
        for (let row = rows[2 * b]; row < rows[2 * b + 1]; row++) {
          const attention = data[((b * heads + h) * tokens + row) * tokens + column];
          if (attention > threshold) {
            mass[out] += attention;
            count[out]++;
          }
        }
      }
    }
  }
  return { mass, count };
}
