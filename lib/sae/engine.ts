/** What encoding gives, and what a backend's way of computing it offers. */
import type { Tensor } from "../backend/types.ts";
import type { SparseLatents, TokenScale } from "./types.ts";

/** Active latents of N tokens, and what decoding needs besides. */
export interface Encoded {
  readonly latents: SparseLatents;
  readonly scale: TokenScale;
}

export interface PreActs {
  /** f32[N, F], before any latent is chosen; whoever received it disposes of it. */
  readonly preActs: Tensor;
  readonly scale: TokenScale;
}

/** How a coder computes. */
export interface SaeEngine extends AsyncDisposable {
  encode(hidden: Tensor): Promise<Encoded>;
  preActs(hidden: Tensor): Promise<PreActs>;
  decode(latents: SparseLatents, scale: TokenScale, addend?: Tensor): Promise<Tensor>;
}
