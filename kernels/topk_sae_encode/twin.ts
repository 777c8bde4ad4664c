/** Encoding on the CPU: what stands before and after the product, and the product without a library. */
import { selectTopK } from "./select.ts";
import {
  type Encoder,
  EPSILON,
  type Normalisation,
  SHORTEST,
  type TokenScale,
  type TopLatents,
  validateLength,
  validateNormalisation,
} from "./types.ts";

/** Tokens as the encoder's product takes them. */
export interface CentredTokens {
  /** f32[N, D]: normalised, less bPre. */
  centred: Float32Array;
  /** What was taken from each token. */
  scale: TokenScale;
}

/**
 * Normalises tokens and subtracts the decoder's bias, in double precision.
 *
 * hidden   f32[N, D]
 * bPre     f32[D]
 * centred  f32[N, D]  (x − mean) / (std + 1e-5) − bPre, x / std − bPre with the root mean square as std,
 *                     or x − bPre
 *
 * @throws {RangeError} if sizes do not fit
 */
export function centreTokens(
  hidden: Float32Array,
  bPre: Float32Array,
  normalisation: Normalisation,
): CentredTokens {
  const dModel = bPre.length, tokens = Math.floor(hidden.length / dModel);
  validateLength("hidden", hidden, [tokens, dModel]);
  validateNormalisation(normalisation, dModel);
  const centred = new Float32Array(hidden.length);
  const mean = new Float32Array(tokens), std = new Float32Array(tokens).fill(1);
  for (let n = 0; n < tokens; n++) {
    const begin = n * dModel;
    let centre = 0, factor = 1;
    if (normalisation === "zscore") {
      let sum = 0, squares = 0;
      for (let d = 0; d < dModel; d++) sum += hidden[begin + d];
      centre = sum / dModel;
      for (let d = 0; d < dModel; d++) squares += (hidden[begin + d] - centre) ** 2;
      const deviation = Math.sqrt(squares / (dModel - 1));
      mean[n] = centre;
      std[n] = deviation;
      factor = 1 / (deviation + EPSILON);
    } else if (normalisation === "rms") {
      let squares = 0;
      for (let d = 0; d < dModel; d++) squares += hidden[begin + d] ** 2;
      std[n] = Math.max(Math.sqrt(squares), SHORTEST) / Math.sqrt(dModel);
      factor = 1 / std[n];
    }
    for (let d = 0; d < dModel; d++) {
      centred[begin + d] = (hidden[begin + d] - centre) * factor - bPre[d];
    }
  }
  return { centred, scale: { mean, std } };
}

/** centred · wEnc + bEnc, f32[N, F], summed in double precision; onnxruntime's product is faster. */
export function encodeProduct(
  centred: Float32Array,
  { wEnc, bEnc }: Pick<Encoder, "wEnc" | "bEnc">,
): Float32Array {
  const latents = bEnc.length, dModel = wEnc.length / latents, tokens = centred.length / dModel;
  validateLength("centred", centred, [Math.floor(tokens), Math.floor(dModel)]);
  const out = new Float32Array(tokens * latents), row = new Float64Array(latents);
  for (let n = 0; n < tokens; n++) {
    row.set(bEnc);
    for (let d = 0; d < dModel; d++) {
      const x = centred[n * dModel + d], begin = d * latents;
      for (let j = 0; j < latents; j++) row[j] += x * wEnc[begin + j];
    }
    out.set(row, n * latents);
  }
  return out;
}

/**
 * Encodes tokens: the k largest latents of each, the pre-activations they were chosen from, and what
 * decoding needs besides.
 *
 * @throws {RangeError} if sizes do not fit or k is not in 1..F
 */
export function topkSaeEncode(
  hidden: Float32Array,
  { wEnc, bEnc, bPre }: Encoder,
  { normalisation, k }: { normalisation: Normalisation; k: number },
): TopLatents & { scale: TokenScale; preActs: Float32Array } {
  const { centred, scale } = centreTokens(hidden, bPre, normalisation);
  const preActs = encodeProduct(centred, { wEnc, bEnc });
  return { ...selectTopK(preActs, scale.mean.length, bEnc.length, k), scale, preActs };
}
