/** The weights of an SAE as training holds them: one row of D numbers per latent, on both sides. */
import type { FloatArray } from "../../train/arrays.ts";
import type { Sae, SaeConfig } from "../types.ts";
import { gaussians } from "../../train/random.ts";

/** Weights, or anything of their shape: gradients, moments. */
export type Parameters<A extends FloatArray = Float32Array> = {
  /** [F, D]: the transpose of `Sae.wEnc`, so that a latent's weights lie together. */
  readonly encoder: A;
  /** [F, D], rows of length 1 */
  readonly decoder: A;
  /** [F] */
  readonly latentBias: A;
  /** [D]: subtracted before the encoder, added after the decoder. */
  readonly inputBias: A;
};

/** Parameters of zeros. */
export function zeros(dModel: number, latents: number): Parameters {
  return {
    encoder: new Float32Array(latents * dModel),
    decoder: new Float32Array(latents * dModel),
    latentBias: new Float32Array(latents),
    inputBias: new Float32Array(dModel),
  };
}

/**
 * Weights to start from: decoder rows in random directions, the encoder their transpose, latent
 * biases zero.
 *
 * @param inputBias f32[D], the centre of the data
 */
export function initialParameters(
  latents: number,
  inputBias: Float32Array,
  seed: number,
): Parameters {
  const dModel = inputBias.length, start = zeros(dModel, latents);
  gaussians(start.decoder, seed);
  normaliseRows(start.decoder, dModel);
  start.encoder.set(start.decoder);
  start.inputBias.set(inputBias);
  return start;
}

/** Makes every row of [F, D] one of length 1; a row of zeros stays. */
export function normaliseRows(rows: FloatArray, dModel: number): void {
  for (let at = 0; at < rows.length; at += dModel) {
    let squares = 0;
    for (let d = at; d < at + dModel; d++) squares += rows[d] * rows[d];
    if (squares === 0) continue;
    const inverse = 1 / Math.sqrt(squares);
    for (let d = at; d < at + dModel; d++) rows[d] *= inverse;
  }
}

/** Takes from every row of `gradient` its component along the row of `rows`, which has length 1. */
export function removeParallel(gradient: FloatArray, rows: FloatArray, dModel: number): void {
  for (let at = 0; at < rows.length; at += dModel) {
    let dot = 0;
    for (let d = at; d < at + dModel; d++) dot += gradient[d] * rows[d];
    if (dot === 0) continue;
    for (let d = at; d < at + dModel; d++) gradient[d] -= dot * rows[d];
  }
}

/**
 * The SAE that these weights are.
 *
 * @param unit what one unit of the training data is in the residual stream: 1 after z-score
 */
export function toSae(
  { encoder, decoder, latentBias, inputBias }: Parameters,
  config: SaeConfig,
  unit: number,
): Sae {
  const { dModel, latents } = config;
  const wEnc = new Float32Array(dModel * latents);
  for (let f = 0; f < latents; f++) {
    for (let d = 0; d < dModel; d++) wEnc[d * latents + f] = encoder[f * dModel + d];
  }
  // (x − u·b)·W + u·c = u·((x/u − b)·W + c): the unit moves into the biases and the latents' values.
  const scaled = (bias: Float32Array) => bias.map((value) => value * unit);
  return {
    config,
    wEnc,
    bEnc: scaled(latentBias),
    wDec: decoder.slice(),
    bPre: scaled(inputBias),
  };
}
