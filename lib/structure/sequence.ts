/** Which residues of a chain's sequence have coordinates. */
import { alignLetters } from "./align.ts";
import type { AtomResidue } from "./atoms.ts";
import { letterOf, type Parents } from "./letters.ts";
import type { Monomer } from "./mmcif.ts";

/** A residue of the sequence, with its atoms where the file has them. */
export interface Placed extends Monomer {
  residue?: AtomResidue;
}

/** Share of the residues with coordinates that must be those of the sequence. */
const LEAST_IDENTITY = 0.9;

/** Two gaps are likelier than another letter: the chain is that of the sequence. */
const MISMATCH = -25;

/** One letter each, so that places stay places. */
const lettersOf = (monomers: readonly { name: string }[], parents: Parents) =>
  monomers.map(({ name }) => {
    const letters = letterOf(name, parents);
    return letters.length === 1 ? letters : "X";
  }).join("");

/**
 * Residues at the places that the file gives them; undefined where sequence and residues do not fit.
 */
export function placed(
  sequence: readonly Monomer[],
  residues: readonly AtomResidue[],
): Placed[] | undefined {
  const all: Placed[] = sequence.map((monomer) => ({ ...monomer }));
  let same = 0;
  for (const residue of residues) {
    const own = all[(residue.place ?? 0) - 1];
    if (!own || own.residue) return undefined;
    if (own.name === residue.name) same++;
    own.residue = residue;
  }
  return same >= LEAST_IDENTITY * residues.length ? all : undefined;
}

/**
 * Places of a PDB file's residues in its SEQRES: exact where those of REMARK 465 are the others, else by
 * an alignment whose gaps are where numbers jump. Undefined where the two do not fit.
 */
export function aligned(
  sequence: readonly string[],
  residues: readonly AtomResidue[],
  missing: readonly Pick<AtomResidue, "name" | "number" | "insertion">[],
  parents: Parents,
): Placed[] | undefined {
  const merged = merge(residues, missing);
  if (
    merged.length === sequence.length && merged.every(({ name }, i) => name === sequence[i])
  ) return merged;
  const letters = lettersOf(sequence.map((name) => ({ name })), parents);
  const jumps = residues.map(({ number }, i) =>
    i > 0 && number !== residues[i - 1].number && number !== residues[i - 1].number + 1
  );
  const { toChain, aligned, identical } = alignLetters(
    letters,
    lettersOf(residues, parents),
    (j) => jumps[j] ?? false,
    MISMATCH,
  );
  const unknown = [...toChain].filter((at, i) => at >= 0 && letters[i] === "X").length;
  if (aligned < residues.length || identical + unknown < LEAST_IDENTITY * aligned) return undefined;
  return sequence.map((name, i) =>
    toChain[i] < 0 ? { name } : { name, residue: residues[toChain[i]] }
  );
}

/** Both lists in the order of their numbers, as far as each has one. */
function merge(
  residues: readonly AtomResidue[],
  missing: readonly Pick<AtomResidue, "name" | "number" | "insertion">[],
): Placed[] {
  const all: Placed[] = [];
  let next = 0;
  const isBefore = (a: Pick<AtomResidue, "number" | "insertion">, b: typeof a) =>
    a.number < b.number || a.number === b.number && a.insertion < b.insertion;
  for (const residue of residues) {
    while (next < missing.length && isBefore(missing[next], residue)) all.push(missing[next++]);
    const { name, number, insertion } = residue;
    all.push({ name, number, insertion, residue });
  }
  return [...all, ...missing.slice(next)];
}
