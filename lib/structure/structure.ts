/** Protein structures from PDB, mmCIF and BinaryCIF files. */
import { showAs } from "../display.ts";
import { quote, UserError } from "../errors.ts";
import { inputName, readInput } from "../io/input.ts";
import { textOf } from "../io/text.ts";
import { type AtomChain, type AtomResidue, chainsOf, type Point } from "./atoms.ts";
import { isBinaryCif, parseBinaryCif } from "./bcif.ts";
import {
  type Chain,
  chainText,
  type Structure,
  type StructureResidue,
  structureText,
} from "./chain.ts";
import { type CifBlock, CifError, parseCif } from "./cif.ts";
import { isCap, letterOf, type Parents } from "./letters.ts";
import { CATEGORIES, checkCifEnd, readCif } from "./mmcif.ts";
import { computedSecondary } from "./molecules.ts";
import { isPdb, parsePdb, PdbError, pdbText } from "./pdb.ts";
import { secondaryFromRecords, secondaryFromTables, secondaryOf } from "./secondary.ts";
import type { SecondarySpan } from "./secondary.ts";
import { aligned, type Placed, placed } from "./sequence.ts";

export type { Point };
export {
  type Chain,
  chainLetters,
  chainName,
  chainOf,
  resolvedCount,
  type Structure,
  type StructureResidue,
} from "./chain.ts";

/** Which residues are read. */
export interface StructureOptions {
  /** Leave out residues that have no coordinates. @default false */
  resolvedOnly?: boolean;
}

const MUST =
  "a structure must be a PDB file (ATOM records) or an mmCIF or BinaryCIF file (_atom_site)";

/**
 * Reads a PDB, mmCIF or BinaryCIF file, gzipped or not.
 *
 * @throws {UserError} if the file holds no protein that can be read
 */
export async function readStructure(
  path: string,
  options: StructureOptions = {},
): Promise<Structure> {
  const must = MUST.replace("a structure must be ", "");
  const bytes = await readInput(path, { must }), notes: string[] = [];
  const text = isBinaryCif(bytes) ? bytes : textOf(bytes, path, { must, notes });
  const structure = await structureOf(text, inputName(path), options);
  structure.notes.unshift(...notes);
  return structure;
}

/** What the formats have in common. */
interface Read {
  format: Structure["format"];
  chains: { chain: AtomChain; sequence?: Placed[]; isLost: boolean }[];
  from: NonNullable<Chain["sequence"]>;
  spans: SecondarySpan[];
  parents: Parents;
  models: number;
}

/**
 * Reads the first model of a PDB, mmCIF or BinaryCIF file. Residues of a chain are those of its sequence
 * (SEQRES, `_entity_poly_seq`) where the file has it, else those with a Cα; what is no amino acid of a
 * chain is left out, as ligands and nucleic acids.
 *
 * @throws {UserError} if it holds no protein that can be read, or is cut off
 */
export async function structureOf(
  contents: string | Uint8Array,
  source: string,
  { resolvedOnly = false }: StructureOptions = {},
): Promise<Structure> {
  const fail = (requirement: string): never => {
    throw new UserError(`Cannot read ${quote(source, 200)} as ${requirement}`);
  };
  let read: Read;
  try {
    if (typeof contents !== "string") {
      read = fromCif(parseBinaryCif(contents, CATEGORIES), "bcif");
    } else if (/^\s*_atom_site\./im.test(contents)) {
      read = fromCif(parseCif(contents, CATEGORIES), "cif");
      checkCifEnd(contents);
    } else if (isPdb(contents)) {
      read = fromPdb(contents);
    } else {
      const value = contents.trim() === ""
        ? "an empty file"
        : quote(contents.trim().split("\n")[0]);
      fail(`${MUST}: current value is ${value}`);
    }
  } catch (error) {
    if (error instanceof CifError || error instanceof PdbError) fail(error.message);
    throw error;
  }
  const { format, parents, spans, models, from } = read!;
  const stated = soleName(
    read!.chains.map(({ chain }) => chain.name),
    spans.map(({ chain }) => chain),
  );
  const notes: string[] = [], copies: string[] = [];
  const chains = read!.chains.map(({ chain, sequence, isLost }): Chain => {
    const { name, copy, residues } = chain;
    const id = `${name || "(blank)"}${copy > 1 ? `_${copy}` : ""}`;
    const monomers = (sequence ?? residues.map((residue): Placed => ({ ...residue, residue })))
      .filter((monomer) => !isCap(monomer.name));
    if (isLost) {
      notes.push(`${source}: ${from} of chain ${id} does not fit its atoms; it is left out.`);
    }
    if (copy > 1) copies.push(id);
    const made = monomers.flatMap((monomer) => residuesOf(monomer, parents));
    secondaryOf(spans, stated(chain.name), made).forEach((kind, i) => made[i].secondary = kind);
    return showAs<Chain>({
      ...{ id, name, residues: resolvedOnly ? made.filter(({ alpha }) => alpha) : made },
      ...(sequence && !resolvedOnly && { sequence: from }),
    }, { text: chainText });
  });
  if (chains.length === 0) fail("it must hold a protein with Cα atoms: current value is none");
  if (copies.length > 0) {
    const names = copies.slice(0, 6).join(", ") + (copies.length > 6 ? ", …" : "");
    notes.push(
      `${source}: chains that have the name of an earlier one are numbered: ${names} ` +
        `(${copies.length}).`,
    );
  }
  if (models > 1) notes.push(`${source}: the first of ${models} models is taken.`);
  if (spans.length === 0) {
    for (const { residues } of chains) {
      (await computedSecondary(residues)).forEach((kind, i) => residues[i].secondary = kind);
    }
  }
  return showAs<Structure>({
    ...{ source, format, chains, notes },
    secondary: spans.length > 0 ? "stated" : "computed",
  }, { text: structureText });
}

/** Residues of one place; a chromophore stands for three, and all have its place. */
function residuesOf(
  { name, number, insertion = "", residue }: Placed,
  parents: Parents,
): StructureResidue[] {
  const of: Omit<AtomResidue, "atoms" | "isHetero" | "isAfterEnd"> | undefined = residue;
  const at = of?.number ?? number ?? NaN;
  const alpha = residue?.atoms.get("CA") ?? residue?.atoms.get("CA1");
  const beta = residue?.atoms.get("CB");
  const backbone = Object.fromEntries(
    (["N", "C", "O"] as const).flatMap((atom) => {
      const point = residue?.atoms.get(atom);
      return point ? [[atom, point]] : [];
    }),
  );
  return [...letterOf(of?.name ?? name, parents)].map((letter) => ({
    letter,
    label: Number.isNaN(at) ? "" : `${at}${of?.insertion ?? insertion}`,
    number: at,
    name: of?.name ?? name,
    secondary: "-",
    ...(alpha && { alpha }),
    ...(beta && { beta }),
    backbone,
  }));
}

function fromCif(block: CifBlock, format: "cif" | "bcif"): Read {
  const { atoms, sequenceOf, parents, models } = readCif(block);
  return {
    ...{ format, parents, models, spans: secondaryFromTables(block), from: "_entity_poly_seq" },
    chains: chainsOf(atoms, (name) => parents.has(name.toUpperCase())).map((chain) => {
      const all = sequenceOf(chain.segment);
      const sequence = all && chain.residues.every(({ place }) => place !== undefined)
        ? placed(all, chain.residues)
        : undefined;
      return { chain, sequence, isLost: all !== undefined && !sequence };
    }),
  };
}

function fromPdb(written: string): Read {
  const text = pdbText(written);
  const { atoms, sequences, missing, parents, models } = parsePdb(text);
  // A free amino acid has a standard name, which says nothing.
  const isModified = (name: string, chain: string) =>
    parents.has(name.toUpperCase()) ||
    !STANDARD.has(name) && (sequences.get(chain)?.includes(name) ?? false);
  const chains = chainsOf(atoms, isModified);
  const stated = soleName(chains.map(({ name }) => name), sequences.keys());
  return {
    ...{ format: "pdb", parents, models, spans: secondaryFromRecords(text), from: "SEQRES" },
    chains: chains.map((chain) => {
      const name = stated(chain.name), all = sequences.get(name)?.filter((each) => !isCap(each));
      const sequence = all && aligned(all, chain.residues, missing.get(name) ?? [], parents);
      return { chain, sequence, isLost: all !== undefined && !sequence };
    }),
  };
}

/**
 * The name that other records have for a chain: its own, or where there is one chain here and one there
 * the other's. Programs rename or blank chains in the atoms alone.
 */
function soleName(chains: readonly string[], others: Iterable<string>): (name: string) => string {
  const here = new Set(chains), there = new Set(others);
  return here.size === 1 && there.size === 1 ? () => [...there][0] : (name) => name;
}

const STANDARD = new Set(
  "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split(" "),
);
