/** Pooling of rows as it is defined: double precision, no haste. */
import type { RowPool, RowRange } from "./types.ts";

/** One row for each range of a matrix [N, D]. */
export function poolRowsReference(
  state: Float32Array,
  dModel: number,
  ranges: readonly RowRange[],
  pool: RowPool,
  weights?: Float32Array,
): Float64Array {
  const out = new Float64Array(ranges.length * dModel);
  ranges.forEach(([begin, end], b) => {
    for (let d = 0; d < dModel; d++) {
      let sum = 0, weight = 0, largest = -Infinity;
      for (let row = begin; row < end; row++) {
        const value = state[row * dModel + d], share = weights?.[row] ?? 1;
        sum += share * value;
        weight += share;
        largest = Math.max(largest, value);
      }
      out[b * dModel + d] = pool === "mean" ? sum / weight : largest;
    }
  });
  return out;
}
