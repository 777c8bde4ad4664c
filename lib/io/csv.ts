/** Comma-separated tables, read and written; the one place that names the CSV library. */
import { CsvError, parse } from "npm:csv-parse@7.0.3/sync";
import { stringify } from "npm:csv-stringify@6.9.0/sync";
import { nearest, quote, UserError } from "../errors.ts";

/** A cell of a table; null and undefined are empty. */
export type Cell = string | number | boolean | bigint | null | undefined;

/** A row of a table, and where it is. */
export interface TableRow {
  /** 1-based line of the file where the row starts. */
  line: number;
  /** Fields by column name, trimmed. */
  fields: Record<string, string>;
}

/** A table whose columns have names. */
export interface Table {
  /** Column names in file order. */
  columns: string[];
  /** Without the header, in order. */
  rows: TableRow[];
}

/**
 * Reads a table with a header row; comma, tab or semicolon is found from that row, or told by a line
 * `sep=;` before it. Columns of one name are of no consequence until one is asked for.
 *
 * @param source file name for error messages
 * @throws {UserError} naming file and line, for a column that is missing, doubled or not among `known`,
 *   or a ragged row
 */
export function parseTable(
  text: string,
  source: string,
  { required = [], known }: { required?: string[]; known?: string[] } = {},
): Table {
  const records = parseRecords(text, source);
  const header = records.shift();
  if (!header) {
    throw new UserError(
      `Cannot read ${
        quote(source)
      } as a table must have a header row: current value is an empty file`,
    );
  }
  const columns = header.record;
  if (known) checkKnown(columns, known, header.line, source);
  checkColumns(columns, required, header.line, source);
  const doubled = new Set(columns.filter((name, i) => columns.indexOf(name) !== i));
  const fieldsOf = (record: string[]) => {
    const fields: Record<string, string> = {};
    columns.forEach((name, i) => {
      if (!doubled.has(name)) fields[name] = record[i];
    });
    for (const name of doubled) {
      const get = () => refuseDoubled(name, source, header.line);
      Object.defineProperty(fields, name, { get, enumerable: true });
    }
    return fields;
  };
  const rows = records.map(({ record, line }) => {
    if (record.length !== columns.length) {
      throw new UserError(
        `Cannot read ${quote(source)} line ${line} as a row must have ${columns.length} fields, ` +
          `as the header has: current value is ${record.length}`,
      );
    }
    return { line, fields: fieldsOf(record) };
  });
  return { columns, rows };
}

/**
 * Writes rows in column order with numbers at full precision, for pandas and R alike.
 *
 * NaN is `NaN`, infinities are `inf` and `-inf`, null and undefined are empty. Lines end with \n.
 */
export function formatCsv(columns: string[], rows: Record<string, Cell>[]): string {
  return csvRows([columns, ...rows.map((row) => columns.map((name) => row[name]))]);
}

/** Lines of a table from its cells. */
export function csvRows(rows: readonly (readonly Cell[])[]): string {
  return stringify(rows.map((row) => row.map(csvValue)));
}

/** The text that {@linkcode formatCsv} writes for one value, before quoting. */
export function csvValue(value: Cell): string {
  if (value === null || value === undefined) return "";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

/** A text as a field of a row, in quotes where it needs them. */
export function csvField(text: string): string {
  return stringify([[text]]).slice(0, -1);
}

/** Trimmed fields of one row. @throws {UserError} if its quotes do not enclose whole fields */
export function parseRecord(
  raw: string,
  delimiter: string,
  source: string,
  line: number,
): string[] {
  // Plain rows, nearly all there are, need no parser.
  if (!raw.includes('"')) return raw.split(delimiter).map((field) => field.trim());
  try {
    return parse(raw, { delimiter, trim: true, relax_column_count: true })[0] as string[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UserError(
      `Cannot read ${quote(source)} line ${line} as quotes must enclose whole fields and be ` +
        `closed: current value is ${quote(error.message, 120)}`,
    );
  }
}

interface NumberedRecord {
  record: string[];
  line: number;
}

function parseRecords(text: string, source: string): NumberedRecord[] {
  // One kind of line end, since the library counts \r\n inside quotes as two lines.
  const whole = text.replace(/\r\n?/g, "\n"), first = whole.split("\n", 1)[0];
  const told = separatorLine(first);
  // Its line stays, so that lines keep their numbers.
  const unix = told === undefined ? whole : whole.slice(first.length);
  try {
    const parsed = parse(unix, {
      bom: true,
      delimiter: told ?? detectDelimiter(unix),
      info: true,
      raw: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
      trim: true,
    }) as unknown as { record: string[]; info: { lines: number }; raw: string }[];
    return parsed.map(({ record, info, raw }) => ({
      record,
      // `lines` counts to the end of the record, whose quoted fields may span several.
      line: info.lines - (raw.trim().match(/\n/g)?.length ?? 0),
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new UserError(
      `Cannot read ${quote(source)} as quotes must enclose whole fields and be closed: ` +
        `current value is ${quote(error.message, 120)}`,
    );
  }
}

/** The separator most frequent in the header row; quoted names may hold the others. */
export function detectDelimiter(text: string): string {
  const header = text.replace(/^\uFEFF/, "").trimStart().split("\n", 1)[0]
    .replace(/"[^"]*"/g, "");
  const count = (separator: string) => header.split(separator).length;
  return ["\t", ";"].reduce((best, each) => count(each) > count(best) ? each : best, ",");
}

/** The separator that a spreadsheet states in a line before the header: `sep=;`. */
export function separatorLine(line: string): string | undefined {
  return /^\uFEFF?"?sep=(.)"?\s*$/i.exec(line)?.[1];
}

/** Place of a column, −1 where there is none. @throws {UserError} if two columns have the name */
export function columnAt(columns: readonly string[], name: string, source: string): number {
  const at = columns.indexOf(name);
  if (columns.lastIndexOf(name) !== at) refuseDoubled(name, source);
  return at;
}

function refuseDoubled(name: string, source: string, line?: number): never {
  throw new UserError(
    `Cannot read ${quote(source)}${line === undefined ? "" : ` line ${line}`} as column names ` +
      `must differ: current value is two columns ${quote(name)}`,
  );
}

/** @throws {UserError} for a column that is not known, naming the nearest; one without a name may be there */
function checkKnown(columns: string[], known: string[], line: number, source: string): void {
  const wrong = columns.find((name) => name !== "" && !known.includes(name));
  if (wrong === undefined) return;
  const near = nearest(wrong, known, Math.max(2, wrong.length / 3));
  throw new UserError(
    `Cannot read ${quote(source)} line ${line} as its columns must be among ${known.join(", ")}: ` +
      `current value is ${quote(wrong)}${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}

/** @throws {UserError} if a column that is required is doubled or missing */
export function checkColumns(
  columns: string[],
  required: string[],
  line: number,
  source: string,
): void {
  const doubled = required.find((name) => columns.indexOf(name) !== columns.lastIndexOf(name));
  if (doubled !== undefined) refuseDoubled(doubled, source, line);
  const missing = required.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    throw new UserError(
      `Cannot read ${quote(source)} line ${line} as it must have the column ` +
        `${missing.map((name) => quote(name)).join(" and ")}: ` +
        `current value is ${quote(columns.join(", "), 120)}`,
    );
  }
}
