/** Structures that `--structure` and tables name, for results to be drawn on. */
import { option } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import { displayLetters, type Sequence } from "../esm2/mod.ts";
import { fitChain, type FitOptions } from "../structure/fit.ts";
import { type Shape, shapeOf } from "../structure/shape.ts";
import { readStructure, type Structure } from "../structure/structure.ts";

/** Which structure, and which chain of it. */
export interface StructureFlags {
  structure?: string;
  chain?: string;
}

/** The options. @param purpose what the structure is for */
export const structureOptions = (purpose: string) => ({
  structure: option({
    placeholder: "file",
    parse: parse.path,
    description: `PDB, mmCIF or BinaryCIF file ${purpose}`,
    group: "Input",
  }),
  chain: option({
    placeholder: "name",
    parse: parse.text,
    description: "chain of --structure",
    defaultText: "the one that fits best",
    group: "Input",
  }),
});

/** @throws {UserError} for a chain of no structure */
export function checkStructureFlags({ structure, chain }: StructureFlags): void {
  if (chain !== undefined && structure === undefined) {
    throw new UserError("Cannot use --chain as --structure must be given with it");
  }
}

/**
 * The structure of a protein as pages draw it; undefined where none is named.
 *
 * @throws {UserError} for a file that is none, and where no chain fits the sequence
 */
export async function readShape(
  flags: StructureFlags,
  { id, residues }: Sequence,
  notes: string[],
): Promise<Shape | undefined> {
  checkStructureFlags(flags);
  if (flags.structure === undefined) return undefined;
  const structure = await readStructure(flags.structure);
  notes.push(...structure.notes);
  return shapeFor({ id, residues }, structure, flags, notes);
}

/** The same of a structure that has been read. @throws {UserError} where no chain fits the sequence */
export function shapeFor(
  { id, residues }: Sequence,
  structure: Structure,
  options: FitOptions,
  notes: string[],
): Shape {
  const letters = displayLetters(residues);
  const { chain, toChain, notes: own } = fitChain({ id, residues: letters }, structure, options);
  notes.push(...own);
  return shapeOf(structure.source, chain, toChain);
}
