/** UMAP (McInnes, Healy & Melville 2018, arXiv:1802.03426). */
import { UMAP } from "npm:umap-js@1.4.0";
import { philox4x32, philoxKey } from "../../../kernels/philox/mod.ts";
import type { Neighbours } from "../nearest.ts";

/** Options of a layout. */
export interface LayoutOptions {
  /** The same seed, vectors and library give the same map. */
  seed: number;
  /** Hears how much is done, 0..1, between steps; what it throws ends the work. */
  onStep?(share: number): void | Promise<void>;
}

/** Neighbours that pull at a point, itself among them, as the library counts. */
export const UMAP_NEIGHBOURS = 15;

/**
 * A map f64[N, 2] from exact neighbours: the library's own search is approximate, and its start is at
 * random where the two principal components keep what is far apart (Kobak & Linderman 2021,
 * doi:10.1038/s41587-020-00809-z).
 *
 * @param neighbours of each point, UMAP_NEIGHBOURS − 1 or fewer
 * @param start f64[N, 2]
 */
export async function umap(
  { each, indices, cosines }: Neighbours,
  start: Float64Array,
  { seed, onStep }: LayoutOptions,
): Promise<Float64Array> {
  const count = start.length / 2;
  // Of vectors of length 1, which the cosine compares.
  const distance = (cosine: number) => Math.sqrt(Math.max(0, 2 - 2 * cosine));
  const own = Array.from({ length: count }, (_, i) => i);
  const of = <T>(
    array: ArrayLike<number>,
    i: number,
    first: number,
    map: (x: number) => number,
  ) => [
    first,
    ...Array.from({ length: each }, (_, k) => map(array[i * each + k])),
  ];
  const layout = new UMAP({ nNeighbors: each + 1, random: uniform(seed) });
  layout.setPrecomputedKNN(
    own.map((i) => of(indices, i, i, (x) => x)),
    own.map((i) => of(cosines, i, 0, distance)),
  );
  // It asks how many there are, and no more where neighbours are given.
  const epochs = layout.initializeFit(own.map(() => [0]));
  const points = layout.getEmbedding();
  let largest = 0;
  for (const x of start) largest = Math.max(largest, Math.abs(x));
  points.forEach((point, i) => {
    for (const axis of [0, 1]) point[axis] = start[2 * i + axis] / (largest || 1) * EXTENT;
  });
  for (let epoch = 0; epoch < epochs; epoch++) {
    layout.step();
    if (epoch % 10 === 0) await onStep?.(epoch / epochs);
  }
  return Float64Array.from(layout.getEmbedding().flat());
}

/** Numbers in [0, 1), one after another. */
function uniform(seed: number): () => number {
  const words = new Uint32Array(4), key = philoxKey(seed);
  let drawn = 0;
  return () => {
    // The counter's second word is for more than 2^34 numbers, which no map needs.
    if (drawn % 4 === 0) philox4x32(words, drawn / 4, 0, 0, 0, key);
    return words[drawn++ % 4] / 2 ** 32;
  };
}

/** Half the side of the square in which a map begins. */
const EXTENT = 10;
