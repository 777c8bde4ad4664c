/** From files and flags to proteins with true contacts. */
import { examples } from "../../data/examples.ts";
import { quote, UserError } from "../errors.ts";
import { displayLetters, tokenize } from "../esm2/mod.ts";
import { contradict, exampleNote, type ProteinFlags, readProteins } from "../proteins/read.ts";
import { checkStructureFlags, type StructureFlags } from "../proteins/structure.ts";
import * as column from "../proteins/table.ts";
import { nameOfFile, ownChain } from "../structure/fit.ts";
import { chainLetters, readStructure } from "../structure/structure.ts";
import { readTruth } from "./truth_file.ts";
import { type CONTACT_ATOMS, truthFromStructure } from "./truth.ts";
import type { ContactInput } from "./types.ts";

export interface ContactFlags extends ProteinFlags, StructureFlags {
  truth?: string;
  table?: string;
  msa?: string;
  resolvedOnly?: boolean;
  contactAtoms: typeof CONTACT_ATOMS[number];
  cutoff: number;
}

export interface Inputs {
  proteins: (ContactInput & { msa?: string })[];
  /** What a reader of the results should know of the inputs. */
  notes: string[];
}

/** Where one protein comes from. */
interface Source {
  id: string;
  residues?: string;
  structure?: string;
  chain?: string;
  truth?: string;
  msa?: string;
  /** The row of a table that it is in. */
  place?: string;
}

/** What a table's row may say. */
const COLUMNS = {
  ...{ ...column.proteinColumns, ...column.structureColumns },
  ...{ truth: column.path, msa: column.path },
} as const;

/**
 * Proteins of a table, of a FASTA file, one sequence, the chain of a structure, or the A2A example.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function readInputs(flags: ContactFlags): Promise<Inputs> {
  const notes: string[] = [];
  const sources = flags.table !== undefined
    ? await fromTable(flags.table, flags, notes)
    : await fromFlags(flags, notes);
  const proteins: Inputs["proteins"] = [];
  for (const source of sources) {
    const read = () => complete(source, flags, notes);
    proteins.push(await column.atRow(source.place, Object.keys(COLUMNS), read));
  }
  return { proteins, notes };
}

async function fromFlags(flags: ContactFlags, notes: string[]): Promise<Source[]> {
  const { id, structure, chain, truth, msa } = flags;
  if (structure !== undefined && truth !== undefined) contradict("--structure", "--truth");
  checkStructureFlags(flags);
  const common = { structure, chain, truth, msa };
  const proteins = await readProteins(flags, notes);
  if (proteins) {
    const [, single] = Object.entries({ structure, truth, msa }).find(([, value]) => value) ?? [];
    if (proteins.length > 1 && single !== undefined) {
      throw new UserError(
        `Cannot use ${quote(single, 200)} for ${proteins.length} sequences as it belongs to one: ` +
          `choose it with --id, or give every protein its own in a --table`,
      );
    }
    return proteins.map((protein) => ({ ...protein, ...common }));
  }
  if (structure !== undefined) return [{ id: id ?? nameOfFile(structure), ...common }];
  if (id !== undefined) {
    throw new UserError(
      "Cannot use --id as --fasta, --sequence or --structure must be given with it",
    );
  }
  const { a2a } = examples;
  notes.push(exampleNote(a2a));
  return [{ id: a2a.id, residues: a2a.residues, ...common }];
}

async function fromTable(
  path: string,
  flags: ContactFlags,
  notes: string[],
): Promise<Source[]> {
  column.refuseBeside(flags, ["sequence", "id", "structure", "chain", "truth", "msa"]);
  const rows = await column.readProteinTable(path, COLUMNS, flags, notes);
  return rows.map(({ id, row, protein }) => {
    const source = {
      id,
      place: row.place,
      residues: protein?.residues,
      structure: row.get("structure"),
      chain: row.get("chain"),
      truth: row.get("truth"),
      msa: row.get("msa"),
    };
    if (source.structure !== undefined && source.truth !== undefined) {
      throw new UserError(
        `Cannot read ${row.place} as only one of structure and truth may be given`,
      );
    }
    if (source.residues === undefined && source.structure === undefined) {
      throw new UserError(
        `Cannot read ${row.place} as it must have a sequence, a record of --fasta, or a ` +
          "structure: current value is none",
      );
    }
    return source;
  });
}

async function complete(
  source: Source,
  { contactAtoms, cutoff, resolvedOnly }: ContactFlags,
  notes: string[],
): Promise<Inputs["proteins"][number]> {
  const { id, msa } = source;
  let { chain } = source;
  const structure = source.structure === undefined
    ? undefined
    : await readStructure(source.structure, { resolvedOnly });
  if (structure) notes.push(...structure.notes);
  let { residues } = source;
  const isOwn = residues === undefined;
  if (residues === undefined) {
    const own = ownChain(id, structure!, { chain, canTrim: true }, notes);
    [chain, residues] = [own.id, chainLetters(own)];
  }
  tokenize({ id, residues }, { maxLength: Infinity });
  const letters = displayLetters(residues);
  const protein = { id, residues, ...(msa !== undefined && { msa }) };
  if (structure) {
    const options = { chain, atoms: contactAtoms, cutoff, isOwn };
    const made = truthFromStructure({ id, residues: letters }, structure, options);
    notes.push(...made.notes);
    return { ...protein, truth: made.truth };
  }
  if (source.truth === undefined) return protein;
  const options = { cutoff, notes };
  return { ...protein, truth: await readTruth(source.truth, { id, residues: letters }, options) };
}
