/** Autoencoders that were never trained. */
import { PhiloxStream } from "../../../kernels/philox/mod.ts";
import type { Sae, SaeConfig } from "../types.ts";

/**
 * Weights as training starts from them: an even encoder and its transpose, each latent of length 1, as decoder.
 *
 * @param shape with a width and a number of latents
 */
export function randomSae(shape: Partial<SaeConfig>, seed: number): Sae {
  const config: SaeConfig = {
    name: "random",
    dModel: 128,
    latents: 1024,
    depth: 2,
    afterFinalNorm: false,
    normalisation: "zscore",
    ...shape,
  };
  const { dModel, latents } = config, stream = new PhiloxStream(seed, 0x7e57);
  const wEnc = new Float32Array(dModel * latents), wDec = new Float32Array(latents * dModel);
  for (let j = 0; j < latents; j++) {
    const row = wDec.subarray(j * dModel, (j + 1) * dModel);
    for (let d = 0; d < dModel; d++) row[d] = stream.below(1 << 24, j, d) / (1 << 23) - 1;
    for (let d = 0; d < dModel; d++) wEnc[d * latents + j] = row[d] / Math.sqrt(dModel);
    const length = Math.hypot(...row);
    for (let d = 0; d < dModel; d++) row[d] /= length;
  }
  return { config, wEnc, bEnc: new Float32Array(latents), wDec, bPre: new Float32Array(dModel) };
}
