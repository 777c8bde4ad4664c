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
  readonly scale: TokenScale;
}

/** Latents of one token, ascending, that differ between two states or are to be moved. */
export interface LatentDeltas {
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
export type RunKind = typeof RUNS[number];

/** What becomes of the difference between the residual stream and its reconstruction. */
export const ERRORS = ["keep", "patch", "drop"] as const;
export type ErrorTerm = typeof ERRORS[number];
