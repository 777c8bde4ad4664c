/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import type { Pattern, PatternShape } from "./types.ts";

export interface ColumnMassCase extends PatternShape {
  name: string;
}

/** Lengths around powers of two and tile widths, several items and the head counts of ESM-2. */
export const TEST_CASES: readonly ColumnMassCase[] = [
  ...[1, 2, 3, 7, 31, 63, 64, 65, 127].map((tokens) => [1, 3, tokens]),
  [2, 1, 33],
  [3, 20, 31],
  [1, 20, 127],
  [2, 3, 257],
].map(([batch, heads, tokens]) => ({
  name: `[${batch}, ${heads}, ${tokens}, ${tokens}]`,
  batch,
  heads,
  tokens,
}));

/** One layer of 8M or 650M (20 heads) for a short, a middling and a long protein. */
export const BENCH_CASES: readonly ColumnMassCase[] = [102, 414, 1024].map((tokens) => ({
  name: `[1, 20, ${tokens}, ${tokens}]`,
  batch: 1,
  heads: 20,
  tokens,
}));

/** Least traffic with all rows in range: the attention once, both outputs once. */
export function bytes({ batch, heads, tokens }: PatternShape): number {
  return 4 * batch * heads * tokens * (tokens + 2) + 8 * batch;
}

/** A comparison and an addition per entry. */
export function flops({ batch, heads, tokens }: PatternShape): number {
  return 2 * batch * heads * tokens * tokens;
}

/** Softmaxed random rows; sharpness 0 is uniform, 1 a typical head, 8 puts most on one column. */
export function randomPattern(shape: PatternShape, seed: number, sharpness: number): Pattern {
  const { batch, heads, tokens } = shape;
  const stream = new PhiloxStream(seed);
  const data = new Float32Array(batch * heads * tokens * tokens);
  for (let row = 0; row < batch * heads * tokens; row++) {
    const values = data.subarray(row * tokens, (row + 1) * tokens);
    let sum = 0;
    for (let column = 0; column < tokens; column++) {
      const uniform = stream.below(1 << 24, row, column) / (1 << 24);
      sum += values[column] = Math.exp(sharpness * (2 * uniform - 1));
    }
    for (let column = 0; column < tokens; column++) values[column] /= sum;
  }
  return { ...shape, data };
}
