/** Published autoencoders in double precision, as their own code computes them. */
import type { Arrays } from "./files.ts";

/** InterProt (sae_model.py): z-score, top k by value, ReLU. Gives latents and reconstruction. */
export function interprotOracle(x: ArrayLike<number>, arrays: Arrays, k: number) {
  const { w_enc: { data: wEnc }, w_dec: { data: wDec }, b_enc: { data: bEnc } } = arrays;
  const bPre = arrays.b_pre.data, dModel = bPre.length, latents = bEnc.length;
  const values = Array.from(x);
  const mean = values.reduce((a, b) => a + b) / dModel;
  const std = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (dModel - 1));
  const n = values.map((value, d) => (value - mean) / (std + 1e-5) - bPre[d]);
  const pre = Array.from(
    bEnc,
    (bias, j) => n.reduce((sum, value, d) => sum + value * wEnc[d * latents + j], bias),
  );
  const kept = pre.map((value, j) => ({ value, j }))
    .sort((a, b) => b.value - a.value).slice(0, k);
  const z = new Float64Array(latents);
  for (const { value, j } of kept) z[j] = Math.max(value, 0);
  const decoded = Array.from(bPre, (bias, d) => {
    const sum = z.reduce((all, value, j) => all + value * wDec[j * dModel + d], bias);
    return sum * std + mean;
  });
  return { z, decoded };
}

/** InterPLM (dictionary.py, ReLUSAE with normalize_features): ReLU, divided by each latent's largest. */
export function interplmOracle(x: ArrayLike<number>, arrays: Arrays) {
  const bias = arrays.bias.data, dModel = bias.length;
  const encoder = arrays["encoder.weight"].data, encoderBias = arrays["encoder.bias"].data;
  const decoder = arrays["decoder.weight"].data, latents = encoderBias.length;
  const scale = arrays.activation_rescale_factor?.data;
  // ReLUSAE with `normalize_to_sqrt_d`: the length becomes √D, and comes back after the decoder.
  const toSqrtD = (arrays.normalize_to_sqrt_d?.data as Uint8Array | undefined)?.[0] === 1;
  const length = toSqrtD ? Math.hypot(...Array.from(x)) / Math.sqrt(dModel) : 1;
  const raw = Float64Array.from(encoderBias, (start, j) => {
    let sum = start;
    for (let d = 0; d < dModel; d++) sum += (x[d] / length - bias[d]) * encoder[j * dModel + d];
    return Math.max(sum, 0);
  });
  const decoded = Array.from(
    bias,
    (start, d) =>
      length * raw.reduce((sum, value, j) => sum + value * decoder[d * latents + j], start),
  );
  return { z: raw.map((value, j) => value / (scale?.[j] || 1)), decoded };
}
