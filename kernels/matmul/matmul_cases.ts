/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import type { MatmulShape, MatmulVariant } from "./types.ts";

export interface MatmulCase
  extends MatmulShape, Pick<MatmulVariant, "transposed" | "bias" | "half"> {
  name: string;
}

const weights = { transposed: true, bias: true }, heads = { transposed: false, bias: false };

/** Sizes around the tiles' edges, and depths that are whole vectors and not. */
export const TEST_CASES: readonly MatmulCase[] = [
  [1, 1, 1, 1],
  [1, 3, 2, 7],
  [2, 31, 33, 16],
  [1, 64, 64, 64],
  [1, 65, 63, 20],
  [3, 5, 130, 33],
  [1, 66, 128, 40],
].flatMap(([batch, m, n, k]) =>
  [true, false].flatMap((transposed) =>
    [true, false].map((bias) => ({
      name: `${batch} × [${m}, ${k}] · [${transposed ? `${n}, ${k}` : `${k}, ${n}`}]`,
      batch,
      m,
      n,
      k,
      transposed,
      bias,
    }))
  )
);

/** Products of a block of 650M, of 8M, and of attention, for A2A and a short protein. */
export const BENCH_CASES: readonly MatmulCase[] = [
  { name: "[414, 1280] · [1280, 1280]ᵀ", batch: 1, m: 414, n: 1280, k: 1280, ...weights },
  { name: "[414, 1280] · [5120, 1280]ᵀ", batch: 1, m: 414, n: 5120, k: 1280, ...weights },
  { name: "[414, 5120] · [1280, 5120]ᵀ", batch: 1, m: 414, n: 1280, k: 5120, ...weights },
  { name: "[66, 1280] · [1280, 1280]ᵀ", batch: 1, m: 66, n: 1280, k: 1280, ...weights },
  { name: "[66, 5120] · [1280, 5120]ᵀ", batch: 1, m: 66, n: 1280, k: 5120, ...weights },
  { name: "[3312, 1280] · [5120, 1280]ᵀ", batch: 1, m: 3312, n: 5120, k: 1280, ...weights },
  {
    name: "[66, 1280] · f16 [1280, 1280]ᵀ",
    batch: 1,
    m: 66,
    n: 1280,
    k: 1280,
    ...weights,
    half: true,
  },
  {
    name: "[414, 1280] · f16 [5120, 1280]ᵀ",
    batch: 1,
    m: 414,
    n: 5120,
    k: 1280,
    ...weights,
    half: true,
  },
  { name: "[414, 320] · [1280, 320]ᵀ", batch: 1, m: 414, n: 1280, k: 320, ...weights },
  { name: "20 × [414, 64] · [64, 414]", batch: 20, m: 414, n: 414, k: 64, ...heads },
  { name: "20 × [414, 414] · [414, 64]", batch: 20, m: 414, n: 64, k: 414, ...heads },
];

/** Least traffic: a, b, bias and c once. */
export function bytes({ batch, m, n, k, bias, half }: MatmulCase): number {
  return 4 * (batch * (m * k + m * n) + (bias ? n : 0)) + (half ? 2 : 4) * batch * n * k;
}

/** A multiplication and an addition a step. */
export function flops({ batch, m, n, k }: MatmulShape): number {
  return 2 * batch * m * n * k;
}

/** Uniform values in −1..1; of b in half precision such as it can hold. */
export function randomFactors({ batch, m, n, k, bias, half }: MatmulCase, seed: number) {
  const stream = new PhiloxStream(seed);
  const uniform = (row: number, length: number) =>
    Float32Array.from({ length }, (_, i) => stream.below(1 << 24, row, i) / (1 << 23) - 1);
  return {
    a: uniform(0, batch * m * k),
    b: half ? uniform(1, batch * n * k).map(Math.f16round) : uniform(1, batch * n * k),
    bias: bias ? uniform(2, n) : undefined,
  };
}

/**
 * What a sum of k products may be off in single precision: each step rounds once, and values of
 * uniform factors in −1..1 have a magnitude of √k / 3.
 */
export function tolerance({ k }: MatmulShape): number {
  return 2 ** -24 * (4 + k);
}
