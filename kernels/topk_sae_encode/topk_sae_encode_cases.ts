/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import type { EncodeShape } from "./types.ts";

export interface EncodeCase extends EncodeShape {
  name: string;
  k: number;
}

const named = ([tokens, dModel, latents, k]: number[]): EncodeCase => ({
  name: `[${tokens}, ${dModel}] → ${latents}, k = ${k}`,
  tokens,
  dModel,
  latents,
  k,
});

/** Around the sides of tiles and vectors, one token, one latent, k of 1 and of all. */
export const TEST_CASES: readonly EncodeCase[] = [
  [1, 2, 1, 1],
  [1, 16, 64, 64],
  [2, 3, 5, 2],
  [3, 17, 7, 7],
  [7, 31, 63, 5],
  [63, 15, 65, 16],
  [64, 33, 127, 1],
  [65, 64, 257, 32],
  [130, 20, 1030, 64],
].map(named);

/** Short proteins: the embedded model, and 650M with the width and k of InterProt. */
export const BENCH_CASES: readonly EncodeCase[] = [
  [66, 128, 1024, 32],
  [66, 1280, 4096, 64],
].map(named);

/** Selection alone: a short protein and one of 412 residues, the widths of InterProt and InterPLM. */
export const SELECT_BENCH_CASES: readonly EncodeCase[] = [
  [66, 0, 4096, 64],
  [414, 0, 10240, 64],
].map(([tokens, dModel, latents, k]) => ({
  ...named([tokens, dModel, latents, k]),
  name: `[${tokens}, ${latents}], k = ${k}`,
}));

/** Least traffic: tokens, weights and biases in, statistics and the selection out. */
export function bytes({ tokens, dModel, latents, k }: EncodeCase): number {
  return 4 * (tokens * dModel + dModel * latents + latents + dModel + 2 * tokens + 2 * tokens * k);
}

/** The product; statistics and normalisation are five operations a value. */
export function flops({ tokens, dModel, latents }: EncodeShape): number {
  return tokens * (2 * dModel * latents + latents + 6 * dModel);
}

/** Least traffic of the selection: pre-activations in, the selection out. */
export function selectBytes({ tokens, latents, k }: EncodeCase): number {
  return 4 * tokens * (latents + 2 * k);
}

/** Values that are drawn; longer arrays repeat them, as drawing all would take longer than timing. */
const DRAWN = 65_521;

/** Values between −spread and spread, more of them near the middle. */
export function randomValues(length: number, seed: number, spread: number): Float32Array {
  const stream = new PhiloxStream(seed);
  const uniform = (i: number, j: number) => stream.below(1 << 24, i, j) / (1 << 23) - 1;
  const drawn = Float32Array.from(
    { length: Math.min(length, DRAWN) },
    (_, i) => spread * (uniform(i, 0) + uniform(i, 1) + uniform(i, 2)) / 3,
  );
  if (length <= DRAWN) return drawn;
  return new Float32Array(length).map((_, i) => drawn[i % DRAWN]);
}

/** A random autoencoder whose pre-activations are about as large as normalised tokens. */
export function randomEncoder({ dModel, latents }: EncodeShape, seed: number) {
  return {
    wEnc: randomValues(dModel * latents, seed, 3 / Math.sqrt(dModel)),
    bEnc: randomValues(latents, seed + 1, 0.3),
    bPre: randomValues(dModel, seed + 2, 0.3),
  };
}
