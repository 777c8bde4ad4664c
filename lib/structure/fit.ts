/** Which chain of a structure a sequence is, and which of its residues are which. */
import { quote, UserError } from "../errors.ts";
import { alignChain, type Alignment } from "./align.ts";
import { type Chain, chainLetters, chainOf, resolvedCount, type Structure } from "./chain.ts";

/** A chain that fits a sequence. */
export interface Fit {
  chain: Chain;
  /** For each residue of the sequence the index in the chain, or −1. */
  toChain: Int32Array;
  /** How well the two fit; none where the sequence is the chain's own. */
  notes: string[];
}

export interface FitOptions {
  /** Chain by the authors' name. @default the one that fits the sequence best */
  chain?: string;
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
 * The chain that fits a sequence.
 *
 * @param residues the sequence in display letters
 * @throws {UserError} if there is no such chain, or none fits the sequence
 */
export function fitChain(
  { id, residues }: { id: string; residues: string },
  structure: Structure,
  { chain: wanted, isOwn = false }: FitOptions = {},
): Fit {
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
  const notes = isOwn ? [] : describe({ id, residues }, structure, chain, alignment);
  return { chain, toChain, notes };
}

/** What is said of a chain that gives a protein its sequence. */
export interface OwnChainOptions {
  /** Chain by the authors' name. @default the longest */
  chain?: string;
  /** Whether residues without coordinates can be left out by `--resolved-only`. */
  canTrim?: boolean;
}

/**
 * The chain of a structure that gives the sequence: the one of a name, or the longest.
 *
 * @throws {UserError} if there is no such chain
 */
export function ownChain(
  id: string,
  structure: Structure,
  { chain: name, canTrim = false }: OwnChainOptions,
  notes: string[],
): Chain {
  const { chains, source } = structure;
  const longest = chains.reduce((a, b) =>
    (b.residues.length - a.residues.length || resolvedCount(b) - resolvedCount(a)) > 0 ? b : a
  );
  const chosen = name === undefined ? longest : chainOf(structure, name);
  const which = name === undefined && chains.length > 1 ? ", its longest" : "";
  const missing = chosen.residues.flatMap(({ alpha }, i) => alpha ? [] : [i + 1]);
  const extent = chosen.sequence === undefined
    ? "residues without coordinates are not in it, --fasta gives the whole sequence"
    : missing.length === 0
    ? "all its residues have coordinates"
    : `${missing.length} of its ${chosen.residues.length} residues have no coordinates ` +
      `(${spans(missing)})${canTrim ? ", --resolved-only leaves them out" : ""}`;
  notes.push(
    `${id}: the sequence is that of chain ${chosen.id} of ${source}${which}` +
      `${chosen.sequence === undefined ? "" : ` (${chosen.sequence})`}; ${extent}.`,
  );
  return chosen;
}

/** What a protein is called that has only the name of its structure's file. */
export function nameOfFile(path: string): string {
  const name = path.split(/[\\/]/).at(-1)!.replace(/\.gz$/i, "").replace(/\.[^.]*$/, "");
  return name === "" || name === "-" ? "structure" : name;
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

/** The first of many. */
export const few = (items: readonly string[]) =>
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
