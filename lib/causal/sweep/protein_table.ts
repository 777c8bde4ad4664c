/** Several proteins of one run, each with its own mutations, from a table. */
import { dirname, isAbsolute, join } from "node:path";
import { integer } from "../../cli/parsers.ts";
import { quote, UserError } from "../../errors.ts";
import { parseTable } from "../../io/csv.ts";
import { readText } from "../../io/text.ts";
import type { InputFlags } from "../../variants/inputs.ts";

/** What a row may say, under the names of the options; paths count from the table's folder. */
const COLUMNS = ["assay", "fasta", "sequence", "id", "mutations", "offset", "reference"] as const;
const PATHS: readonly string[] = ["assay", "fasta", "reference"];

/** What of the options differs from protein to protein. */
export type ProteinFlags = Partial<Pick<InputFlags, typeof COLUMNS[number]>>;

/** A protein's own flags, and the row that they come from where a table has them. */
export interface ProteinRow {
  own: ProteinFlags;
  place?: string;
}

/**
 * Reads a table of proteins: a header with some of the columns assay, fasta, sequence, id, mutations,
 * offset and reference, which mean what the options of those names do.
 *
 * @throws {UserError} for another column, an empty row, or what the file's reading finds wrong
 */
async function readProteinTable(path: string): Promise<ProteinRow[]> {
  const { columns, rows } = parseTable(await readText(path), path);
  const wrong = columns.find((name) => !COLUMNS.some((known) => known === name));
  if (wrong !== undefined) {
    throw new UserError(
      `Cannot read ${quote(path)} as its columns must be among ${COLUMNS.join(", ")}: ` +
        `current value is ${quote(wrong)}`,
    );
  }
  if (rows.length === 0) {
    throw new UserError(
      `Cannot read ${quote(path)} as it must have a row per protein: current count is 0`,
    );
  }
  return rows.map(({ line, fields }) => {
    const found: Record<string, string | number> = {};
    for (const [name, text] of Object.entries(fields)) {
      if (text === "") continue;
      found[name] = name === "offset"
        ? integer({ min: -100_000, max: 1_000_000 })(text, `offset of ${path} line ${line}`)
        : !isAbsolute(text) && (PATHS.includes(name) ||
            // A file of mutations, or these themselves.
            name === "mutations" && isFile(join(dirname(path), text)))
        ? join(dirname(path), text)
        : text;
    }
    return { own: found, place: `${path} line ${line}` };
  });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // A list may be longer than a name can be.
    return false;
  }
}

/** Says which row of the table what is wrong stands in, and speaks of its columns. */
export async function atRow<T>(place: string | undefined, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (place === undefined || !(error instanceof UserError)) throw error;
    const named = error.message.replace(
      new RegExp(`--(${REPLACED.join("|")})\\b(?!-)`, "g"),
      "column $1",
    );
    throw new UserError(`${named} (${place})`);
  }
}

/** Options that a table takes the place of. */
const REPLACED = ["assay", "fasta", "sequence", "id", "mutations", "reference"] as const;

/** What each protein of a run has of its own: from the table, or one per `--assay`. */
export async function proteinsOf(
  flags: Omit<ProteinFlags, "assay"> & { assay: readonly string[]; table?: string },
): Promise<ProteinRow[]> {
  const { table, assay } = flags;
  if (table === undefined) {
    return assay.length > 0 ? assay.map((assay) => ({ own: { assay } })) : [{ own: {} }];
  }
  const given = REPLACED.find((name) => flags[name] !== undefined && flags[name]?.length !== 0);
  if (given !== undefined) {
    throw new UserError(
      `Cannot use --table and --${given} together as the table has a column ${given}`,
    );
  }
  return await readProteinTable(table);
}
