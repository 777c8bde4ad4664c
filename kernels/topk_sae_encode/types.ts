/** What encoding with a sparse autoencoder takes and gives, on either processor. */

/** Extents of an encoding. */
export interface EncodeShape {
  /** N */
  tokens: number;
  /** D, width of the residual stream. */
  dModel: number;
  /** F */
  latents: number;
}

/**
 * `zscore`: each token is centred and divided by its unbiased standard deviation + ε; `rms`: divided by its
 * root mean square; `none`: as is.
 */
export type Normalisation = "zscore" | "rms" | "none";

/** Normalisations as the shaders know them. */
export const NORMALISATION_CODES: Readonly<Record<Normalisation, number>> = {
  none: 0,
  zscore: 1,
  rms: 2,
};

/** ε of the z-score (InterProt `sae_model.py`). */
export const EPSILON = 1e-5;

/** Shortest length of a token (InterPLM `dictionary.py`: `_normalize_input_and_get_norms`). */
export const SHORTEST = 1e-8;

/** The encoder's weights, as an autoencoder holds them. */
export interface Encoder {
  /** f32[D, F]: pre-activations = (n − bPre) · wEnc + bEnc. */
  readonly wEnc: Float32Array;
  /** f32[F] */
  readonly bEnc: Float32Array;
  /** f32[D] */
  readonly bPre: Float32Array;
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
  /** f32[N] */
  readonly mean: Float32Array;
  /** Unbiased standard deviation, without epsilon; or root mean square. */
  readonly std: Float32Array;
}

/** The k largest latents of each token. */
export interface TopLatents {
  /** f32[N, k]: max(pre-activation, 0), in descending order of the pre-activations. */
  topActs: Float32Array;
  /** u32[N, k]; of equal pre-activations the one with the lower index comes first. */
  topIndices: Uint32Array;
}

/** @throws {RangeError} if k is not in 1..F */
export function validateK(k: number, latents: number): void {
  if (Number.isInteger(k) && k >= 1 && k <= latents) return;
  throw new RangeError(
    `Cannot encode topk as k must be in 1..${latents}: current value is ${k}`,
  );
}

/** @throws {RangeError} if an array does not have the number of elements its shape says */
export function validateLength(name: string, array: ArrayLike<unknown>, shape: number[]): void {
  const elements = shape.reduce((product, extent) => product * extent, 1);
  if (array.length === elements) return;
  throw new RangeError(
    `Cannot encode as ${name} must be [${shape.join(", ")}], ${elements} elements: ` +
      `current value is ${array.length}`,
  );
}

/** @throws {RangeError} if a z-score is asked for and D has no unbiased standard deviation */
export function validateNormalisation(normalisation: Normalisation, dModel: number): void {
  if (normalisation !== "zscore" || dModel >= 2) return;
  throw new RangeError(
    `Cannot encode with a z-score as tokens must have 2 values or more: current value is ${dModel}`,
  );
}
