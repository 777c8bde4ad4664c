/** AdamW as it is defined: double precision, no haste. */
import type { AdamSettings, AdamStep } from "./types.ts";

/** New weight and moments of each element; the gradient as it is after clipping. */
export function adamwReference(
  weights: ArrayLike<number>,
  gradients: ArrayLike<number>,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  { betas: [b1, b2], epsilon, decay }: AdamSettings,
  { step, rate }: AdamStep,
): { weights: Float64Array; first: Float64Array; second: Float64Array } {
  const count = weights.length;
  const m = Float64Array.from({ length: count }, (_, i) => b1 * first[i] + (1 - b1) * gradients[i]);
  const v = Float64Array.from(
    { length: count },
    (_, i) => b2 * second[i] + (1 - b2) * gradients[i] ** 2,
  );
  const w = Float64Array.from({ length: count }, (_, i) => {
    const mean = m[i] / (1 - b1 ** step), square = v[i] / (1 - b2 ** step);
    const decayed = weights[i] - rate * decay * weights[i];
    return decayed - rate * mean / (Math.sqrt(square) + epsilon);
  });
  return { weights: w, first: m, second: v };
}

/** Length of a vector, and what it is multiplied by so that it is no longer than `limit`. */
export function clipReference(
  values: ArrayLike<number>,
  limit: number,
): { norm: number; factor: number } {
  const norm = Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));
  return { norm, factor: Math.min(1, limit / (norm + 1e-6)) };
}
