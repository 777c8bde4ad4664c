/** What variant scoring passes around. */

/** The protein whose mutations are scored. */
export interface Target {
  id: string;
  /** Upper case, one letter per residue. */
  residues: string;
  /** Number of the first residue, as mutations count. */
  offset: number;
}

/** One residue replaced; positions count from 1 along the target, whatever the numbering. */
export interface Substitution {
  position: number;
  from: string;
  to: string;
}

/** A variant of the target. */
export interface Variant {
  /** Ascending by position; empty for the wild type and for an indel. */
  substitutions: readonly Substitution[];
  /** The whole sequence where residues come or go. */
  indel?: string;
}

/** A variant as the input has it. */
export interface VariantRow {
  /** What to call the row in messages. */
  place: string;
  /** Text of the mutations. */
  text: string;
  /** The mutated sequence, where the input states it. */
  mutated?: string;
  /** Measured value; NaN or absent where there is none. */
  measured?: number;
  /** Whether the assay calls it functional. */
  functional?: boolean;
  /** The row as the input has it. */
  raw: string;
}

export const MODES = [
  "masked-marginal",
  "wt-marginal",
  "mutant-marginal",
  "pseudo-perplexity",
] as const;
export type Mode = typeof MODES[number];

export const MULTI = ["additive", "joint"] as const;
export type Multi = typeof MULTI[number];

export const LEGACY = ["proteingym", "fair-esm"] as const;
export type Legacy = typeof LEGACY[number];
