/** Random choices of training; each is a function of seed, purpose and position alone. */
import { philox4x32, philoxKey, PhiloxStream } from "../../kernels/philox/mod.ts";

/** Independent streams of one seed. */
export const STREAM = {
  weights: 1,
  heldOut: 2,
  order: 3,
  crop: 4,
  shuffle: 5,
  dropout: 6,
} as const;

/**
 * The numbers 0 … count − 1 in random order (Fisher–Yates).
 *
 * @param draw which of the stream's permutations: an epoch, a buffer
 */
export function permutation(
  count: number,
  seed: number,
  stream: number,
  draw = 0,
): Uint32Array<ArrayBuffer> {
  const random = new PhiloxStream(seed, stream);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1, i, draw), other = order[j];
    order[j] = order[i];
    order[i] = other;
  }
  return order;
}

/** Fills an array with standard normal numbers (Box–Muller). */
export function gaussians(into: Float32Array, seed: number, stream: number = STREAM.weights): void {
  const words = new Uint32Array(4), key = philoxKey(seed);
  for (let i = 0; i < into.length; i += 2) {
    philox4x32(words, i, 0, 0, stream, key);
    // In (0, 1], so that the logarithm is finite.
    const radius = Math.sqrt(-2 * Math.log((words[0] + 1) / 2 ** 32));
    const angle = 2 * Math.PI * words[1] / 2 ** 32;
    into[i] = radius * Math.cos(angle);
    if (i + 1 < into.length) into[i + 1] = radius * Math.sin(angle);
  }
}
