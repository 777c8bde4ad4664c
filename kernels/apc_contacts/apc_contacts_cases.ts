/** Shapes shared by test and benchmark, and what they cost. */
import type { PatternShape } from "./types.ts";

export { randomPattern } from "../attention_column_mass/attention_column_mass_cases.ts";

export interface ApcCase extends PatternShape {
  name: string;
}

const named = ([batch, heads, tokens]: number[]): ApcCase => ({
  name: `[${batch}, ${heads}, ${tokens}, ${tokens}]`,
  batch,
  heads,
  tokens,
});

/** Lengths around the sides of tiles, several items and the head counts of ESM-2. */
export const TEST_CASES: readonly ApcCase[] = [
  ...[3, 7, 15, 16, 17, 31, 63, 64, 65].map((tokens) => [1, 3, tokens]),
  [2, 1, 33],
  [3, 20, 31],
  [1, 20, 127],
].map(named);

/** One layer of 8M or 650M (20 heads) for a short, a middling and a long protein. */
export const BENCH_CASES: readonly ApcCase[] = [102, 414, 1024].map((tokens) =>
  named([1, 20, tokens])
);

/** Least traffic: the attention twice (sums, map), the map in and out. */
export function bytes({ batch, heads, tokens }: PatternShape): number {
  return 4 * batch * tokens * tokens * (2 * heads + 2);
}

/** Two additions an entry for the sums; for the map two products, a factor and three additions. */
export function flops({ batch, heads, tokens }: PatternShape): number {
  return 8 * batch * heads * tokens * tokens;
}
