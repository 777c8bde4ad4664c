/** The tables of a run: rows go to disk as they come, and once more for `--json`. */
import type { TableOf } from "../io/columns.ts";
import { type Cell, csvRows } from "../io/csv.ts";
import type { OutputDir } from "../io/output.ts";
import { TextSink } from "../io/text_sink.ts";

/** Rows that are written together, and cells: some tables have a thousand columns. */
const AT_ONCE = 4096, CELLS_AT_ONCE = 65_536;

/** How a table's file is written where its rows are not cells: an input's lines with more behind them. */
export interface TableLines<Row> {
  header: string;
  of(row: Row): string;
}

/** Takes the rows of a table, some at a time. */
export class RowSink<Row> implements AsyncDisposable {
  readonly #table: TableOf<Row>;
  readonly #csv: TextSink;
  readonly #json: TextSink | undefined;
  readonly #lines: TableLines<Row> | undefined;
  readonly #atOnce: number;
  #waiting: Row[] = [];
  #isBegun = false;
  #hasRows = false;

  constructor(table: TableOf<Row>, csvPath: string, jsonPath?: string, lines?: TableLines<Row>) {
    this.#table = table;
    this.#lines = lines;
    this.#atOnce = Math.max(1, Math.min(AT_ONCE, Math.floor(CELLS_AT_ONCE / table.columns.length)));
    this.#csv = new TextSink(csvPath);
    this.#json = jsonPath === undefined ? undefined : new TextSink(jsonPath);
  }

  async write(rows: readonly Row[]): Promise<void> {
    for (const row of rows) await this.add(row);
  }

  /** Takes one row; some are written together. */
  async add(row: Row): Promise<void> {
    if (this.#waiting.push(row) >= this.#atOnce) await this.#flush();
  }

  async #flush(): Promise<void> {
    const rows = this.#waiting;
    this.#waiting = [];
    await this.#csv.write(this.#textOf(rows));
    this.#isBegun = true;
    if (!this.#json || rows.length === 0) return;
    const lines = rows.map((row) => jsonOf(this.#table, row)).join(",\n");
    await this.#json.write(this.#hasRows ? `,\n${lines}` : lines);
    this.#hasRows = true;
  }

  #textOf(rows: readonly Row[]): string {
    const { columns } = this.#table, lines = this.#lines;
    if (lines) {
      const head = this.#isBegun ? [] : [lines.header];
      return [...head, ...rows.map(lines.of), ""].join("\n");
    }
    const head = this.#isBegun ? [] : [columns.map(({ name }) => name)];
    return csvRows([...head, ...rows.map((row) => columns.map((one) => one.of(row)))]);
  }

  /** Writes what is left, the header at least, and closes the files. */
  async close(): Promise<void> {
    if (!this.#isBegun || this.#waiting.length > 0) await this.#flush();
    await this.#csv.close();
    await this.#json?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#csv[Symbol.asyncDispose]();
    await this.#json?.[Symbol.asyncDispose]();
  }
}

/** A row as JSON. */
function jsonOf<Row>({ columns }: TableOf<Row>, row: Row): string {
  return `{${
    columns.map((one) => `${JSON.stringify(one.name)}:${jsonValue(one.of(row))}`).join()
  }}`;
}

/** JSON has no infinity, but numbers so large that they are read as one. */
function jsonValue(value: Cell): string {
  if (value === undefined || Number.isNaN(value)) return "null";
  if (value === Infinity) return "1e999";
  if (value === -Infinity) return "-1e999";
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}

/** Every table of a run. */
export class Results {
  readonly #output: OutputDir;
  readonly #isJson: boolean;
  readonly #names: string[] = [];

  constructor(output: OutputDir, isJson: boolean) {
    this.#output = output;
    this.#isJson = isJson;
  }

  /** A table whose rows come some at a time; it must be closed. */
  open<Row>(table: TableOf<Row>, lines?: TableLines<Row>): RowSink<Row> {
    const path = this.#output.temporaryPath(`${table.name}.csv`);
    this.#names.push(table.name);
    return new RowSink(
      table,
      path,
      this.#isJson ? this.#output.scratchPath(jsonName(table.name)) : undefined,
      lines,
    );
  }

  /** A table from its first row to the last; rows of a generator are not held together. */
  async write<Row>(table: TableOf<Row>, rows: Iterable<Row>): Promise<void> {
    await using sink = this.open(table);
    for (const row of rows) await sink.add(row);
    await sink.close();
  }

  /**
   * What `--json` prints, in pieces: `{ "run": …, "tables": { NAME: [rows] } }` with the columns' names
   * as keys. NaN and empty cells are null, infinities ±1e999, which parsers read as such.
   */
  async *json(run: unknown): AsyncGenerator<string> {
    yield `{"run":${JSON.stringify(run)},"tables":{`;
    for (const [i, name] of this.#names.entries()) {
      yield `${i === 0 ? "" : ","}${JSON.stringify(name)}:[`;
      yield* linesOf(this.#output.scratchPath(jsonName(name)));
      yield "]";
    }
    yield "}}";
  }
}

/** The same of a run that writes no files. */
export function tableJson<Row>(run: unknown, table: TableOf<Row>, rows: readonly Row[]): string {
  const lines = rows.map((row) => `\n${jsonOf(table, row)}`).join();
  return `{"run":${JSON.stringify(run)},"tables":{${JSON.stringify(table.name)}:[${lines}\n]}}`;
}

/** No result has such a name. */
const jsonName = (table: string) => `${table}.csv.json`;

/** A text file in pieces that end where lines do. */
async function* linesOf(path: string): AsyncGenerator<string> {
  using file = await Deno.open(path);
  let rest = "";
  for await (const text of file.readable.pipeThrough(new TextDecoderStream())) {
    const whole = rest + text, end = whole.lastIndexOf("\n");
    if (end >= 0) yield whole.slice(0, end);
    rest = whole.slice(end + 1);
  }
  if (rest !== "") yield rest;
}
