/** What the motif experiment takes and gives. */
import type { Interval } from "../stats/bootstrap.ts";

/** Residues `begin` to `end` (exclusive), 0-based. */
export interface Span {
  /** First residue, 0-based. */
  begin: number;
  /** The one after the last. */
  end: number;
}

/** A helix or a strand. */
export interface Element extends Span {
  /** Helix or strand. */
  kind: "H" | "E";
}

/** Contacts that are watched, and the residues that are visible from the start: 22 in all. */
export interface MotifUnit {
  /**
   * Which figure it belongs to: `segment`, or by the distance of the elements' centres
   * `pair_50_100` or `pair_100`.
   */
  set: string;
  /** One stretch of 22 residues, or 11 about the centre of each of two elements. */
  blocks: readonly [Span] | readonly [Span, Span];
  /** The elements that the blocks are the middle of. */
  elements?: readonly [Element, Element];
  /** Sum of the whole sequence's map over the patch of both blocks, or of the one with itself. */
  weight: number;
}

/** What is unmasked besides: outward, as many anywhere, or as many more than 30 away. */
export const MOTIF_MODES = ["flanks", "random", "random_far"] as const;
/** One of {@linkcode MOTIF_MODES}. */
export type MotifMode = typeof MOTIF_MODES[number];

/** How much of a patch is there with so much unmasked. */
export interface RecoveryPoint {
  /** Residues unmasked beyond either end; controls unmask twice as many elsewhere. */
  flank: number;
  /** Residues that are not masked, blocks included. */
  unmasked: number;
  /** Σ orig·new / Σ orig² over the patch: 1 where the map is as with the whole sequence. */
  recovery: number;
}

/** The experiment on one pair or stretch. */
export interface MotifResult {
  /** What was unmasked first. */
  unit: MotifUnit;
  /** Recovery by how much is unmasked. */
  curves: Record<MotifMode, RecoveryPoint[]>;
  /** The first single step with a rise by half that lasts, or else the first that does not. */
  jump?: { flank: number; keeps: boolean };
  /** Fewest residues, flanks included, with a recovery above half; NaN if it is not reached. */
  minimalLength: number;
}

/** Which pairs and stretches are tried. */
export interface MotifOptions {
  /** Pairs of elements, and stretches on the diagonal, that are drawn of those that qualify. */
  pairs: number;
  /** Stretches that are drawn of those that qualify. */
  segments: number;
  /** Least sum of the map over the patch of a pair, and of a stretch. */
  pairContacts: number;
  /** The same for a stretch. */
  segmentContacts: number;
  /** Residues unmasked on each side at a time. */
  step: number;
  /** The centres of a pair's elements are farther apart than this. */
  separation: number;
  /** Of what is drawn. */
  seed: number;
}

/** One point of the headline curve: the share of units whose contacts are recovered. */
export interface MotifShare {
  /** Which pairs or stretches. */
  set: string;
  /** What is unmasked besides. */
  mode: MotifMode;
  /** Residues unmasked beyond either end. */
  flank: number;
  /** Residues visible in all. */
  unmasked: number;
  /** In how many proteins. */
  proteins: number;
  /** Units of these proteins that have room for such flanks. */
  units: number;
  /** How many are recovered. */
  recovered: number;
  /** Their share. */
  share: number;
  /** 95 % interval over resampled proteins; NaN with one. */
  interval: Interval;
}
