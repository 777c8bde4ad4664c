/** What decoding sparse latents takes, on either processor. */
import type { SparseLatents, TokenScale, TopLatents } from "../topk_sae_encode/types.ts";

export type { SparseLatents, TokenScale, TopLatents };

/** The decoder's weights, as an autoencoder holds them. */
export interface Decoder {
  /** f32[F, D]: reconstruction = latents · wDec + bPre, before the scaling back. */
  readonly wDec: Float32Array;
  /** f32[D] */
  readonly bPre: Float32Array;
}

/** Entries of N tokens as in `SparseLatents`, but in any order and possibly zero. */
export type LatentRows = SparseLatents;

/** Lists [N, K] as rows of entries, without a copy. */
export function rowsOfTop(
  { topActs, topIndices }: TopLatents,
  tokens: number,
  latents: number,
): LatentRows {
  const entries = tokens === 0 ? 0 : topActs.length / tokens;
  return {
    rows: tokens,
    latents,
    offsets: Uint32Array.from({ length: tokens + 1 }, (_, n) => n * entries),
    indices: topIndices,
    values: topActs,
  };
}

/** @throws {RangeError} if sizes do not fit or an index is beyond the decoder */
export function validateRows(
  { rows, latents, offsets, indices, values }: LatentRows,
  { wDec, bPre }: Decoder,
  { mean, std }: TokenScale,
): void {
  const sizes: [string, number, number][] = [
    ["offsets", offsets.length, rows + 1],
    ["indices", indices.length, offsets[rows]],
    ["values", values.length, offsets[rows]],
    ["wDec", wDec.length, latents * bPre.length],
    ["mean", mean.length, rows],
    ["std", std.length, rows],
  ];
  for (const [name, found, expected] of sizes) {
    if (found === expected) continue;
    throw new RangeError(
      `Cannot decode as ${name} must have ${expected} elements: current value is ${found}`,
    );
  }
  for (let i = 0; i < indices.length; i++) {
    if (indices[i] < latents) continue;
    throw new RangeError(
      `Cannot decode as latents must be below ${latents}: current value of entry ${i} is ${
        indices[i]
      }`,
    );
  }
}
