/** What the motif experiment takes and gives. */

/** Residues `begin` to `end` (exclusive), 0-based, of one helix or strand. */
export interface Segment {
  kind: "H" | "E";
  begin: number;
  end: number;
}

/** Two segments whose contacts are watched. */
export interface SegmentPair {
  first: Segment;
  second: Segment;
  /** Sum of the whole sequence's map over the patch. */
  weight: number;
}

export const MOTIF_MODES = ["flanks", "random", "random_far"] as const;
export type MotifMode = typeof MOTIF_MODES[number];

export interface RecoveryPoint {
  /** Residues unmasked beyond each end of each segment; controls unmask as many in all. */
  flank: number;
  /** Residues that are not masked, segments included. */
  unmasked: number;
  /** Σ orig·new / Σ orig² over the patch: 1 where the map is as with the whole sequence. */
  recovery: number;
}

export interface MotifResult {
  pair: SegmentPair;
  curves: Record<MotifMode, RecoveryPoint[]>;
  /** First rise by half within ten flanking residues, if there is one. */
  jump?: { flank: number; keeps: boolean };
  /** Fewest residues, flanks included, with a recovery of half; NaN if it is not reached. */
  minimalLength: number;
}

export interface MotifOptions {
  /** Pairs of segments, those of most contacts first. */
  pairs: number;
  /** Residues unmasked on each side at a time. */
  step: number;
  /** Least distance of the segments' centres. */
  separation: number;
  seed: number;
}
