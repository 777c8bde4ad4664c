/** Decoding as it is defined: double precision, no haste. */
import type { Decoder, LatentRows, TokenScale } from "./types.ts";

export interface DecodeReference {
  /** f64[N, D] */
  hidden: Float64Array;
  /** f64[N, D]: Σ of the absolute values of all terms, what rounding errors are relative to. */
  magnitudes: Float64Array;
}

/** (latents · wDec + bPre) · std + mean + addend (InterProt `sae_model.py`: decode, un-normalise). */
export function decodeReference(
  { rows, offsets, indices, values }: LatentRows,
  { wDec, bPre }: Decoder,
  { mean, std }: TokenScale,
  addend?: Float32Array,
): DecodeReference {
  const dModel = bPre.length;
  const hidden = new Float64Array(rows * dModel), magnitudes = new Float64Array(rows * dModel);
  for (let n = 0; n < rows; n++) {
    for (let d = 0; d < dModel; d++) {
      const terms = [bPre[d] * std[n], mean[n], addend?.[n * dModel + d] ?? 0];
      for (let i = offsets[n]; i < offsets[n + 1]; i++) {
        terms.push(values[i] * wDec[indices[i] * dModel + d] * std[n]);
      }
      hidden[n * dModel + d] = terms.reduce((sum, x) => sum + x, 0);
      magnitudes[n * dModel + d] = terms.reduce((sum, x) => sum + Math.abs(x), 0);
    }
  }
  return { hidden, magnitudes };
}
