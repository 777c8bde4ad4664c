/** A table read row by row, so that memory does not grow with the file. */
import { quote, UserError } from "../errors.ts";
import { checkColumns, detectDelimiter, parseRecord, separatorLine } from "./csv.ts";
import { lines } from "./lines.ts";
import type { TextOptions } from "./text.ts";

/** A row of a table that is read as it goes. */
export interface StreamedRow {
  /** 1-based line where the row starts. */
  line: number;
  /** The row as the file has it, without its line end. */
  raw: string;
  /** Trimmed fields in column order. */
  fields: string[];
}

/** The header of a table and a way to read its rows, as often as needed. */
export interface StreamedTable {
  /** The file, for messages. */
  readonly source: string;
  /** The header row as the file has it, without its line end and byte order mark. */
  readonly header: string;
  /** Names of the header, in order. */
  readonly columns: readonly string[];
  /** What stands between cells. */
  readonly delimiter: string;
  /**
   * Reads from the top each time it is called.
   *
   * @throws {UserError} naming file and line for a row with too few or too many fields
   */
  rows(): AsyncGenerator<StreamedRow>;
}

/** Longest row; a quote that is never closed would otherwise swallow the whole file. */
const LONGEST_ROW = 1 << 20;

/**
 * Opens a table with a header row; comma, tab or semicolon is found from that row. Rows without any
 * value are skipped.
 *
 * @throws {UserError} if the file cannot be read as text, is empty, or lacks or doubles a column
 */
export async function openTable(
  path: string,
  { required = [], ...options }: { required?: string[] } & TextOptions = {},
): Promise<StreamedTable> {
  const begin = records(path, options);
  let first = await begin.next();
  const told = first.done ? undefined : separatorLine(first.value.raw);
  if (told !== undefined) first = await begin.next();
  await begin.return(undefined);
  if (first.done) {
    throw new UserError(
      `Cannot read ${
        quote(path)
      } as a table must have a header row: current value is an empty file`,
    );
  }
  const { raw: header, line } = first.value;
  const delimiter = told ?? detectDelimiter(header);
  const columns = parseRecord(header, delimiter, path, line);
  checkColumns(columns, required, line, path);
  return {
    source: path,
    header,
    columns,
    delimiter,
    async *rows() {
      for await (const record of records(path, options)) {
        if (record.line <= line) continue;
        const fields = parseRecord(record.raw, delimiter, path, record.line);
        if (fields.every((field) => field === "")) continue;
        if (fields.length !== columns.length) {
          throw new UserError(
            `Cannot read ${quote(path)} line ${record.line} as a row must have ${columns.length} ` +
              `fields, as the header has: current value is ${fields.length}`,
          );
        }
        yield { ...record, fields };
      }
    },
  };
}

/** Pieces between line ends outside quotes; blank ones are left out. */
async function* records(
  path: string,
  options: TextOptions,
): AsyncGenerator<{ raw: string; line: number }> {
  let line = 1, start = 1, raw = "", open = false;
  for await (const text of lines(path, options)) {
    if (raw === "" && !open) {
      start = line;
      raw = text;
    } else {
      raw += `\n${text}`;
    }
    line++;
    if (text.includes('"')) open = (raw.split('"').length - 1) % 2 === 1;
    if (raw.length > LONGEST_ROW) {
      throw new UserError(
        `Cannot read ${quote(path)} line ${start} as a row must be shorter than ${LONGEST_ROW} ` +
          "letters: a quote may not be closed",
      );
    }
    if (open) continue;
    if (raw.trim() !== "") yield { raw, line: start };
    raw = "";
  }
  if (raw.trim() !== "") yield { raw, line: start };
}
