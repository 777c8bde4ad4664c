/** Both ends of a step of Muon on the CPU; between them a matrix is turned by products. */
import type { MuonNumbers } from "./types.ts";

/**
 * m ← μ m + f g, and ahead = f g + μ m.
 *
 * @param factor f of the gradient, which is clipped by it
 */
export function muonMomentum(
  gradients: Float32Array,
  momentum: Float32Array,
  ahead: Float32Array,
  { momentum: kept }: MuonNumbers,
  factor = 1,
): void {
  for (let i = 0; i < gradients.length; i++) {
    const slope = factor * gradients[i];
    momentum[i] = kept * momentum[i] + slope;
    ahead[i] = slope + kept * momentum[i];
  }
}

/** w ← kept · w − size · turned. */
export function muonTurn(
  weights: Float32Array,
  turned: Float32Array,
  { kept, size }: MuonNumbers,
): void {
  for (let i = 0; i < weights.length; i++) weights[i] = kept * weights[i] - size * turned[i];
}
