/** AdamW on the CPU: one pass over weights, gradients and moments, in double precision between loads and stores. */
import { type AdamNumbers, CLIP_EPSILON, type Floats } from "./types.ts";

/**
 * Moves weights against a gradient, in place, with its moments.
 *
 * @param factor of the gradient, which is clipped by it
 * @param decays whether the weights decay
 * @throws {RangeError} if lengths differ
 */
export function adamwStep(
  weights: Floats,
  gradients: Floats,
  first: Floats,
  second: Floats,
  { size, correction, firstShare, secondShare, epsilon, kept }: AdamNumbers,
  factor = 1,
  decays = true,
): void {
  const count = weights.length, stays = decays ? kept : 1;
  const wrong = [gradients, first, second].find(({ length }) => length !== count);
  if (wrong) {
    throw new RangeError(
      `Cannot move weights as gradients and moments must have ${count} elements: ` +
        `current value is ${wrong.length}`,
    );
  }
  for (let i = 0; i < count; i++) {
    const slope = factor * gradients[i];
    const mean = first[i] += firstShare * (slope - first[i]);
    const square = second[i] += secondShare * (slope * slope - second[i]);
    weights[i] = weights[i] * stays - size * mean / (Math.sqrt(square) * correction + epsilon);
  }
}

/** Sum of squares, of which the length of several arrays together is the root. */
export function squareSum(values: Floats): number {
  let a = 0, b = 0, i = 0;
  // Two chains of additions: one would wait for itself.
  for (; i + 1 < values.length; i += 2) {
    a += values[i] * values[i];
    b += values[i + 1] * values[i + 1];
  }
  if (i < values.length) a += values[i] * values[i];
  return a + b;
}

/** What a gradient of some length is multiplied by so that it is no longer than `limit`. */
export const clipFactor = (norm: number, limit: number, epsilon = CLIP_EPSILON): number =>
  Math.min(1, limit / (norm + epsilon));

/** Adds values onto a sum, in place. */
export function addOnto(sum: Floats, values: Floats): void {
  for (let i = 0; i < sum.length; i++) sum[i] += values[i];
}

/** Brings a running mean nearer to values by a share, in place. */
export function averageStep(mean: Floats, values: Floats, share: number): void {
  for (let i = 0; i < mean.length; i++) mean[i] += share * (values[i] - mean[i]);
}
