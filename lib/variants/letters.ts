/** The 20 amino acids: their order in tables, their place in the alphabet, their names. */
import { FIRST_LETTER } from "../../kernels/token_log_probs/mod.ts";
import { LETTERS as TOKEN_OF } from "../esm2/alphabet.ts";

/** Columns of the matrix, alphabetical as in most deep mutational scans. */
export const AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY";

/** Place of each column among the values that `tokenLogProbs` gives of a row. */
export const KERNEL_COLUMNS: readonly number[] = [...AMINO_ACIDS].map((letter) =>
  TOKEN_OF.get(letter)! - FIRST_LETTER
);

/** Column of a letter; −1 for one that is not an amino acid. */
export const columnOf = (letter: string): number => AMINO_ACIDS.indexOf(letter);

/** Token of any letter that ESM-2 knows, the rare ones included. */
export const tokenOf = (letter: string): number | undefined => TOKEN_OF.get(letter);

/** How a stop is written among letters. */
export const STOP = "*";

const THREE: Record<string, string> = {
  ...{ ALA: "A", ARG: "R", ASN: "N", ASP: "D", CYS: "C", GLN: "Q", GLU: "E", GLY: "G", HIS: "H" },
  ...{ ILE: "I", LEU: "L", LYS: "K", MET: "M", PHE: "F", PRO: "P", SER: "S", THR: "T", TRP: "W" },
  ...{ TYR: "Y", VAL: "V", SEC: "U", PYL: "O", ASX: "B", GLX: "Z", XAA: "X" },
  TER: STOP,
};

/** Alternatives of the three-letter names, for a regular expression. */
export const THREE_LETTER_NAMES = Object.keys(THREE).join("|");

/** One-letter code of a one- or three-letter name in any case. */
export function oneLetter(name: string): string {
  return THREE[name.toUpperCase()] ?? name.toUpperCase();
}
