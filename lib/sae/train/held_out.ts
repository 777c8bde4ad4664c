/** How well an SAE reconstructs tokens that it was not trained on, and how often its latents fire. */
import type { SaeConfig } from "../types.ts";
import { meanRow, normaliseRow } from "./normalise.ts";
import type { Parameters } from "./parameters.ts";
import { topK } from "./top_k.ts";
import type { DenseProduct } from "./trainer.ts";

/** Tokens encoded at a time. */
const ROWS = 2048;

export interface HeldOutFigures {
  readonly tokens: number;
  /** Fraction of variance unexplained in the space that the SAE was trained in. */
  readonly fvu: number;
  /** Latents that are active on a token, on average; at most k. */
  readonly meanActive: number;
  /** Latents that are active on none of the tokens. */
  readonly silent: number;
  /** Share of the tokens on which a latent is active: mean and median over all latents. */
  readonly meanFrequency: number;
  readonly medianFrequency: number;
}

/**
 * Encodes and decodes f32[N, D] of the residual stream.
 *
 * @param unit what one unit of the training data is in the residual stream
 */
export async function heldOutFigures(
  x: Float32Array,
  weights: Parameters,
  dense: DenseProduct,
  { k, normalisation, unit }: Pick<SaeConfig, "normalisation"> & { k: number; unit: number },
): Promise<HeldOutFigures> {
  const { decoder, inputBias } = weights;
  const dModel = inputBias.length, latents = weights.latentBias.length;
  const all = new Float32Array(x.length), tokens = x.length / dModel;
  for (let at = 0; at < x.length; at += dModel) {
    normaliseRow(x, at, all, at, dModel, normalisation, unit);
    for (let d = 0; d < dModel; d++) all[at + d] -= inputBias[d];
  }
  const mean = meanRow(all, dModel), row = new Float64Array(dModel);
  const indices = new Uint32Array(k), values = new Float64Array(k);
  const fired = new Float64Array(latents);
  let error = 0, variance = 0;
  for (let begin = 0; begin < tokens; begin += ROWS) {
    const end = Math.min(tokens, begin + ROWS);
    await dense.with(all.subarray(begin * dModel, end * dModel), weights, (preActs) => {
      for (let n = begin; n < end; n++) {
        const active = topK(preActs, (n - begin) * latents, latents, k, indices, values);
        row.fill(0);
        for (let i = 0; i < active; i++) {
          fired[indices[i]]++;
          const value = values[i], at = indices[i] * dModel;
          for (let d = 0; d < dModel; d++) row[d] += value * decoder[at + d];
        }
        for (let d = 0; d < dModel; d++) {
          const target = all[n * dModel + d];
          error += (row[d] - target) ** 2;
          variance += (target - mean[d]) ** 2;
        }
      }
    });
  }
  const active = fired.reduce((sum, count) => sum + count, 0);
  const sorted = fired.slice().sort();
  return {
    tokens,
    fvu: variance > 0 ? error / variance : 0,
    meanActive: active / tokens,
    silent: fired.filter((count) => count === 0).length,
    meanFrequency: active / tokens / latents,
    medianFrequency: sorted[sorted.length >> 1] / tokens,
  };
}
