/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import type { RowRange } from "./types.ts";

export interface PoolCase {
  name: string;
  /** Rows of each item; items stand one after another, each with two rows more that are not pooled. */
  lengths: readonly number[];
  /** D */
  dModel: number;
}

const named = (lengths: readonly number[], dModel: number): PoolCase => ({
  name: `${lengths.length} × ${Math.max(...lengths)} rows of ${dModel}`,
  lengths,
  dModel,
});

/** Lengths around the step of eight rows, widths around the workgroup. */
export const TEST_CASES: readonly PoolCase[] = [
  named([1], 1),
  named([7, 8, 9], 63),
  named([1, 2, 16, 17], 64),
  named([33], 65),
  named([3, 300, 5], 129),
];

/** A batch of the default budget of a GPU, and one long protein: 8M and 650M. */
export const BENCH_CASES: readonly PoolCase[] = [
  named(Array(32).fill(254), 320),
  named([1022], 1280),
];

/** Least traffic: pooled rows and their weights in, a row for each item out. */
export function bytes({ lengths, dModel }: PoolCase): number {
  return 4 * rowsOf(lengths) * (dModel + 1) + 8 * lengths.length + 4 * lengths.length * dModel;
}

/** A product and an addition per entry. */
export function flops({ lengths, dModel }: PoolCase): number {
  return 2 * rowsOf(lengths) * dModel;
}

const rowsOf = (lengths: readonly number[]) => lengths.reduce((sum, length) => sum + length, 0);

/** Values in −1..1, weights in 0..1. */
export function randomRows({ lengths, dModel }: PoolCase, seed: number): {
  state: Float32Array;
  weights: Float32Array;
  ranges: RowRange[];
} {
  const stream = new PhiloxStream(seed), ranges: RowRange[] = [];
  let rows = 0;
  for (const length of lengths) {
    ranges.push([rows + 1, rows + 1 + length]);
    rows += length + 2;
  }
  const uniform = (row: number, column: number) => stream.below(1 << 24, row, column) / (1 << 24);
  const state = Float32Array.from(
    { length: rows * dModel },
    (_, i) => 2 * uniform(Math.floor(i / dModel), i % dModel) - 1,
  );
  const weights = Float32Array.from({ length: rows }, (_, row) => uniform(row, dModel));
  return { state, weights, ranges };
}
