/** Decoding sparse latents on the CPU: only the rows of the decoder that are active are read. */
import { type Decoder, type LatentRows, type TokenScale, validateRows } from "./types.ts";

/**
 * Residual stream that latents stand for.
 *
 * latents  N rows of entries (index, value); zeros count for nothing
 * scale    f32[N] each
 * addend   f32[N, D]  added at the end, such as the reconstruction error
 * result   f32[N, D]  (Σ value · wDec[index] + bPre) · std + mean + addend
 *
 * Summed in double precision, in the order of the entries: equal inputs give equal bits.
 *
 * @throws {RangeError} if sizes do not fit or an index is beyond the decoder
 */
export function sparseDecode(
  latents: LatentRows,
  decoder: Decoder,
  scale: TokenScale,
  addend?: Float32Array,
): Float32Array {
  validateRows(latents, decoder, scale);
  const { rows, offsets } = latents, { bPre } = decoder, dModel = bPre.length;
  if (addend && addend.length !== rows * dModel) {
    throw new RangeError(
      `Cannot decode as the addend must have ${rows * dModel} elements: ` +
        `current value is ${addend.length}`,
    );
  }
  const out = new Float32Array(rows * dModel), sums = new Float64Array(dModel);
  for (let n = 0; n < rows; n++) {
    sums.fill(0);
    addRows(sums, latents, decoder.wDec, offsets[n], offsets[n + 1]);
    const mean = scale.mean[n], std = scale.std[n], begin = n * dModel;
    for (let d = 0; d < dModel; d++) {
      const value = (sums[d] + bPre[d]) * std + mean;
      out[begin + d] = addend ? value + addend[begin + d] : value;
    }
  }
  return out;
}

/** Adds value · wDec[index] of the entries begin..end-1, four at a time but in their order. */
function addRows(
  sums: Float64Array,
  { indices, values }: LatentRows,
  wDec: Float32Array,
  begin: number,
  end: number,
): void {
  const dModel = sums.length;
  let entry = begin;
  for (; entry + 4 <= end; entry += 4) {
    const a = values[entry], b = values[entry + 1];
    const c = values[entry + 2], d = values[entry + 3];
    if (a === 0 && b === 0 && c === 0 && d === 0) continue;
    const atA = indices[entry] * dModel, atB = indices[entry + 1] * dModel;
    const atC = indices[entry + 2] * dModel, atD = indices[entry + 3] * dModel;
    for (let i = 0; i < dModel; i++) {
      sums[i] = sums[i] + a * wDec[atA + i] + b * wDec[atB + i] + c * wDec[atC + i] +
        d * wDec[atD + i];
    }
  }
  for (; entry < end; entry++) {
    const value = values[entry], at = indices[entry] * dModel;
    if (value === 0) continue;
    for (let i = 0; i < dModel; i++) sums[i] += value * wDec[at + i];
  }
}
