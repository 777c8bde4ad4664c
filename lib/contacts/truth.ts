/** True contacts of a protein from its structure. */
import { fitChain } from "../structure/fit.ts";
import type { Structure } from "../structure/structure.ts";
import { distanceOf, type Truth } from "./types.ts";

/** Atoms that distances may be of: Cβ (Cα of glycine), or Cα. */
export const CONTACT_ATOMS = ["cb", "ca"] as const;

/** What counts as a contact. */
export interface TruthOptions {
  /** Chain by the authors' name. @default the one that fits the sequence best */
  chain?: string;
  /** Distances of Cβ (Cα for glycine, and where Cβ is missing) or of Cα. @default "cb" */
  atoms?: typeof CONTACT_ATOMS[number];
  /** Residues nearer than this are in contact, Å. @default 8 */
  cutoff?: number;
  /** The sequence is a chain's own, so that it needs no word how well the two fit. @default false */
  isOwn?: boolean;
}

/**
 * Contacts of a sequence as its structure has them.
 *
 * @param residues the sequence in display letters
 * @returns the contacts, and what a reader should know of the alignment
 * @throws {UserError} if there is no such chain, or none fits the sequence
 */
export function truthFromStructure(
  { id, residues }: { id: string; residues: string },
  structure: Structure,
  { chain: wanted, atoms = "cb", cutoff = 8, isOwn = false }: TruthOptions = {},
): { truth: Truth; notes: string[] } {
  const { chain, toChain, notes } = fitChain({ id, residues }, structure, { chain: wanted, isOwn });
  const chosen = Array.from(toChain, (at) => {
    const residue = at < 0 ? undefined : chain.residues[at];
    return residue?.alpha && residue;
  });
  const withoutBeta = chosen.filter((r) => r && !r.beta && r.name !== "GLY").length;
  if (atoms === "cb" && withoutBeta > 0) {
    notes.push(`${id}: ${withoutBeta} residues have no Cβ in the file; their Cα is taken.`);
  }
  const length = residues.length;
  const points = chosen.map((r) => r && (atoms === "cb" ? r.beta ?? r.alpha : r.alpha));
  const contacts = new Uint8Array(length * length);
  const known = Uint8Array.from(points, (point) => point ? 1 : 0);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < i; j++) {
      const distance = distanceOf({ source: "", contacts, known, points }, i, j);
      if (distance !== undefined && distance < cutoff) {
        contacts[i * length + j] = contacts[j * length + i] = 1;
      }
    }
  }
  const source = `${structure.source} chain ${chain.id}, ${
    atoms === "cb" ? "Cβ" : "Cα"
  } < ${cutoff} Å`;
  return { truth: { source, contacts, known, structure, chain, toChain, points }, notes };
}
