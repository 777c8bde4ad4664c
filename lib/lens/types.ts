/** What a lens gives. */
import type { NamedSubstitutions } from "../variants/substitutions.ts";

/** Which way a state goes to the head: as it is, or through a trained affine map. */
export const LENSES = ["logit", "tuned"] as const;
/** One of {@linkcode LENSES}. */
export type LensName = typeof LENSES[number];

/** A lens after a number of blocks. */
export interface Place {
  /** Which way states go to the head. */
  readonly lens: LensName;
  /** Blocks that have run; 0: the embedding. */
  readonly layer: number;
}

/** The letters in the order of predictions: tokens 4 to 23 of the alphabet. */
export const LENS_LETTERS = "LAGVSERTIDPKQNFYMHWC";

/**
 * Values of a prediction: log p of {@linkcode LENS_LETTERS} among these 20, in nats, then the probability
 * that the head gives to the 13 other tokens.
 */
export const PREDICTION: number = LENS_LETTERS.length + 1;

/** Predictions f32[residues, places, 21] of a stretch of a protein. */
export interface Predictions {
  /** The second axis. */
  readonly places: readonly Place[];
  /** Extent of the first axis. */
  readonly residues: number;
  /** Row-major. */
  readonly data: Float32Array;
}

/** What a residue's prediction at a place says. */
export interface Reading {
  /** The letter of the highest probability. */
  readonly letter: string;
  /** Its probability. */
  readonly probability: number;
  /** Place of the true letter by probability, from 1; NaN where it is none of the 20. */
  readonly rank: number;
  /** Log probability of the true letter, nats; NaN where it is none of the 20. */
  readonly logProb: number;
  /** Of the 20 probabilities, nats. */
  readonly entropy: number;
  /** Σ p_final (log p_final − log p), nats. */
  readonly kl: number;
  /** Probability of tokens that are no amino acid. */
  readonly outside: number;
}

/** A protein, its letters, and mutations of it. */
export interface LensProtein {
  readonly id: string;
  /** One a residue; `_` for `<mask>`. */
  readonly letters: string;
  readonly variants: readonly NamedSubstitutions[];
}
