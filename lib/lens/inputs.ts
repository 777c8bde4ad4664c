/** Which proteins to look through, and which mutations of them. */
import { sis1 } from "../../data/sis1.ts";
import { quote, UserError } from "../errors.ts";
import { displayLetters, type Sequence } from "../esm2/mod.ts";
import { openListed, openProteins, type Proteins, type StreamFlags } from "../proteins/read.ts";
import * as column from "../proteins/table.ts";
import { type NamedSubstitutions, parseSubstitutions } from "../variants/substitutions.ts";

export interface InputFlags extends StreamFlags {
  table?: string;
  mutations?: string;
  offset: number;
}

/** Proteins with mutations. */
export interface LensInputs extends Proteins {
  /** By the protein's number, of those that have some. */
  readonly variants: ReadonlyMap<number, readonly NamedSubstitutions[]>;
}

const COLUMNS = { ...column.proteinColumns, mutations: column.text, offset: column.residue };

/**
 * The proteins of a table, a FASTA file, one sequence, or the J-domain of Sis1.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function openInputs(flags: InputFlags): Promise<LensInputs> {
  if (flags.table !== undefined) return await fromTable(flags.table, flags);
  const proteins = await openProteins(flags, sis1);
  const variants = new Map<number, readonly NamedSubstitutions[]>();
  const { mutations, offset } = flags;
  if (mutations === undefined) return { ...proteins, variants };
  if (proteins.count > 1) {
    throw new UserError(
      `Cannot use --mutations for ${proteins.count} proteins as it belongs to one: choose it with ` +
        "--id, or give every protein its own in a --table",
    );
  }
  for await (const protein of proteins.read()) {
    variants.set(0, variantsOf(mutations, protein, offset, "--mutations"));
  }
  return { ...proteins, variants };
}

const variantsOf = (text: string, { id, residues }: Sequence, offset: number, where: string) =>
  parseSubstitutions(text, { id, residues: displayLetters(residues), offset }, where);

async function fromTable(path: string, flags: InputFlags): Promise<LensInputs> {
  column.refuseBeside(flags, ["sequence", "id", "mutations"]);
  const notes: string[] = [], proteins: Sequence[] = [];
  const variants = new Map<number, readonly NamedSubstitutions[]>();
  for (const { id, row, protein } of await column.readProteinTable(path, COLUMNS, flags, notes)) {
    if (!protein) {
      throw new UserError(
        `Cannot read ${row.place} as it must have a sequence in column "sequence", or --fasta ` +
          `its record: current value is ${quote(row.get("fasta_id") ?? id)}`,
      );
    }
    const mutations = row.get("mutations"), offset = row.get("offset") ?? flags.offset;
    if (mutations !== undefined) {
      variants.set(proteins.length, variantsOf(mutations, protein, offset, row.place));
    }
    proteins.push(protein);
  }
  return { ...await openListed(proteins, flags, notes), variants };
}
