/** scores.csv: the input's own columns as they are, and ours behind them. */
import { quote, UserError } from "../errors.ts";
import { csvValue } from "../io/csv.ts";
import type { VariantSource } from "./source.ts";
import type { Mode, VariantRow } from "./types.ts";

const BUFFER_CHARACTERS = 1 << 16;

export class ScoreFile implements AsyncDisposable {
  readonly #file: Deno.FsFile;
  readonly #encoder = new TextEncoder();
  #text = "";
  #isOpen = true;

  private constructor(
    path: string,
    readonly source: VariantSource,
    readonly withPll: boolean,
  ) {
    this.#file = Deno.openSync(path, { write: true, create: true, truncate: true });
  }

  /** Starts the file with its header. */
  static create(path: string, source: VariantSource, columns: readonly string[]): ScoreFile {
    const file = new ScoreFile(path, source, columns.length > 1);
    file.#text = [source.header, ...columns].join(source.delimiter) + "\n";
    return file;
  }

  async add({ raw }: VariantRow, length: number, score: number, pll: number): Promise<void> {
    const values = this.withPll ? [score, pll, Math.exp(-pll / length)] : [score];
    this.#text += [raw, ...values.map(csvValue)].join(this.source.delimiter) + "\n";
    if (this.#text.length > BUFFER_CHARACTERS) await this.#flush();
  }

  async close(): Promise<void> {
    await this.#flush();
    await this[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
    return Promise.resolve();
  }

  async #flush(): Promise<void> {
    const bytes = this.#encoder.encode(this.#text);
    this.#text = "";
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
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
