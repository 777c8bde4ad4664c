/** Proteins as ESMFold reads them: residue types, places along the chain, linkers between chains. */
import { quote, UserError } from "../errors.ts";
import { CLS, EOS, LETTERS, MASK } from "../esm2/alphabet.ts";
import { RESIDUE_TYPES, residueType } from "./constants.ts";

/** Glycines between chains, which are folded and then left out (fair-esm `esmfold.py`). */
export const LINKER = 25;
/** Residues that the numbering jumps at a new chain, beyond all distances that are told apart. */
export const CHAIN_OFFSET = 512;

/** One protein, or several chains with `:` between them. */
export interface FoldInput {
  /** Its name. */
  readonly id: string;
  /** One-letter codes. */
  readonly residues: string;
}

/** What is folded, linkers included. */
export interface FoldChains {
  /** Its name. */
  readonly id: string;
  /** Letters of all residues, linkers among them; what is no amino acid of the twenty is X. */
  readonly letters: string;
  /** Residue types, 0 to 20. */
  readonly types: Int32Array;
  /** Place along the chain from 0; a new chain begins 512 farther. */
  readonly places: Int32Array;
  /** Number of the chain, a linker's that of the chain before. */
  readonly chains: Int32Array;
  /** 1 for residues that are in the result: of no linker. */
  readonly kept: Uint8Array;
}

/**
 * Reads a protein.
 *
 * @throws {UserError} for a chain without residues and for what is no letter
 */
export function foldChains({ id, residues }: FoldInput): FoldChains {
  const parts = residues.toUpperCase().split(":");
  if (parts.some((part) => part === "")) {
    throw new UserError(
      `Cannot fold ${quote(id)} as every chain must have a residue: current value is ` +
        quote(residues, 40),
    );
  }
  const bad = /[^A-Z:]/.exec(residues.toUpperCase());
  if (bad) {
    throw new UserError(
      `Cannot fold ${quote(id)} as residue ${
        residues.slice(0, bad.index).replaceAll(":", "").length + 1
      } must be a letter: current value is ${quote(bad[0])}`,
    );
  }
  const letters: string[] = [], places: number[] = [], chains: number[] = [], kept: number[] = [];
  for (const [chain, part] of parts.entries()) {
    const add = (letter: string, own: boolean, of: number) => {
      letters.push(RESIDUE_TYPES[residueType(letter)]);
      // The running number, and as many jumps as chains were before; a linker is of the chain before it.
      places.push(places.length + of * CHAIN_OFFSET);
      chains.push(of);
      kept.push(Number(own));
    };
    if (chain > 0) { for (let i = 0; i < LINKER; i++) add("G", false, chain - 1); }
    for (const letter of part) add(letter, true, chain);
  }
  return {
    id,
    letters: letters.join(""),
    types: Int32Array.from(letters, residueType),
    places: Int32Array.from(places),
    chains: Int32Array.from(chains),
    kept: Uint8Array.from(kept),
  };
}

/** 0-based residues of the result, without linkers; as people number them the first is 1. */
export const keptResidues = ({ kept }: FoldChains): number[] =>
  [...kept.keys()].filter((residue) => kept[residue] === 1);

/** Token ids of the language model. @param masked 0-based residues that it is not shown */
export function languageTokens({ letters }: FoldChains, masked: ReadonlySet<number>): Int32Array {
  const tokens = Array.from(letters, (letter, i) => masked.has(i) ? MASK : LETTERS.get(letter)!);
  return Int32Array.from([CLS, ...tokens, EOS]);
}
