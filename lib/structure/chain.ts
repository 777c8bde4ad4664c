/** A structure file's chains and residues. */
import { counted } from "../display.ts";
import { quote, UserError } from "../errors.ts";
import type { Point } from "./atoms.ts";

/** One residue of a chain's sequence. */
export interface StructureResidue {
  /** One letter; `X` for what is not known. */
  letter: string;
  /** The authors' number with insertion code, as `52` or `52A`; "" where the file does not number it. */
  label: string;
  /** The authors' number alone; it may be negative, and is NaN where the file does not number it. */
  number: number;
  /** Three-letter name. */
  name: string;
  /** `H` helix, `E` strand, `-` neither. */
  secondary: "H" | "E" | "-";
  /** Cα, Å; a residue without it counts as one without coordinates. */
  alpha?: Point;
  /** Cβ, Å; glycine has none, and it may be missing from the file. */
  beta?: Point;
  /** The other backbone atoms that the file has, Å. */
  backbone: Partial<Record<"N" | "C" | "O", Point>>;
}

/** One chain, residues in the order of its sequence. */
export interface Chain {
  /** The authors' name; a blank one is `(blank)`, a second chain of one name has `_2` after it. */
  id: string;
  /** The name as the file has it, for other programs. @default that of `id` */
  name?: string;
  /** In the order of the sequence. */
  residues: StructureResidue[];
  /** Where the sequence is from; without it residues are those that have coordinates. */
  sequence?: "SEQRES" | "_entity_poly_seq";
}

/** The chains of a structure file. */
export interface Structure {
  /** File name for messages. */
  source: string;
  /** Which format the file has. */
  format: "pdb" | "cif" | "bcif";
  /** Protein chains, in the file's order. */
  chains: Chain[];
  /** Whether helices and strands are those that the file states, or computed as it states none. */
  secondary: "stated" | "computed";
  /** What a reader of the results should know of the file. */
  notes: string[];
}

/**
 * The chain of a name, or the only one.
 *
 * @throws {UserError} if there is no such chain
 */
export function chainOf({ chains, source }: Structure, id: string): Chain {
  const chain = chains.find((each) => each.id === id) ??
    chains.find(({ name }) => name === "" && (id.trim() === "" || id === "_"));
  if (chain) return chain;
  throw new UserError(
    `Cannot use --chain with ${quote(source, 200)} as it must be one of ${
      chains.map((each) => each.id).join(", ")
    }: current value is ${quote(id)}`,
  );
}

/** One-letter codes of a chain. */
export function chainLetters({ residues }: Chain): string {
  return residues.map(({ letter }) => letter).join("");
}

/** Residues that have coordinates. */
export const resolvedCount = ({ residues }: Chain): number =>
  residues.filter(({ alpha }) => alpha).length;

/** A chain's name as the file has it, for other programs. */
export const chainName = ({ name, id }: Chain): string => name ?? id;

/** A chain as one line. */
export function chainText(chain: Chain): string {
  const { id, residues } = chain, resolved = resolvedCount(chain);
  return `Chain ${id}: ${counted(residues.length, "residue")}` +
    (resolved < residues.length ? `, ${resolved} with coordinates` : "");
}

/** A structure as one line, and one for each chain. */
export const structureText = ({ source, format, chains }: Structure): string =>
  [`Structure ${source} (${format}):`, ...chains.map((chain) => `  ${chainText(chain)}`)].join(
    "\n",
  );
