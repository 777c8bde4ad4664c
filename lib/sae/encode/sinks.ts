/** Where latents of proteins go, one protein after another. */
import { csvField } from "../../io/csv.ts";
import { TextSink } from "../../io/text_sink.ts";
import { CsrSink } from "./csr_sink.ts";
import type { ProteinLatents } from "./encode.ts";
import { float32Text } from "./float_text.ts";
import type { LatentSink } from "./sink.ts";
import { lettersText, rangesText, type TopLatent } from "./top_latents.ts";

export const FORMATS = ["csv", "npz", "safetensors"] as const;
export type Format = typeof FORMATS[number];

/** @param path the file to write; work in progress lies beside it */
export function latentSink(
  format: Format,
  path: string,
  metadata: Record<string, string>,
): LatentSink {
  return format === "csv" ? new CsvSink(path) : new CsrSink(format, path, metadata);
}

/** Columns protein, residue (from 1), letter, latent (from 0), activation; what is zero is left out. */
class CsvSink implements LatentSink {
  readonly #file: TextSink;

  constructor(path: string) {
    this.#file = new TextSink(path);
    this.#file.write("protein,residue,letter,latent,activation\n");
  }

  async add({ id, letters, latents: { rows, offsets, indices, values } }: ProteinLatents) {
    const name = csvField(id);
    for (let n = 0; n < rows; n++) {
      const start = `${name},${n + 1},${letters[n]},`;
      let text = "";
      for (let entry = offsets[n]; entry < offsets[n + 1]; entry++) {
        text += `${start}${indices[entry]},${float32Text(values[entry])}\n`;
      }
      await this.#file.write(text);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file[Symbol.asyncDispose]();
  }
}

/** top_latents.csv: the strongest latents of each protein, where and on which letters they fire. */
export class TopLatentFile implements AsyncDisposable {
  readonly #file: TextSink;

  constructor(path: string) {
    this.#file = new TextSink(path);
    this.#file.write(
      "protein,rank,latent,max,max_residue,max_letter,mean,active_fraction,residues,letters\n",
    );
  }

  async add({ id, letters }: ProteinLatents, top: readonly TopLatent[]): Promise<void> {
    const name = csvField(id);
    const lines = top.map((t, i) =>
      [
        ...[name, i + 1, t.latent, float32Text(t.max), t.maxResidue, letters[t.maxResidue - 1]],
        ...[t.mean, t.activeFraction, rangesText(t.residues), lettersText(letters, t.residues)],
      ].join(",") + "\n"
    );
    await this.#file.write(lines.join(""));
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#file[Symbol.asyncDispose]();
  }
}
