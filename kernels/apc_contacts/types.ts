/** What attention contacts take and give, on either processor. */
import type { Pattern, PatternShape } from "../attention_column_mass/types.ts";

export type { Pattern, PatternShape };

/** Tokens begin..end-1 of each item that are residues: u32[B, 2]. */
export type ResidueRanges = Uint32Array;

/** @throws {RangeError} unless weights has an entry per head */
export function validateWeights(weights: ArrayLike<number>, heads: number): void {
  if (weights.length === heads) return;
  throw new RangeError(
    `Cannot sum contacts as weights must have ${heads} elements: current value is ${weights.length}`,
  );
}
