/** Atoms as PDB and mmCIF files both give them, and the amino acids that they make. */
import { hasLetter } from "./letters.ts";

/** A place, Å. */
export type Point = readonly [x: number, y: number, z: number];

/** One atom of the first model. */
export interface Atom {
  /** The chain's name as the file has it; it may be blank. */
  chain: string;
  /** Tells apart chains that share a name: label_asym_id, or the stretch between two TER records. */
  segment: string;
  /** Three-letter name of the residue. */
  name: string;
  /** The authors' number. */
  number: number;
  /** Insertion code, or "". */
  insertion: string;
  /** Place in the chain's sequence (label_seq_id), from 1, where the file says it. */
  place?: number;
  atom: string;
  /** Alternate location, or "". */
  alternate: string;
  occupancy: number;
  point: Point;
  /** Whether the record says that it is no standard residue. */
  isHetero: boolean;
  /** Whether the chain had ended before (TER). */
  isAfterEnd: boolean;
}

/** An amino acid that has coordinates. */
export interface AtomResidue
  extends Pick<Atom, "name" | "number" | "insertion" | "place" | "isHetero" | "isAfterEnd"> {
  /** Backbone atoms and Cβ by name. */
  atoms: ReadonlyMap<string, Point>;
}

/** Amino acids that follow one another under one name. */
export interface AtomChain {
  /** The name in the file. */
  name: string;
  segment: string;
  /** 1, or which copy of a name that the file gives several chains. */
  copy: number;
  residues: AtomResidue[];
}

/** What is kept of a residue; a chromophore has the second name of Cα. */
const KEPT = new Set(["N", "CA", "C", "O", "CB", "CA1"]);

/** Water is left out at once: where there is much of it, its numbers begin again. */
const WATER = new Set(["HOH", "WAT", "DOD", "H2O", "SOL", "TIP", "TIP3", "TIP4", "TP3", "SPC"]);

/** Whether an atom can matter to a protein's backbone. */
export const isKept = (atom: string, residue: string): boolean =>
  KEPT.has(atom) && !WATER.has(residue);

type Group = Omit<AtomResidue, "atoms"> & {
  chain: string;
  segment: string;
  conformers: Map<string, { occupancy: number; count: number; atoms: Map<string, Point> }>;
};

/**
 * The amino acids of a file in its order. Of alternate locations that of the highest occupancy is
 * taken, the first of equal ones. A residue that comes again begins another copy of its chain.
 *
 * @param isModified whether the file says of a residue's name that it is a modified amino acid
 */
export function chainsOf(
  atoms: Iterable<Atom>,
  isModified: (name: string, chain: string) => boolean,
): AtomChain[] {
  const groups = groupsOf(atoms).filter((group) => isAminoAcid(group));
  const chains: AtomChain[] = [];
  const open = new Map<string, { chain: AtomChain; last: Map<string, Group[]> }>();
  for (const [at, group] of groups.entries()) {
    if (group.isHetero && !isPolymer(groups, at, isModified)) continue;
    const key = `${group.number}${group.insertion}`, name = JSON.stringify(nameOf(group));
    let own = open.get(name);
    const before = own?.last.get(key);
    if (!own || before && !areAlternates(before, group)) {
      const copy = chains.filter((chain) => chain.name === group.chain).length + 1;
      const chain = { name: group.chain, segment: group.segment, copy, residues: [] };
      chains.push(chain);
      open.set(name, own = { chain, last: new Map() });
    }
    const among = own.last.get(key) ?? [];
    own.last.set(key, [...among, group]);
    if (among.length === 0) own.chain.residues.push(residueOf(group));
    else {
      const place = own.chain.residues.findLastIndex((r) => `${r.number}${r.insertion}` === key);
      // Another amino acid at the same place.
      if (occupancyOf(group) > Math.max(...among.map(occupancyOf))) {
        own.chain.residues[place] = residueOf(group);
      }
    }
  }
  return chains;
}

/** Chains of mmCIF files are those of label_asym_id, whatever the authors call them. */
const nameOf = ({ chain, segment, place }: Group) =>
  place === undefined ? [chain] : [chain, segment];

function groupsOf(atoms: Iterable<Atom>): Group[] {
  const groups: Group[] = [];
  let last: Group | undefined;
  for (const { atom, alternate, occupancy, point, ...of } of atoms) {
    const isSame = last && last.number === of.number && last.insertion === of.insertion &&
      last.name === of.name && last.chain === of.chain && last.segment === of.segment &&
      !last.conformers.get(alternate)?.atoms.has(atom);
    if (!isSame) groups.push(last = { ...of, conformers: new Map() });
    const conformer = last!.conformers.get(alternate) ??
      { occupancy: 0, count: 0, atoms: new Map() };
    last!.conformers.set(alternate, conformer);
    conformer.occupancy += occupancy;
    conformer.count++;
    conformer.atoms.set(atom, point);
  }
  return groups;
}

/** Ions and ligands have atoms of these names too. */
function isAminoAcid({ name, conformers }: Group): boolean {
  const has = (atom: string) => [...conformers.values()].some(({ atoms }) => atoms.has(atom));
  return (has("CA") || has("CA1")) && (hasLetter(name) || has("N") && has("C"));
}

/** Whether an amino acid that is no standard one is of the chain, and no ligand beside it. */
function isPolymer(
  groups: readonly Group[],
  at: number,
  isModified: (name: string, chain: string) => boolean,
): boolean {
  const group = groups[at], { chain, name, isAfterEnd, place } = group;
  if (place !== undefined) return true;
  if (isAfterEnd) return false;
  if (isModified(name, chain)) return true;
  const isOwn = (other: Group | undefined) => other?.chain === chain && !other.isAfterEnd;
  for (let next = at + 1; isOwn(groups[next]); next++) if (!groups[next].isHetero) return true;
  const before = groups[at - 1], after = groups[at + 1];
  return isOwn(before) && isBonded(before, group) || isOwn(after) && isBonded(group, after);
}

/** Length of a peptide bond, with room for a coarse model, Å. */
const LONGEST_BOND = 2.5;

function isBonded(before: Group, after: Group): boolean {
  const c = atomsOf(before).get("C"), n = atomsOf(after).get("N");
  return c !== undefined && n !== undefined &&
    Math.hypot(c[0] - n[0], c[1] - n[1], c[2] - n[2]) < LONGEST_BOND;
}

/** Whether groups of one number are one residue, and not that of another copy. */
function areAlternates(before: readonly Group[], group: Group): boolean {
  return before.every((other) => {
    // Another amino acid is an alternate where its atoms say so.
    if (other.name !== group.name) return [...group.conformers.keys()].some((each) => each !== "");
    return [...group.conformers].every(([alternate, { atoms }]) => {
      const same = other.conformers.get(alternate);
      return !same || [...atoms.keys()].every((atom) => !same.atoms.has(atom));
    });
  });
}

/** Alternate locations by falling occupancy; what has none is first. */
function conformersOf({ conformers }: Group) {
  const mean = (c: { occupancy: number; count: number }) => c.occupancy / c.count;
  return [...conformers].sort(([a, one], [b, other]) =>
    a === "" || b === "" ? Number(a !== "") - Number(b !== "") : mean(other) - mean(one)
  );
}

function atomsOf(group: Group): Map<string, Point> {
  const found = new Map<string, Point>();
  for (const [, { atoms }] of conformersOf(group)) {
    for (const [atom, point] of atoms) if (!found.has(atom)) found.set(atom, point);
  }
  return found;
}

function occupancyOf(group: Group): number {
  return Math.max(...[...group.conformers.values()].map((c) => c.occupancy / c.count));
}

function residueOf(group: Group): AtomResidue {
  const { name, number, insertion, place, isHetero, isAfterEnd } = group;
  return { name, number, insertion, place, isHetero, isAfterEnd, atoms: atomsOf(group) };
}
