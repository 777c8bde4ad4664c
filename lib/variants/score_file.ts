/** scores.csv: the input's own columns as they are, and ours behind them. */
import { quote, UserError } from "../errors.ts";
import { csvValue } from "../io/csv.ts";
import { TextSink } from "../io/text_sink.ts";
import type { VariantSource } from "./source.ts";
import type { Mode, VariantRow } from "./types.ts";

export class ScoreFile implements AsyncDisposable {
  private constructor(
    readonly file: TextSink,
    readonly source: VariantSource,
    readonly withPll: boolean,
  ) {}

  /** Starts the file with its header. */
  static async create(
    path: string,
    source: VariantSource,
    columns: readonly string[],
  ): Promise<ScoreFile> {
    const file = new TextSink(path);
    await file.write([source.header, ...columns].join(source.delimiter) + "\n");
    return new ScoreFile(file, source, columns.length > 1);
  }

  async add({ raw }: VariantRow, length: number, score: number, pll: number): Promise<void> {
    const values = this.withPll ? [score, pll, Math.exp(-pll / length)] : [score];
    await this.file.write([raw, ...values.map(csvValue)].join(this.source.delimiter) + "\n");
  }

  close(): Promise<void> {
    return this.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.file[Symbol.asyncDispose]();
  }
}

/**
 * Names of our columns: the score's, and in pseudo-perplexity mode two more.
 *
 * @throws {UserError} if the input has a column of such a name
 */
export function scoreColumns(name: string, mode: Mode, { columns }: VariantSource): string[] {
  const ours = mode === "pseudo-perplexity"
    ? [name, `${name}_pseudo_log_likelihood`, `${name}_pseudo_perplexity`]
    : [name];
  const taken = ours.find((column) => columns.includes(column));
  if (taken === undefined) return ours;
  throw new UserError(
    `Cannot add the scores as their column must have a name that the input lacks (--column): ` +
      `current value is ${quote(taken)}`,
  );
}
