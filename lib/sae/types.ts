/** What a sparse autoencoder (SAE) is, whatever file it came from. */

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
  readonly normalisation: "zscore" | "rms" | "none";
  /**
   * How many of the largest pre-activations stay; without it all that are positive do (ReLU), or those
   * above the threshold.
   */
  readonly k?: number;
}

/** A sparse autoencoder; both products are row-major. */
export interface Sae {
  readonly config: SaeConfig;
  /** f32[D, F]: pre-activations = (n − bPre) · wEnc + bEnc. */
  readonly wEnc: Float32Array;
  /** f32[F] */
  readonly bEnc: Float32Array;
  /** f32[F, D]: reconstruction = latents · wDec + bPre, before the scaling back. */
  readonly wDec: Float32Array;
  /** f32[D] */
  readonly bPre: Float32Array;
  /** f32[F]: a pre-activation stays if it exceeds this and zero (JumpReLU); never beside a k. */
  readonly threshold?: Float32Array;
}

/** Active latents (> 0) of N tokens as compressed sparse rows. */
export interface SparseLatents {
  /** N */
  readonly rows: number;
  /** F */
  readonly latents: number;
  /** u32[N + 1]: row n holds entries offsets[n] to offsets[n + 1]. */
  readonly offsets: Uint32Array;
  /** Latent of each entry, ascending within a row. */
  readonly indices: Uint32Array;
  /** Activation of each entry, > 0. */
  readonly values: Float32Array;
}

/** What encoding leaves besides the latents, needed to decode: f32[N] each; 0 and 1 if nothing is done. */
export interface TokenScale {
  readonly mean: Float32Array;
  /** Unbiased standard deviation, without epsilon; or root mean square. */
  readonly std: Float32Array;
}
