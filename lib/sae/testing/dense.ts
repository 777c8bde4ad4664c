import type { SparseLatents } from "../types.ts";

/** f32[N, F] with zeros where no latent is active. */
export function densify(
  { rows, latents, offsets, indices, values }: SparseLatents,
): Float32Array {
  const dense = new Float32Array(rows * latents);
  for (let n = 0; n < rows; n++) {
    for (let e = offsets[n]; e < offsets[n + 1]; e++) dense[n * latents + indices[e]] = values[e];
  }
  return dense;
}
