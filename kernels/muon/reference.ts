/** Both ends of a step of Muon as they are defined: double precision, no haste. */
import type { MuonNumbers } from "./types.ts";

/** The momentum after a step, and the point ahead of it. */
export function momentumReference(
  gradients: ArrayLike<number>,
  momentum: ArrayLike<number>,
  factor: number,
  { momentum: kept }: MuonNumbers,
): { momentum: Float64Array; ahead: Float64Array } {
  const slopes = Float64Array.from(gradients, (g) => factor * g);
  const next = slopes.map((g, i) => kept * momentum[i] + g);
  return { momentum: next, ahead: slopes.map((g, i) => g + kept * next[i]) };
}

/** Weights after a step. */
export const turnReference = (
  weights: ArrayLike<number>,
  turned: ArrayLike<number>,
  { kept, size }: MuonNumbers,
): Float64Array => Float64Array.from(weights, (w, i) => kept * w - size * turned[i]);
