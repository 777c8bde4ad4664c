/** What causal analyses pass around and leave. */
import type { SparseLatents, TokenScale } from "../sae/types.ts";

/** A sequence where an autoencoder reads it. */
export interface Capture {
  /** i32[T] with `<cls>` and `<eos>`. */
  readonly ids: Int32Array;
  /** f32[T, D] */
  readonly hidden: Float32Array;
  /** T rows. */
  readonly latents: SparseLatents;
  /** What decoding needs besides. */
  readonly scale: TokenScale;
}

/** Latents of one token, ascending, that differ between two states or are to be moved. */
export interface LatentDeltas {
  /** Latents, 0-based. */
  readonly indices: Uint32Array;
  /** How far each moves, in units of the activation. */
  readonly deltas: Float64Array;
}

/** One token's part of an edit. */
export interface TokenEdit extends Partial<LatentDeltas> {
  /** `<cls>` is 0. */
  readonly token: number;
  /** f64[D] added to the residual stream besides: the error term's part. */
  readonly residual?: Float64Array;
}

/** A state that differs from a {@link Capture} at some tokens. */
export type Edit = readonly TokenEdit[];

/** What a run is started from. */
export const RUNS = ["wild-type", "mutant", "masked"] as const;
/**
 * Which sequence a run is of: the wild type's, the mutant's, or the wild type's with the place
 * masked.
 */
export type RunKind = typeof RUNS[number];

/** What becomes of the difference between the residual stream and its reconstruction. */
export const ERRORS = ["keep", "patch", "drop"] as const;
/** Whether the reconstruction error stays, is patched too, or is left out. */
export type ErrorTerm = typeof ERRORS[number];
