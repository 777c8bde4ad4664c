/** What a sparse autoencoder (SAE) is, whatever file it came from. */
import type { Decoder } from "../../kernels/sparse_decode/mod.ts";
import type { Encoder, Normalisation } from "../../kernels/topk_sae_encode/mod.ts";
import type { StreamPlace } from "../esm2/mod.ts";

export type { SparseLatents, TokenScale } from "../../kernels/topk_sae_encode/mod.ts";

/** How an SAE reads the residual stream and which latents stay. */
export interface SaeConfig {
  /** What people call it: a name of the hub or a file's. */
  readonly name: string;
  /** Width of the residual stream, D. */
  readonly dModel: number;
  /** Number of latents, F. */
  readonly latents: number;
  /** Blocks that have run where it reads the residual stream: 1 … layers. */
  readonly depth: number;
  /** Whether it reads the stream after the final LayerNorm; only where `depth` is the last. */
  readonly afterFinalNorm: boolean;
  /**
   * What is done to each token before the encoder and undone after the decoder. `zscore`: centred and
   * divided by its unbiased standard deviation + 1e-5 (InterProt); `rms`: divided by its root mean square
   * (InterPLM where `normalize_to_sqrt_d` is set); `none`: nothing (InterPLM).
   */
  readonly normalisation: Normalisation;
  /**
   * How many of the largest pre-activations stay; without it all that are positive do (ReLU), or those
   * above the threshold.
   */
  readonly k?: number;
}

/** Where an autoencoder reads the residual stream. */
export const placeOf = (config: Pick<SaeConfig, "depth" | "afterFinalNorm">): StreamPlace =>
  config.afterFinalNorm ? "last" : config.depth;

/** An autoencoder as one line. */
export function saeText({ config, threshold }: Sae): string {
  const { name, latents, dModel, depth, afterFinalNorm, k } = config;
  const kind = k === undefined ? threshold ? "JumpReLU" : "ReLU" : `TopK ${k}`;
  const place = afterFinalNorm ? "the final LayerNorm" : `block ${depth}`;
  return `Sae ${name}: ${latents} latents of ${dModel} values after ${place}, ${kind}`;
}

/** A sparse autoencoder; both products are row-major. */
export interface Sae extends Encoder, Decoder {
  /** How it reads the stream and which latents stay. */
  readonly config: SaeConfig;
  /** f32[F]: a pre-activation stays if it exceeds this and zero (JumpReLU); never beside a k. */
  readonly threshold?: Float32Array;
}
