/** Where latents of proteins go, one protein after another. */
import { csvField } from "../../io/csv.ts";
import { CsrSink } from "./csr_sink.ts";
import type { ProteinLatents } from "./encode.ts";
import { float32Text } from "./float_text.ts";
import type { KeptFile, KeptFiles } from "./kept_files.ts";
import type { LatentSink } from "./sink.ts";
import { lettersText, rangesText, type TopLatent } from "./top_latents.ts";

export const FORMATS = ["csv", "npz", "safetensors"] as const;
export type Format = typeof FORMATS[number];

/** The files that a format grows. */
export function sinkFiles(format: Format): readonly string[] {
  return format === "csv" ? CsvSink.files : CsrSink.files;
}

/** @param latents of the autoencoder */
export function latentSink(
  kept: KeptFiles,
  format: Format,
  latents: number,
  metadata: Record<string, string>,
): LatentSink {
  return format === "csv" ? new CsvSink(kept) : new CsrSink(kept, format, latents, metadata);
}

/** Columns protein, residue (from 1), letter, latent (from 0), activation; what is zero is left out. */
class CsvSink implements LatentSink {
  static readonly files = ["latents.csv"];

  readonly #file: KeptFile;

  constructor(kept: KeptFiles) {
    this.#file = kept.file(CsvSink.files[0]);
  }

  add({ id, letters, latents: { rows, offsets, indices, values } }: ProteinLatents): void {
    if (this.#file.isEmpty) this.#file.appendText("protein,residue,letter,latent,activation\n");
    const name = csvField(id);
    for (let n = 0; n < rows; n++) {
      const start = `${name},${n + 1},${letters[n]},`;
      let text = "";
      for (let entry = offsets[n]; entry < offsets[n + 1]; entry++) {
        text += `${start}${indices[entry]},${float32Text(values[entry])}\n`;
      }
      this.#file.appendText(text);
    }
  }

  write(path: string): Promise<void> {
    this.#file.moveTo(path);
    return Promise.resolve();
  }
}

/** Adds to top_latents.csv: the strongest latents of a protein, where and on which letters they fire. */
export function appendTopLatents(
  file: KeptFile,
  { id, letters }: ProteinLatents,
  top: readonly TopLatent[],
): void {
  if (file.isEmpty) {
    file.appendText(
      "protein,rank,latent,max,max_residue,max_letter,mean,active_fraction,residues,letters\n",
    );
  }
  const name = csvField(id);
  const lines = top.map((t, i) =>
    [
      ...[name, i + 1, t.latent, float32Text(t.max), t.maxResidue, letters[t.maxResidue - 1]],
      ...[t.mean, t.activeFraction, rangesText(t.residues), lettersText(letters, t.residues)],
    ].join(",") + "\n"
  );
  file.appendText(lines.join(""));
}
