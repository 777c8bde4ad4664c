/** Rows of sparse latents compared. */
import type { SparseLatents } from "../sae/types.ts";
import type { LatentDeltas } from "./types.ts";

/** Activation of one latent at one row; 0 where it is not active. */
export function activation(
  { offsets, indices, values }: SparseLatents,
  row: number,
  latent: number,
): number {
  let low = offsets[row], high = offsets[row + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (indices[middle] < latent) low = middle + 1;
    else high = middle;
  }
  return low < offsets[row + 1] && indices[low] === latent ? values[low] : 0;
}

/** Latents active in either row, ascending, and `to` − `from` of each; those without change stay in. */
export function rowDeltas(
  from: SparseLatents,
  fromRow: number,
  to: SparseLatents,
  toRow: number,
): LatentDeltas {
  let a = from.offsets[fromRow], b = to.offsets[toRow];
  const endA = from.offsets[fromRow + 1], endB = to.offsets[toRow + 1];
  const indices = new Uint32Array(endA - a + endB - b), deltas = new Float64Array(indices.length);
  let count = 0;
  while (a < endA || b < endB) {
    const latentA = a < endA ? from.indices[a] : Infinity;
    const latentB = b < endB ? to.indices[b] : Infinity;
    indices[count] = Math.min(latentA, latentB);
    deltas[count++] = (latentB <= latentA ? to.values[b++] : 0) -
      (latentA <= latentB ? from.values[a++] : 0);
  }
  return { indices: indices.slice(0, count), deltas: deltas.slice(0, count) };
}
