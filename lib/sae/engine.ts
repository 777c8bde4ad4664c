/** What encoding gives, and what a backend's way of computing it offers. */
import type { Tensor } from "../backend/types.ts";
import type { SparseLatents, TokenScale } from "./types.ts";

/** Active latents of N tokens, and what decoding needs besides. */
export interface Encoded {
  /** Active latents, N rows. */
  readonly latents: SparseLatents;
  /** What decoding needs besides. */
  readonly scale: TokenScale;
}

/** Pre-activations of tokens. */
export interface PreActs {
  /** f32[N, F], before any latent is chosen; whoever received it disposes of it. */
  readonly preActs: Tensor;
  /** What decoding needs besides. */
  readonly scale: TokenScale;
}

/** How a coder computes. */
export interface SaeEngine extends AsyncDisposable {
  /** Latents of tokens f32[N, D]. */
  encode(hidden: Tensor): Promise<Encoded>;
  /** Pre-activations of tokens f32[N, D]. */
  preActs(hidden: Tensor): Promise<PreActs>;
  /** The residual stream f32[N, D] of latents, plus `addend`. */
  decode(latents: SparseLatents, scale: TokenScale, addend?: Tensor): Promise<Tensor>;
}
