/** The decoder of an autoencoder as directions in the residual stream. */
import type { Sae } from "../sae/types.ts";
import type { Capture, LatentDeltas, TokenEdit } from "./types.ts";

/** An autoencoder's latents as directions of the residual stream. */
export class LatentSpace {
  /** D */
  readonly dModel: number;
  /** F */
  readonly latents: number;
  #norms?: Float64Array;
  #displacements = new WeakMap<TokenEdit, { std: number; moved: Float64Array }>();

  /** Takes the decoder as directions. @param sae whose decoder gives the directions */
  constructor(readonly sae: Sae) {
    this.dModel = sae.config.dModel;
    this.latents = sae.config.latents;
  }

  /** f64[F], lengths of the decoder's rows: how far a unit of each latent moves the residual stream. */
  get norms(): Float64Array {
    const { dModel, latents, sae: { wDec } } = this;
    return this.#norms ??= Float64Array.from({ length: latents }, (_, j) => {
      let sum = 0;
      for (let d = j * dModel; d < (j + 1) * dModel; d++) sum += wDec[d] * wDec[d];
      return Math.sqrt(sum);
    });
  }

  /** Adds `scale` × Σ delta · wDec[latent] to f64[D]. */
  addDirections(out: Float64Array, { indices, deltas }: LatentDeltas, scale: number): void {
    const { dModel, sae: { wDec } } = this;
    for (let i = 0; i < indices.length; i++) {
      const factor = deltas[i] * scale, at = indices[i] * dModel;
      if (factor === 0) continue;
      for (let d = 0; d < dModel; d++) out[d] += factor * wDec[at + d];
    }
  }

  /** ⟨wDec[latent], row⟩ for a row of D values at `begin`. */
  project(latent: number, values: ArrayLike<number>, begin = 0): number {
    const { dModel, sae: { wDec } } = this, at = latent * dModel;
    let sum = 0;
    for (let d = 0; d < dModel; d++) sum += wDec[at + d] * values[begin + d];
    return sum;
  }

  /** f64[D], what the latents of a token stand for, at the token's scale. */
  decodeToken(
    { latents, scale }: Capture,
    token: number,
    at: Capture["scale"] = scale,
  ): Float64Array {
    const begin = latents.offsets[token], end = latents.offsets[token + 1];
    return this.decode(
      {
        indices: latents.indices.subarray(begin, end),
        deltas: Float64Array.from(latents.values.subarray(begin, end)),
      },
      at.mean[token],
      at.std[token],
    );
  }

  /** f64[D], what activations of a token stand for: (Σ z · wDec + bPre) · std + mean. */
  decode(activations: LatentDeltas, mean: number, std: number): Float64Array {
    const out = Float64Array.from(this.sae.bPre);
    this.addDirections(out, activations, 1);
    for (let d = 0; d < out.length; d++) out[d] = out[d] * std + mean;
    return out;
  }

  /** f64[D], the residual stream less what the latents stand for. */
  errorOf(capture: Capture, token: number, at: Capture["scale"] = capture.scale): Float64Array {
    const error = this.decodeToken(capture, token, at), begin = token * this.dModel;
    for (let d = 0; d < error.length; d++) error[d] = capture.hidden[begin + d] - error[d];
    return error;
  }

  /**
   * f64[D], how far an edit moves one token's residual stream: latents at the token's own scale.
   * Computed once per edit, which must not change afterwards; read only.
   */
  displacement(capture: Capture, part: TokenEdit): Float64Array {
    const std = capture.scale.std[part.token];
    const known = this.#displacements.get(part);
    if (known?.std === std) return known.moved;
    const moved = part.residual ? part.residual.slice() : new Float64Array(this.dModel);
    const { indices, deltas } = part;
    if (indices && deltas) this.addDirections(moved, { indices, deltas }, std);
    this.#displacements.set(part, { std, moved });
    return moved;
  }
}
