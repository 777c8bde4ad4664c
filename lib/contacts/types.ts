/** What contact prediction gives and is compared with. */
import type { MotifResult } from "./motif_types.ts";
import type { Chain, Point, Structure } from "../structure/structure.ts";

/** The contact head, averaged attention heads, the categorical Jacobian. */
export const METHODS = ["head", "attention", "jacobian"] as const;
/** One of {@linkcode METHODS}. */
export type Method = typeof METHODS[number];

/** Separations |i − j| of a range, from `min` to `max`. */
export interface Range {
  /** What it is called. */
  name: "short" | "medium" | "long";
  /** Nearest. */
  min: number;
  /** Farthest. */
  max: number;
}

/** The customary ranges (CASP; fair-esm's README). */
export const RANGES: readonly Range[] = [
  { name: "short", min: 6, max: 11 },
  { name: "medium", min: 12, max: 23 },
  { name: "long", min: 24, max: Infinity },
];

/** Name of the range of two residues, "" nearer than the shortest. */
export function rangeOf(separation: number): string {
  return RANGES.find(({ min, max }) => separation >= min && separation <= max)?.name ?? "";
}

/** What is known of a protein's contacts. */
export interface Truth {
  /** Where from, for people. */
  source: string;
  /** u8[L, L], symmetric: 1 for a contact. */
  contacts: Uint8Array;
  /** u8[L]: 1 for residues whose contacts are known. */
  known: Uint8Array;
  /** The structure it was made from. */
  structure?: Structure;
  /** Which of its chains. */
  chain?: Chain;
  /** For each residue of the protein the index in the chain, or −1. */
  toChain?: Int32Array;
  /** For each residue of the protein the atom that distances are of, if the structure has it, Å. */
  points?: readonly (Point | undefined)[];
}

/** A residue as its structure names it. */
export function authorLabel({ chain, toChain }: Truth, residue: number): string | undefined {
  const at = toChain?.[residue] ?? -1;
  return at < 0 ? undefined : chain!.residues[at].label || undefined;
}

/** Distance of two residues (0-based) in the structure, Å. */
export function distanceOf({ points }: Truth, i: number, j: number): number | undefined {
  const a = points?.[i], b = points?.[j];
  return a && b && Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** A protein to predict, with what it is to be compared with. */
export interface ContactInput {
  /** Name of the protein. */
  id: string;
  /** One-letter codes. */
  residues: string;
  /** What is known of its contacts. */
  truth?: Truth;
}

/** Precision and ranking quality in one range. */
export interface RangeScores {
  /** Which separations. */
  range: Range["name"];
  /** Pairs of known residues, separation in the range, that all predictors compared have a score for. */
  pairs: number;
  /** Pairs of known residues in the range without such a score. */
  notPredicted: number;
  /** Of these, in contact. */
  contacts: number;
  /** Share of contacts among the L, L/2 and L/5 highest scores; NaN where no pair is a contact. */
  precisionL: number;
  /** The same of L/2. */
  precisionL2: number;
  /** The same of L/5. */
  precisionL5: number;
  /** Area under the ROC curve over all pairs. */
  auc: number;
}

/** One head's map against the truth. */
export interface HeadScore {
  /** 0-based. */
  layer: number;
  /** 0-based. */
  head: number;
  /** Precision at L of each range, in their order. */
  precisionL: number[];
}

/** What is kept of every protein of many: all but what has L² elements. */
export interface ContactRecord {
  /** Name of the protein. */
  id: string;
  /** Display letters, one a residue. */
  residues: string;
  /** Where the truth is from. */
  truth?: Pick<Truth, "source">;
  /** By range, where there is a truth. */
  scores?: RangeScores[];
  /** The covariance baseline's scores, where there is an alignment. */
  baseline?: { name: string; scores?: RangeScores[] };
  /** The model's without its adapter, where it has one. */
  before?: { adapter: string; scores?: RangeScores[] };
  /** Every head against the truth, if asked for. */
  heads?: HeadScore[];
  /** The motif experiment's results, if asked for. */
  motif?: MotifResult[];
}

/** Everything about one protein. */
export interface ContactResult extends ContactRecord {
  /** f32[L, L]; NaN where no window holds both residues. */
  map: Float32Array;
  /** What is known of its contacts. */
  truth?: Truth;
  /** The baseline's map and scores. */
  baseline?: { name: string; map: Float32Array; scores?: RangeScores[] };
  /** Map and scores of the model without its adapter, and what that is called. */
  before?: { adapter: string; map: Float32Array; scores?: RangeScores[] };
}

/** The same without its maps. */
export function recordOf(
  { id, residues, truth, scores, baseline, before, heads, motif }: ContactResult,
): ContactRecord {
  return {
    ...{ id, residues, scores, heads, motif },
    truth: truth && { source: truth.source },
    baseline: baseline && { name: baseline.name, scores: baseline.scores },
    before: before && { adapter: before.adapter, scores: before.scores },
  };
}
