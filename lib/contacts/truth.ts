/** True contacts of a protein from its structure. */
import { quote, UserError } from "../errors.ts";
import { alignChain, type Alignment } from "../structure/align.ts";
import {
  type Chain,
  chainLetters,
  chainOf,
  resolvedCount,
  type Structure,
} from "../structure/structure.ts";
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

/** Chain and sequence must agree in at least this share of the pairs that were aligned. */
const LEAST_IDENTITY = 0.5;

/**
 * Least share of the shorter of the two that must be aligned. Free ends let any two proteins agree in
 * a few residues; of 1402 pairs of proteins that are not related none reaches 0.4, and a domain with
 * its tag or in its fusion stays above.
 */
const LEAST_COVERAGE = 0.5;

/** Residues of a peptide that must be aligned: a few of them fit anywhere. */
const LEAST_ALIGNED = 10, LEAST_PEPTIDE_COVERAGE = 0.8;

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
  const chains = wanted === undefined ? structure.chains : [chainOf(structure, wanted)];
  let best: { chain: Chain; alignment: Alignment } | undefined;
  for (const chain of chains) {
    const alignment = chainLetters(chain) === residues
      ? identity(residues)
      : alignChain(residues, chain);
    const isBetter = !best || alignment.score > best.alignment.score ||
      // Of copies the one that is known best.
      alignment.score === best.alignment.score && resolvedCount(chain) > resolvedCount(best.chain);
    if (isBetter) best = { chain, alignment };
  }
  const { chain, alignment } = best!;
  const { aligned, identical, toChain } = alignment;
  const shorter = Math.min(residues.length, chain.residues.length);
  const least = Math.max(
    LEAST_COVERAGE * shorter,
    Math.min(LEAST_ALIGNED, LEAST_PEPTIDE_COVERAGE * shorter),
  );
  if (aligned < least || identical < LEAST_IDENTITY * aligned) {
    throw new UserError(
      `Cannot use ${quote(structure.source, 200)} for ${quote(id)} as its chain must fit the ` +
        `sequence: chain ${chain.id} agrees in ${identical} of ${aligned} aligned residues, which ` +
        `are ${percent(aligned / residues.length)} of the sequence and ` +
        `${percent(aligned / chain.residues.length)} of the chain`,
    );
  }
  const chosen = Array.from(toChain, (at) => {
    const residue = at < 0 ? undefined : chain.residues[at];
    return residue?.alpha && residue;
  });
  const notes = isOwn ? [] : describe({ id, residues }, structure, chain, alignment);
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

/** The alignment of a sequence with itself. */
function identity({ length }: string): Alignment {
  return {
    toChain: Int32Array.from({ length }, (_, i) => i),
    ...{ aligned: length, identical: length, score: Infinity },
  };
}

/** How well the two fit, and what did not align, in a sentence; of residues with coordinates. */
function describe(
  { id, residues }: { id: string; residues: string },
  { source, chains }: Structure,
  chain: Chain,
  { toChain }: Alignment,
): string[] {
  const parts: string[] = [];
  const partner = Array.from(toChain, (at) => at < 0 ? undefined : chain.residues[at]);
  const missing = partner.flatMap((residue, i) => residue?.alpha ? [] : [i + 1]);
  const aligned = residues.length - missing.length;
  const differing = partner.flatMap((residue, i) =>
    residue?.alpha && residue.letter !== residues[i]
      ? [`${residues[i]}${i + 1}${residue.letter}`]
      : []
  );
  const used = new Set(toChain);
  const extra = chain.residues.filter(({ alpha }, i) => alpha && !used.has(i));
  const extent = `chain ${chain.id} has ${aligned} of ${residues.length} residues ` +
    `(${percent(aligned / residues.length)})` +
    (aligned > 0 ? `, ${percent(1 - differing.length / aligned)} of these identical` : "");
  parts.push(
    `${missing.length} residues have no coordinates` +
      (missing.length > 0 ? ` (${spans(missing)})` : ""),
  );
  if (differing.length > 0) {
    parts.push(`${differing.length} letters differ (${few(differing)})`);
  }
  if (extra.length > 0) {
    const labels = extra.map(({ label }) => label);
    parts.push(`${extra.length} residues of the chain are not of the sequence (${few(labels)})`);
  }
  const choice = chains.length > 1 ? [`chain ${chain.id} of ${chains.length} fits best`] : [];
  return [`${id} and ${source}: ${[...choice, extent, ...parts].join("; ")}.`];
}

const percent = (share: number) => `${(100 * share).toFixed(share > 0.995 && share < 1 ? 1 : 0)} %`;

const few = (items: readonly string[]) =>
  items.slice(0, 6).join(", ") + (items.length > 6 ? ", …" : "");

/** 1,2,3,7 as 1-3, 7. */
export function spans(numbers: readonly number[]): string {
  const found: [number, number][] = [];
  for (const n of numbers) {
    const last = found.at(-1);
    if (last && last[1] === n - 1) last[1] = n;
    else found.push([n, n]);
  }
  return few(found.map(([a, b]) => a === b ? `${a}` : `${a}-${b}`));
}
