/** A table of proteins read row by row, with what else it says of each. */
import { quote, UserError } from "../errors.ts";
import type { Sequence } from "../esm2/mod.ts";
import { columnAt } from "../io/csv.ts";
import { openTable } from "../io/csv_stream.ts";
import { checked, openRecords, type Proteins, type StreamFlags } from "./read.ts";
import { refuseBeside } from "./table.ts";

/** A protein and its row's own columns. */
export interface TableProtein extends Sequence {
  /** In the order of {@linkcode TableProteins.columns}. */
  readonly fields: readonly string[];
}

/** Proteins of a table. */
export interface TableProteins extends Proteins<TableProtein> {
  /** Names of the columns that do not say which protein it is. */
  readonly columns: readonly string[];
}

/** What says which protein a row is. */
const KNOWN: readonly string[] = ["id", "sequence", "fasta_id"];

/**
 * The proteins of a table with a protein a row: `id`, and `sequence` or a record of `--fasta` by `fasta_id`
 * or `id`. All other columns are the table's own.
 *
 * @throws {UserError} for flags that contradict each other and for anything wrong in the files
 */
export async function openProteinTable(path: string, flags: StreamFlags): Promise<TableProteins> {
  refuseBeside(flags, ["sequence", "id"]);
  const notes: string[] = [];
  const table = await openTable(path, { required: ["id"], notes });
  const records = flags.fasta === undefined ? undefined : await openRecords(flags.fasta, notes);
  const at = (name: string) => columnAt(table.columns, name, path);
  const [id, sequence, fastaId] = KNOWN.map(at);
  if (sequence < 0 && !records) {
    throw new UserError(
      `Cannot read ${
        quote(path)
      } as it must have a column sequence, or --fasta be given with it: ` +
        `current value is ${quote(table.columns.join(", "), 120)}`,
    );
  }
  const own = table.columns.map((name, i) => ({ name, i }))
    .filter(({ name }) => name !== "" && !KNOWN.includes(name));
  async function* read(): AsyncGenerator<TableProtein> {
    const lines = new Map<string, number>();
    for await (const { line, fields } of table.rows()) {
      const place = `${path} line ${line}`, name = fields[id];
      if (name === "") throw new UserError(`Cannot read ${place} as the id must not be empty`);
      const earlier = lines.get(name);
      if (earlier !== undefined) {
        throw new UserError(
          `Cannot read ${place} as ids must differ (line ${earlier} has the same): ` +
            `current value is ${quote(name)}`,
        );
      }
      lines.set(name, line);
      const residues = (sequence < 0 ? "" : fields[sequence]) ||
        records?.need((fastaId < 0 ? "" : fields[fastaId]) || name).sequence;
      if (!residues) {
        throw new UserError(
          `Cannot read ${place} as it must have a sequence or a record of --fasta: ` +
            "current value is none",
        );
      }
      yield { id: name, residues, fields: own.map(({ i }) => fields[i]) };
    }
  }
  const found = await checked(read, flags, notes);
  if (found.count === 0) {
    throw new UserError(
      `Cannot read ${quote(path)} as it must have a row per protein: current count is 0`,
    );
  }
  return { ...found, columns: own.map(({ name }) => name) };
}
