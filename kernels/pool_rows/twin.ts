/** Pooling of rows on the CPU, where the matrix is at hand; each row is read once, front to back. */
import { type RowPool, type RowRange, validateRanges, validateWeights } from "./types.ts";

/**
 * One row for each range of a matrix.
 *
 * state    f32[N, D]
 * weights  f32[N]     of `mean`; 1 for every row where absent
 * result   f32[B, D]  sums in double precision, row after row: an item's value depends on its rows alone
 *
 * @throws {RangeError} if a range has no row or lies outside, or there is not a weight for every row
 */
export function poolRows(
  state: Float32Array,
  dModel: number,
  ranges: readonly RowRange[],
  pool: RowPool,
  weights?: Float32Array,
): Float32Array {
  const rows = Math.floor(state.length / dModel);
  validateRanges(ranges, rows);
  validateWeights(weights, rows);
  const out = new Float32Array(ranges.length * dModel), sums = new Float64Array(dModel);
  ranges.forEach(([begin, end], b) => {
    const target = out.subarray(b * dModel, (b + 1) * dModel);
    if (pool === "largest") takeLargest(state, begin, end, target);
    else if (end - begin === 1) target.set(state.subarray(begin * dModel, end * dModel));
    else {
      sums.fill(0);
      const weight = weights
        ? addWeighted(state, weights, begin, end, sums)
        : addEach(state, begin, end, sums);
      for (let d = 0; d < dModel; d++) target[d] = sums[d] / weight;
    }
  });
  return out;
}

/** Four rows at a time: the sums are read and written a quarter as often. */
function addEach(state: Float32Array, begin: number, end: number, sums: Float64Array): number {
  const width = sums.length;
  let row = begin;
  for (; row + 4 <= end; row += 4) {
    let a = row * width;
    for (let d = 0; d < width; d++, a++) {
      sums[d] += state[a] + state[a + width] + (state[a + 2 * width] + state[a + 3 * width]);
    }
  }
  for (; row < end; row++) for (let d = 0; d < width; d++) sums[d] += state[row * width + d];
  return end - begin;
}

function addWeighted(
  state: Float32Array,
  weights: Float32Array,
  begin: number,
  end: number,
  sums: Float64Array,
): number {
  const width = sums.length;
  let total = 0;
  for (let row = begin; row < end; row++) {
    const weight = weights[row];
    total += weight;
    for (let d = 0; d < width; d++) sums[d] += weight * state[row * width + d];
  }
  return total;
}

function takeLargest(state: Float32Array, begin: number, end: number, target: Float32Array): void {
  const width = target.length;
  target.set(state.subarray(begin * width, (begin + 1) * width));
  for (let row = begin + 1; row < end; row++) {
    for (let d = 0; d < width; d++) {
      const value = state[row * width + d];
      if (value > target[d]) target[d] = value;
    }
  }
}
