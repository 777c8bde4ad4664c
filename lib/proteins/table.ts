/** Tables with one protein a row; every command reads its own through here, by the same rules. */
import { dirname, isAbsolute, join } from "node:path";
import { integer } from "../cli/parsers.ts";
import { quote, UserError } from "../errors.ts";
import type { Sequence } from "../esm2/mod.ts";
import { parseTable } from "../io/csv.ts";
import { readText } from "../io/text.ts";
import { type GapChoice, ungapped } from "./gaps.ts";
import { contradict, openRecords } from "./read.ts";

/** What a column holds: gets a field's text, and what reads it. */
export interface TableColumn<T> {
  /** @param folder of the table @param place to name in messages */
  read(text: string, folder: string, place: string): T;
  required?: boolean;
}

/** A text as it is. */
export const text: TableColumn<string> = { read: (value) => value };

/** A text that every table must have a column for. */
export const needed: TableColumn<string> = { ...text, required: true };

/** A file; a relative name starts at the table's folder. */
export const path: TableColumn<string> = { read: within };

/** A file of that folder where there is one of the name, else the text itself. */
export const textOrPath: TableColumn<string> = {
  read: (value, folder) => isFile(within(value, folder)) ? within(value, folder) : value,
};

/** A residue's number. */
export const residue: TableColumn<number> = {
  read: (value, _, place) => integer({ min: -100_000, max: 1_000_000 })(value, place),
};

/** Columns that a command knows, by name. */
export type TableColumns = Readonly<Record<string, TableColumn<unknown>>>;

/** What rows have under the names of columns; nothing where a field is empty. */
export type RowValues<C extends TableColumns> = {
  [K in keyof C]?: C[K] extends TableColumn<infer T> ? T : never;
};

export interface TableRow<C extends TableColumns> {
  line: number;
  /** `FILE line N`, for messages. */
  place: string;
  /** A field is read when it is asked for: two columns of a name matter only then. */
  get<K extends keyof C>(name: K): RowValues<C>[K];
}

/**
 * Reads a table of proteins; columns without a name are left out.
 *
 * @throws {UserError} for a column that is not known, naming the nearest, a table without rows, or what
 *   {@linkcode parseTable} finds wrong
 */
export async function readTable<C extends TableColumns>(
  source: string,
  columns: C,
  notes: string[],
): Promise<TableRow<C>[]> {
  const known = Object.keys(columns), folder = dirname(source);
  const required = known.filter((name) => columns[name].required);
  const contents = await readText(source, { notes });
  const { rows } = parseTable(contents, source, { known, required });
  if (rows.length === 0) {
    throw new UserError(
      `Cannot read ${quote(source)} as it must have a row per protein: current count is 0`,
    );
  }
  return rows.map(({ line, fields }) => {
    const place = `${source} line ${line}`;
    return {
      line,
      place,
      get<K extends keyof C & string>(name: K) {
        const value = fields[name];
        if (value === undefined || value === "") return undefined;
        return columns[name].read(value, folder, `${name} of ${place}`) as RowValues<C>[K];
      },
    } as TableRow<C>;
  });
}

/** Columns by which a row says its protein: its sequence, or a record of `--fasta` by `fasta_id` or `id`. */
export const proteinColumns = { id: needed, sequence: text, fasta_id: text } as const;

/** Columns by which a row names a structure of its protein, and the chain of it. */
export const structureColumns = { structure: path, chain: text } as const;

/**
 * Rows with the protein of each, as {@linkcode proteinColumns} tell it; undefined where they do not.
 *
 * @throws {UserError} as {@linkcode readTable}, and for an id that is empty or there twice
 */
export async function readProteinTable<C extends TableColumns>(
  source: string,
  columns: C & typeof proteinColumns,
  { fasta, gaps }: { fasta?: string; gaps?: GapChoice },
  notes: string[],
): Promise<{ id: string; row: TableRow<C>; protein?: Sequence }[]> {
  const rows = await readTable<C & typeof proteinColumns>(source, columns, notes);
  const records = fasta === undefined ? undefined : await openRecords(fasta, notes);
  const lines = new Map<string, number>(), known = Object.keys(columns);
  const found: { id: string; row: TableRow<C>; protein?: Sequence }[] = [];
  for (const row of rows) {
    const { line, place } = row;
    const own = row as TableRow<typeof proteinColumns>;
    const id = own.get("id");
    if (id === undefined) throw new UserError(`Cannot read ${place} as the id must not be empty`);
    if (lines.has(id)) {
      throw new UserError(
        `Cannot read ${place} as ids must differ (line ${lines.get(id)} has the same): ` +
          `current value is ${quote(id)}`,
      );
    }
    lines.set(id, line);
    const named = () => records?.get(own.get("fasta_id") ?? id)?.sequence;
    const residues = own.get("sequence") ?? await atRow(place, known, named);
    found.push({
      id,
      row: row as unknown as TableRow<C>,
      ...(residues !== undefined && { protein: ungapped({ id, residues }, notes, gaps) }),
    });
  }
  return found;
}

/** Says which row of a table what is wrong stands in, and speaks of the columns that stand for options. */
export async function atRow<T>(
  place: string | undefined,
  columns: readonly string[],
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const isSaid = !(error instanceof UserError) || place === undefined ||
      error.message.includes(place);
    if (isSaid) throw error;
    const options = new RegExp(`--(${columns.join("|")})\\b(?!-)`, "g");
    throw new UserError(`${error.message.replace(options, "column $1")} (${place})`);
  }
}

/** @throws {UserError} for an option that a table takes the place of */
export function refuseBeside(flags: object, names: readonly string[]): void {
  for (const name of names) {
    if ((flags as Record<string, unknown>)[name] === undefined) continue;
    contradict("--table", `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  }
}

/** Relative names start at the folder. */
function within(name: string, folder: string): string {
  return isAbsolute(name) ? name : join(folder, name);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    // A list may be longer than a name can be.
    return false;
  }
}
