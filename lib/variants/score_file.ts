/** scores.csv: the input's own columns as they are, and ours behind them. */
import { quote, UserError } from "../errors.ts";
import { csvValue } from "../io/csv.ts";
import { TextSink } from "../io/text_sink.ts";
import { isVariant, type Scan } from "./scan.ts";
import type { ScoredRow } from "./score.ts";
import type { VariantSource } from "./source.ts";
import { type Mode, REASONS } from "./types.ts";

/** One of our columns: its name and what a row has there. */
interface ScoreColumn {
  name: string;
  value: (row: ScoredRow, length: number) => number | string;
}

export class ScoreFile implements AsyncDisposable {
  private constructor(
    readonly file: TextSink,
    readonly source: VariantSource,
    readonly columns: readonly ScoreColumn[],
    readonly length: number,
  ) {}

  /**
   * Starts the file with its header.
   *
   * @param length residues of the target
   */
  static async create(
    path: string,
    source: VariantSource,
    columns: readonly ScoreColumn[],
    length: number,
  ): Promise<ScoreFile> {
    const file = new TextSink(path);
    const names = columns.map(({ name }) => name);
    await file.write([source.header, ...names].join(source.delimiter) + "\n");
    return new ScoreFile(file, source, columns, length);
  }

  async add(row: ScoredRow): Promise<void> {
    const values = this.columns.map(({ value: of }) => {
      const value = of(row, this.length);
      return Number.isNaN(value) ? "" : csvValue(value);
    });
    await this.file.write([row.row.raw, ...values].join(this.source.delimiter) + "\n");
  }

  close(): Promise<void> {
    return this.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.file[Symbol.asyncDispose]();
  }
}

/**
 * Our columns: the score's, in pseudo-perplexity mode two more, and one each where a variant changes
 * the length or a row has no score.
 *
 * @throws {UserError} if the input has a column of such a name
 */
export function scoreColumns(
  name: string,
  mode: Mode,
  { columns }: VariantSource,
  scan: Pick<Scan, "indels" | "unscorable">,
): ScoreColumn[] {
  const ours: ScoreColumn[] = [{ name, value: ({ score }) => score }];
  if (mode === "pseudo-perplexity") {
    ours.push(
      { name: `${name}_pseudo_log_likelihood`, value: ({ pll }) => pll },
      {
        name: `${name}_pseudo_perplexity`,
        value: ({ pll, reading }, length) =>
          Math.exp(-pll / (isVariant(reading) && reading.indel?.length || length)),
      },
    );
  }
  if (scan.indels > 0) {
    ours.push({ name: `${name}_per_residue`, value: ({ perResidue }) => perResidue });
  }
  if (scan.unscorable.size > 0) {
    ours.push({
      name: `${name}_reason`,
      value: ({ reading }) => isVariant(reading) ? "" : REASONS[reading.reason],
    });
  }
  const taken = ours.find((column) => columns.includes(column.name));
  if (taken === undefined) return ours;
  throw new UserError(
    `Cannot add the scores as their column must have a name that the input lacks (--column): ` +
      `current value is ${quote(taken.name)}`,
  );
}
