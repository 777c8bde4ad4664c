/** Which proteins to encode, and the structures of those that the page draws. */
import { sis1 } from "../../../data/sis1.ts";
import { UserError } from "../../errors.ts";
import type { Sequence } from "../../esm2/mod.ts";
import { openListed, openProteins, type Proteins, type StreamFlags } from "../../proteins/read.ts";
import {
  checkStructureFlags,
  readShape,
  shapeFor,
  type StructureFlags,
} from "../../proteins/structure.ts";
import * as column from "../../proteins/table.ts";
import { MOST_DRAWN } from "../../report/page.ts";
import { nameOfFile, ownChain } from "../../structure/fit.ts";
import type { Shape } from "../../structure/shape.ts";
import { chainLetters, readStructure } from "../../structure/structure.ts";

export interface InputFlags extends StreamFlags, StructureFlags {
  table?: string;
}

/** Proteins with structures. */
export interface EncodeInputs extends Proteins {
  /** By the protein's place, of those of the first {@linkcode MOST_DRAWN} that have one. */
  readonly shapes: ReadonlyMap<number, Shape>;
}

const COLUMNS = { ...column.proteinColumns, ...column.structureColumns } as const;

/**
 * The proteins of a table, a FASTA file, one sequence, a structure's chain, or the A2A example.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function openInputs(flags: InputFlags): Promise<EncodeInputs> {
  if (flags.table !== undefined) return await fromTable(flags.table, flags);
  const { structure, sequence, fasta, id } = flags;
  checkStructureFlags(flags);
  const notes: string[] = [], shapes = new Map<number, Shape>();
  if (structure !== undefined && (sequence ?? fasta) === undefined) {
    const own = await fromStructure(id ?? nameOfFile(structure), { ...flags, structure }, notes);
    const proteins = await openListed([own.protein], flags, notes);
    return { ...proteins, shapes: shapes.set(0, own.shape) };
  }
  const proteins = await openProteins(flags, sis1);
  if (structure === undefined) return { ...proteins, shapes };
  if (proteins.count > 1) {
    throw new UserError(
      `Cannot use --structure for ${proteins.count} sequences as it belongs to one: choose it ` +
        "with --id, or give every protein its own in a --table",
    );
  }
  for await (const protein of proteins.read()) {
    shapes.set(0, (await readShape(flags, protein, notes))!);
  }
  return { ...proteins, shapes, notes: [...proteins.notes, ...notes] };
}

async function fromTable(path: string, flags: InputFlags): Promise<EncodeInputs> {
  column.refuseBeside(flags, ["sequence", "id", "structure", "chain"]);
  const notes: string[] = [], shapes = new Map<number, Shape>(), proteins: Sequence[] = [];
  for (const { id, row, protein } of await column.readProteinTable(path, COLUMNS, flags, notes)) {
    await column.atRow(row.place, Object.keys(COLUMNS), async () => {
      const structure = row.get("structure"), chain = row.get("chain"), at = proteins.length;
      if (protein) {
        proteins.push(protein);
        // Structures of proteins that no page draws are not read.
        if (at >= MOST_DRAWN) return;
        const shape = await readShape({ structure, chain }, protein, notes);
        if (shape) shapes.set(at, shape);
        return;
      }
      if (structure === undefined) {
        throw new UserError(
          `Cannot read ${row.place} as it must have a sequence, a record of --fasta, or a ` +
            "structure: current value is none",
        );
      }
      const own = await fromStructure(id, { structure, chain }, notes);
      proteins.push(own.protein);
      if (at < MOST_DRAWN) shapes.set(at, own.shape);
    });
  }
  return { ...await openListed(proteins, flags, notes), shapes };
}

/** A protein that is the chain of a structure. */
async function fromStructure(
  id: string,
  { structure: path, chain }: StructureFlags & { structure: string },
  notes: string[],
): Promise<{ protein: Sequence; shape: Shape }> {
  const structure = await readStructure(path);
  notes.push(...structure.notes);
  const own = ownChain(id, structure, { chain }, notes);
  const protein = { id, residues: chainLetters(own) };
  const shape = shapeFor(protein, structure, { chain: own.id, isOwn: true }, notes);
  return { protein, shape };
}
