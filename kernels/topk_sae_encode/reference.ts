/** Encoding with a sparse autoencoder as it is defined: double precision, no haste. */
import type { Encoder, Normalisation } from "./types.ts";

export interface EncodeReference {
  mean: Float64Array;
  std: Float64Array;
  /** f64[N, F] */
  preActs: Float64Array;
  /** f64[N, F]: Σ |normalised token − bPre| · |wEnc| + |bEnc|, what rounding errors are relative to. */
  magnitudes: Float64Array;
}

/** Statistics and pre-activations (InterProt `sae_model.py`: LN, encode_pre_act). */
export function encodeReference(
  hidden: Float32Array,
  { wEnc, bEnc, bPre }: Encoder,
  normalisation: Normalisation,
): EncodeReference {
  const dModel = bPre.length, latents = bEnc.length, tokens = hidden.length / dModel;
  const mean = new Float64Array(tokens), std = new Float64Array(tokens).fill(1);
  const preActs = new Float64Array(tokens * latents),
    magnitudes = new Float64Array(tokens * latents);
  for (let n = 0; n < tokens; n++) {
    let token = [...hidden.subarray(n * dModel, (n + 1) * dModel)];
    if (normalisation === "zscore") {
      mean[n] = token.reduce((sum, x) => sum + x, 0) / dModel;
      const squares = token.reduce((sum, x) => sum + (x - mean[n]) ** 2, 0);
      std[n] = Math.sqrt(squares / (dModel - 1));
      token = token.map((x) => (x - mean[n]) / (std[n] + 1e-5));
    } else if (normalisation === "rms") {
      std[n] = Math.sqrt(token.reduce((sum, x) => sum + x * x, 0) / dModel);
      token = token.map((x) => x / std[n]);
    }
    for (let j = 0; j < latents; j++) {
      let sum = bEnc[j], magnitude = Math.abs(bEnc[j]);
      for (let d = 0; d < dModel; d++) {
        const product = (token[d] - bPre[d]) * wEnc[d * latents + j];
        sum += product;
        magnitude += Math.abs(product);
      }
      preActs[n * latents + j] = sum;
      magnitudes[n * latents + j] = magnitude;
    }
  }
  return { mean, std, preActs, magnitudes };
}

/** Of each row the k largest, ties to the lower index: their indices, in descending order. */
export function selectReference(
  preActs: ArrayLike<number>,
  latents: number,
  k: number,
): number[][] {
  const rows: number[][] = [];
  for (let begin = 0; begin < preActs.length; begin += latents) {
    const order = Array.from({ length: latents }, (_, j) => j);
    order.sort((a, b) => preActs[begin + b] - preActs[begin + a] || a - b);
    rows.push(order.slice(0, k));
  }
  return rows;
}
