/** Lengths shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import { BLOCK, type JacobianPairs, pairCount } from "./types.ts";

export const TEST_LENGTHS: readonly number[] = [1, 2, 3, 7, 31, 64, 65];

export interface JacobianCase {
  name: string;
  /** L */
  length: number;
}

/** A short and a middling protein. */
export const BENCH_CASES: readonly JacobianCase[] = [100, 300].map((length) => ({
  name: `[${pairCount(length)}, 20, 20], L = ${length}`,
  length,
}));

/** Least traffic: the pairs once, the means once, the norms. */
export function bytes(length: number): number {
  return 4 * (pairCount(length) * (BLOCK + 1) + length * BLOCK);
}

/** Two subtractions, a product and an addition an entry. */
export function flops(length: number): number {
  return 4 * pairCount(length) * BLOCK;
}

/** Uniform values in −1..1. */
export function randomJacobian(length: number, seed: number): JacobianPairs {
  const stream = new PhiloxStream(seed);
  const uniform = (row: number) => (_: unknown, i: number) =>
    stream.below(1 << 24, row, i) / (1 << 23) - 1;
  return {
    length,
    pairs: Float32Array.from({ length: pairCount(length) * BLOCK }, uniform(0)),
    means: Float32Array.from({ length: length * BLOCK }, uniform(1)),
  };
}
