/**
 * Tables of results, each column declared once: what the file holds, what `--json` prints, what
 * `--help columns` and the README say of it.
 */
import type { Cell } from "./csv.ts";

export type ColumnType = "text" | "integer" | "number" | "flag";

interface ColumnNotes {
  /** Of a quantity: residues, nats, Å. */
  unit?: string;
  /** Which runs have it; all, unless said. */
  when?: string;
  /** Heading on a terminal, where the name is long. */
  short?: string;
  /** Heading in a report. */
  label?: string;
  /** How a terminal writes it; three significant digits unless said. */
  show?(value: number): string;
}

/** One column of a table whose rows come from values of type `Row`. */
export interface Column<Row> extends ColumnNotes {
  /** In the file's header, and the key in JSON. */
  name: string;
  type: ColumnType;
  meaning: string;
  of(row: Row): Cell;
}

/** A table: `NAME.csv`, and `tables.NAME` in JSON. */
export interface TableOf<Row> {
  name: string;
  /** What a row is: "one per layer and head". */
  rows: string;
  /** Which runs have it; all, unless said. */
  when?: string;
  /** It is only printed: no file holds it. */
  isPrinted?: boolean;
  columns: readonly Column<Row>[];
}

type Value<Row> = (keyof Row & string) | ((row: Row) => Cell);

/**
 * Makers of columns of one kind of row.
 *
 * @example
 * ```ts
 * const { text, number } = columnsOf<{ id: string; score: number }>();
 * const table: TableOf<{ id: string; score: number }> = {
 *   name: "scores",
 *   rows: "one per protein",
 *   columns: [text("protein", "its name", "id"), number("score", "log p", "score", { unit: "nats" })],
 * };
 * ```
 */
export function columnsOf<Row>() {
  const maker = (type: ColumnType) =>
  (
    name: string,
    meaning: string,
    value: Value<Row>,
    notes: ColumnNotes = {},
  ): Column<Row> => ({
    ...{ name, type, meaning },
    of: typeof value === "string" ? (row) => row[value] as Cell : value,
    ...notes,
  });
  return {
    text: maker("text"),
    integer: maker("integer"),
    number: maker("number"),
    /** True or false. */
    flag: maker("flag"),
  };
}

/** What a row says under each column's name. */
export function cellsOf<Row>({ columns }: TableOf<Row>, row: Row): Record<string, Cell> {
  return Object.fromEntries(columns.map((column) => [column.name, column.of(row)]));
}

/** A column's type and unit, and when it is there: `number, nats; with --assay`. */
const kindOf = ({ type, unit, when }: Column<never>) =>
  (unit ? `${type}, ${unit}` : type) + (when ? `; ${when}` : "");

const headOf = ({ name, rows, when, isPrinted }: TableOf<never>) =>
  `${name}${isPrinted ? "" : ".csv"}, ${rows}${when ? ` (${when})` : ""}`;

/** What `--help columns` prints of a command's tables. */
export function describeTables(tables: readonly TableOf<never>[]): string {
  return tables.map((table) => {
    const width = Math.max(...table.columns.map(({ name }) => name.length));
    const lines = table.columns.map((column) =>
      `  ${column.name.padEnd(width)}  ${column.meaning} (${kindOf(column)})`
    );
    return [headOf(table), ...lines].join("\n");
  }).join("\n\n");
}

/** The same as tables of Markdown, for the README. */
export function tablesMarkdown(tables: readonly TableOf<never>[]): string {
  const escape = (text: string) => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
  return tables.map(({ columns, ...table }) =>
    [
      `| ${escape(headOf({ ...table, columns }))} | | |`,
      "| --- | --- | --- |",
      ...columns.map((column) =>
        `| \`${column.name}\` | ${kindOf(column)} | ${escape(column.meaning)} |`
      ),
    ].join("\n")
  ).join("\n\n");
}
