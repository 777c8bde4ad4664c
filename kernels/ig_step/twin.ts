/**
 * Integrated gradients over latents on the CPU.
 *
 * With a token's mean, deviation and error held to straight lines, the residual stream is affine in the
 * latents: the path between two states is the straight line between their decoded streams, and the
 * gradients along it can be summed before they are projected on the decoder. Both ends are decoded once
 * (`sparseDecode`, with the errors as addends), and each latent takes one product in all.
 *
 * Source: Sundararajan et al. 2017 (arXiv:1703.01365), over latents as Marks et al. 2024
 * (arXiv:2403.19647) use them.
 */
import { type LatentPairs, validateLength } from "./types.ts";

/**
 * Residual streams along the path.
 *
 * base, input  f32[N, D]     decoded ends
 * alphas       [S]           0 at the base, 1 at the input
 * result       f32[S, N, D]  (1 − α) base + α input: the ends themselves to the bit
 *
 * @throws {RangeError} if sizes differ
 */
export function interpolateStreams(
  base: Float32Array,
  input: Float32Array,
  alphas: ArrayLike<number>,
): Float32Array {
  validateLength("base", base, input.length);
  const size = input.length, out = new Float32Array(alphas.length * size);
  for (let s = 0; s < alphas.length; s++) {
    const alpha = alphas[s], rest = 1 - alpha, begin = s * size;
    for (let i = 0; i < size; i++) out[begin + i] = rest * base[i] + alpha * input[i];
  }
  return out;
}

/**
 * Adds Σ over steps of weight · gradient, in the order of the steps.
 *
 * gradients  f32[S, N, D]  dm/dhidden at the points of the path
 * weights    [S]           of the quadrature; they add up to 1 over all calls
 * sum        [N, D]        double precision keeps many calls exact
 *
 * @throws {RangeError} if sizes do not fit
 */
export function accumulateGradients(
  sum: Float64Array | Float32Array,
  gradients: Float32Array,
  weights: ArrayLike<number>,
): void {
  const size = sum.length;
  validateLength("gradients", gradients, weights.length, size);
  for (let i = 0; i < size; i++) {
    let total = sum[i];
    for (let s = 0; s < weights.length; s++) total += weights[s] * gradients[s * size + i];
    sum[i] = total;
  }
}

/**
 * Derivatives by chosen latents: dm/dz = std · wDec[latent] · dm/dhidden.
 *
 * gradient  [N, D]
 * indices   u32[N, K]  latents; of rows in CSR form give `offsets`
 * wDec      f32[F, D]
 * std       f32[N]
 * result    f32[N, K], summed in double precision
 *
 * @throws {RangeError} if sizes do not fit or a latent is beyond the decoder
 */
export function latentGradients(
  gradient: Float64Array | Float32Array,
  indices: Uint32Array,
  wDec: Float32Array,
  std: Float32Array,
  offsets?: Uint32Array,
): Float32Array {
  const tokens = std.length, dModel = gradient.length / tokens;
  const latents = wDec.length / dModel, entries = indices.length / tokens;
  validateLength("gradient", gradient, tokens, Math.floor(dModel));
  validateLength("wDec", wDec, Math.floor(latents), dModel);
  if (offsets) validateLength("offsets", offsets, tokens + 1);
  else validateLength("indices", indices, tokens, Math.floor(entries));
  const out = new Float32Array(indices.length);
  for (let n = 0; n < tokens; n++) {
    const begin = offsets?.[n] ?? n * entries, end = offsets?.[n + 1] ?? begin + entries;
    for (let i = begin; i < end; i++) {
      if (indices[i] >= latents) {
        throw new RangeError(
          `Cannot integrate gradients as latents must be below ${latents}: ` +
            `current value of entry ${i} is ${indices[i]}`,
        );
      }
      out[i] = std[n] * dot(gradient, n * dModel, wDec, indices[i] * dModel, dModel);
    }
  }
  return out;
}

/**
 * Attribution of each latent: std · (wDec[latent] · Σ gradient) · (input − base).
 *
 * gradient  [N, D]     of `accumulateGradients`
 * result    f32[N, K]  zero for padding
 *
 * @throws {RangeError} if sizes do not fit or a latent is beyond the decoder
 */
export function attributeLatents(
  gradient: Float64Array | Float32Array,
  { indices, base, input }: Pick<LatentPairs, "indices" | "base" | "input">,
  wDec: Float32Array,
  std: Float32Array,
): Float32Array {
  validateLength("base", base, indices.length);
  validateLength("input", input, indices.length);
  const out = latentGradients(gradient, indices, wDec, std);
  for (let i = 0; i < out.length; i++) out[i] *= input[i] - base[i];
  return out;
}

/**
 * Attribution of each token's reconstruction error: Σ gradient · (input − base).
 *
 * gradient     [N, D]
 * base, input  f32[N, D]  errors at the ends of the path
 * result       f32[N]
 *
 * @throws {RangeError} if sizes do not fit
 */
export function attributeErrors(
  gradient: Float64Array | Float32Array,
  base: Float32Array,
  input: Float32Array,
  tokens: number,
): Float32Array {
  const dModel = gradient.length / tokens;
  validateLength("gradient", gradient, tokens, Math.floor(dModel));
  validateLength("base", base, gradient.length);
  validateLength("input", input, gradient.length);
  return Float32Array.from({ length: tokens }, (_, n) => {
    let sum = 0;
    for (let i = n * dModel; i < (n + 1) * dModel; i++) sum += gradient[i] * (input[i] - base[i]);
    return sum;
  });
}

/** Σ a·b in double precision; four sums, as one would wait for each addition. */
function dot(
  a: Float64Array | Float32Array,
  atA: number,
  b: Float32Array,
  atB: number,
  length: number,
): number {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0, i = 0;
  for (; i + 4 <= length; i += 4) {
    s0 += a[atA + i] * b[atB + i];
    s1 += a[atA + i + 1] * b[atB + i + 1];
    s2 += a[atA + i + 2] * b[atB + i + 2];
    s3 += a[atA + i + 3] * b[atB + i + 3];
  }
  for (; i < length; i++) s0 += a[atA + i] * b[atB + i];
  return (s0 + s1) + (s2 + s3);
}
