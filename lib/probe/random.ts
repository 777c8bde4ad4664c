/** Random choices of a probe, each a function of seed and place alone. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";

/** Independent streams of a seed. */
export const STREAMS = { split: 1, rows: 2, labels: 3, bootstrap: 4 } as const;

/** Numbers 0 … n − 1 in random order (Fisher–Yates). */
export function permutation(n: number, seed: number, stream: number): Uint32Array {
  const draws = new PhiloxStream(seed, stream),
    order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = draws.below(i + 1, 0, i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
