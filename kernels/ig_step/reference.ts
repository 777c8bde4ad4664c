/** Integrated gradients over latents as they are defined: double precision, no haste. */
import type { TokenScale } from "../topk_sae_encode/types.ts";
import type { Decoder } from "../sparse_decode/mod.ts";
import type { LatentPairs } from "./types.ts";

/** Reconstruction errors at the ends of a path, f32[N, D] each. */
export interface ErrorPair {
  base: Float32Array;
  input: Float32Array;
}

/**
 * Residual stream at one point: latents and errors interpolated, then decoded as
 * (z · wDec + bPre) · std + mean + error.
 */
export function pathReference(
  { tokens, entries, indices, base, input }: LatentPairs,
  { wDec, bPre }: Decoder,
  { mean, std }: TokenScale,
  errors: ErrorPair,
  alpha: number,
): Float64Array {
  const dModel = bPre.length, out = new Float64Array(tokens * dModel);
  const between = (from: number, to: number) => (1 - alpha) * from + alpha * to;
  for (let n = 0; n < tokens; n++) {
    for (let d = 0; d < dModel; d++) {
      let sum = bPre[d];
      for (let i = n * entries; i < (n + 1) * entries; i++) {
        sum += between(base[i], input[i]) * wDec[indices[i] * dModel + d];
      }
      const at = n * dModel + d;
      out[at] = sum * std[n] + mean[n] + between(errors.base[at], errors.input[at]);
    }
  }
  return out;
}

export interface AttributionReference {
  /** f64[N, K] */
  latents: Float64Array;
  /** f64[N] */
  errors: Float64Array;
  /** Σ of the absolute values of all terms of each, what rounding errors are relative to. */
  magnitudes: { latents: Float64Array; errors: Float64Array };
}

/** Σ over steps of weight · (dm/dhidden · dhidden/dnode) · (input − base), node by node. */
export function attributionReference(
  gradients: Float32Array,
  weights: ArrayLike<number>,
  { tokens, entries, indices, base, input }: LatentPairs,
  { wDec, bPre }: Decoder,
  { std }: TokenScale,
  errors: ErrorPair,
): AttributionReference {
  const dModel = bPre.length, size = tokens * dModel;
  const out = {
    latents: new Float64Array(tokens * entries),
    errors: new Float64Array(tokens),
    magnitudes: {
      latents: new Float64Array(tokens * entries),
      errors: new Float64Array(tokens),
    },
  };
  for (let s = 0; s < weights.length; s++) {
    for (let n = 0; n < tokens; n++) {
      for (let d = 0; d < dModel; d++) {
        const at = n * dModel + d, slope = weights[s] * gradients[s * size + at];
        const ofError = slope * (errors.input[at] - errors.base[at]);
        out.errors[n] += ofError;
        out.magnitudes.errors[n] += Math.abs(ofError);
        for (let i = n * entries; i < (n + 1) * entries; i++) {
          const ofLatent = slope * std[n] * wDec[indices[i] * dModel + d] * (input[i] - base[i]);
          out.latents[i] += ofLatent;
          out.magnitudes.latents[i] += Math.abs(ofLatent);
        }
      }
    }
  }
  return out;
}
