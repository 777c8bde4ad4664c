/** How published weights are turned round, shifted and scaled to ours. */

/** [rows, columns] → [columns, rows], in tiles that stay in the cache. */
export function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length), tile = 32;
  for (let r = 0; r < rows; r += tile) {
    for (let c = 0; c < columns; c += tile) {
      for (let i = r; i < Math.min(r + tile, rows); i++) {
        for (let j = c; j < Math.min(c + tile, columns); j++) {
          out[j * rows + i] = matrix[i * columns + j];
        }
      }
    }
  }
  return out;
}

/**
 * The bias of an encoder from which the decoder's bias is not subtracted, for one from which it is:
 * x · W + b = (x − p) · W + (b + p · W).
 */
export function unshifted(wEnc: Float32Array, bEnc: Float32Array, bPre: Float32Array) {
  const latents = bEnc.length, sum = Float64Array.from(bEnc);
  bPre.forEach((p, d) => {
    for (let j = 0; j < latents; j++) sum[j] += p * wEnc[d * latents + j];
  });
  return Float32Array.from(sum);
}

/** Divides each latent's activation by a factor, and multiplies its direction by it. */
export function rescale(
  { wEnc, bEnc, wDec, threshold }: {
    wEnc: Float32Array;
    bEnc: Float32Array;
    wDec: Float32Array;
    threshold?: Float32Array;
  },
  factors: Float32Array,
): void {
  const latents = factors.length, dModel = wEnc.length / latents;
  for (let j = 0; j < latents; j++) {
    const s = factors[j];
    bEnc[j] /= s;
    if (threshold) threshold[j] /= s;
    for (let d = 0; d < dModel; d++) {
      wEnc[d * latents + j] /= s;
      wDec[j * dModel + d] *= s;
    }
  }
}
