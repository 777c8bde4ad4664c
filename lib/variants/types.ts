/** What variant scoring passes around. */

/** The protein whose mutations are scored. */
export interface Target {
  /** Its name. */
  id: string;
  /** Upper case, one letter per residue. */
  residues: string;
  /** Number of the first residue, as mutations count. */
  offset: number;
}

/** One residue replaced; positions count from 1 along the target, whatever the numbering. */
export interface Substitution {
  /** 1-based, in the target's sequence. */
  position: number;
  /** Letter of the target. */
  from: string;
  /** New letter. */
  to: string;
}

/** A variant of the target. */
export interface Variant {
  /** Ascending by position; empty for the wild type and for an indel. */
  substitutions: readonly Substitution[];
  /** The whole sequence where residues come or go. */
  indel?: string;
}

/** Why a row of an assay has no score, in the words of tables and notes. */
export const REASONS = {
  empty: "no mutation given",
  stop: "stop",
  frameshift: "frameshift",
  extension: "stop lost or start gained",
  unknown: "effect not known",
  synonymous: "synonymous without residue",
  letter: "letter that is no amino acid",
} as const;
/** One of {@linkcode REASONS}. */
export type Reason = keyof typeof REASONS;

/** What stands in a row that cannot be scored. */
export interface Unscorable {
  /** Why it has no score. */
  reason: Reason;
  /** What to tell a person who asked for just this. */
  message: string;
}

/** What a row says. */
export type Reading = Variant | Unscorable;

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
  /** The input has an infinite value, which counts as none. */
  isInfinite?: boolean;
  /** Whether the assay calls it functional. */
  functional?: boolean;
  /** The row as the input has it. */
  raw: string;
}

/** Ways to ask the model: the place masked, the wild type, the mutant, or every place in turn. */
export const MODES = [
  "masked-marginal",
  "wt-marginal",
  "mutant-marginal",
  "pseudo-perplexity",
] as const;
/** One of {@linkcode MODES}. */
export type Mode = typeof MODES[number];

/** What several substitutions together are. */
export const MULTI = ["additive", "joint"] as const;
/** One of {@linkcode MULTI}. */
export type Multi = typeof MULTI[number];

/** Published tools that can be reproduced. */
export const LEGACY = ["proteingym", "fair-esm"] as const;
/** One of {@linkcode LEGACY}. */
export type Legacy = typeof LEGACY[number];
