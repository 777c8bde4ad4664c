/** Plain-text tables, aligned for a terminal and still readable in a log. */

import { printable } from "../errors.ts";
import type { Column as Declared, TableOf } from "../io/columns.ts";
import { significant } from "./figures.ts";

export type Cell = string | number;

export interface Column {
  header: string;
  /** Numbers go right and text left unless said otherwise. */
  align?: "left" | "right";
  /** How numbers are written; by default as they are. */
  format?: (value: number) => string;
}

/**
 * Lays rows out under a header and a rule, columns two spaces apart, no trailing spaces.
 *
 * A column is right-aligned when every cell of it is a number. The text ends without a newline.
 *
 * @throws {RangeError} if a row has not one cell per column
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  for (const row of rows) {
    if (row.length !== columns.length) {
      throw new RangeError(
        `Cannot lay out a table as every row must have ${columns.length} cells: ` +
          `current value is ${row.length}`,
      );
    }
  }
  const laid = columns.map(({ header, align, format = String }, c) => {
    const cells = rows.map((row) => {
      const cell = row[c];
      return typeof cell === "number" ? format(cell) : printable(cell);
    });
    const numeric = rows.length > 0 && rows.every((row) => typeof row[c] === "number");
    const width = Math.max(...[header, ...cells].map(widthOf));
    const right = (align ?? (numeric ? "right" : "left")) === "right";
    return [header, "-".repeat(width), ...cells].map((text) => pad(text, width, right));
  });
  const lines = laid[0]?.map((_, r) => laid.map((cells) => cells[r]).join("  ").trimEnd()) ?? [];
  return lines.join("\n");
}

/**
 * Some columns of a declared table, laid out.
 *
 * @param names which, in this order
 * @throws {RangeError} if the table has no column of a name
 */
export function tableText<Row>(
  { name: table, columns }: Pick<TableOf<Row>, "name" | "columns">,
  names: readonly string[],
  rows: readonly Row[],
): string {
  const chosen = names.map((name) => {
    const found = columns.find((column) => column.name === name);
    if (!found) throw new RangeError(`table ${table} must have a column ${name}`);
    return found;
  });
  return formatTable(
    chosen.map(({ name, short, type }) => ({
      header: short ?? name,
      ...(type === "integer" || type === "number") && { align: "right" },
    })),
    rows.map((row) => chosen.map((column) => shown(column, row))),
  );
}

function shown<Row>({ type, of, show = significant }: Declared<Row>, row: Row): Cell {
  const value = of(row);
  if (type === "number" && typeof value === "number") return show(value);
  return value === null || value === undefined ? "" : String(value);
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(width - widthOf(text));
  return right ? space + text : text + space;
}

function widthOf(text: string): number {
  return [...text].length;
}
