/** Where latents of proteins go, one protein after another. */
import { writeSafetensors } from "../../checkpoint/write_safetensors.ts";
import { csvField } from "../../io/csv.ts";
import type { NpyData, NpyDtype } from "../../io/npy.ts";
import { NpzWriter } from "../../io/npz.ts";
import type { ProteinLatents } from "./encode.ts";
import { lettersText, rangesText, type TopLatent } from "./top_latents.ts";

export const FORMATS = ["csv", "npz", "safetensors"] as const;
export type Format = typeof FORMATS[number];

/** The shortest decimal text that is read back as the same float32. */
export function float32Text(value: number): string {
  // Nine digits always suffice, and most values need seven or eight.
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

export const LATENTS_HEADER = "protein,residue,letter,latent,activation\n";

/** Residue from 1, letter, latent from 0, activation; what is zero is left out. */
export function latentsText({ id, letters, latents }: ProteinLatents): string {
  const { rows, offsets, indices, values } = latents, name = csvField(id);
  let text = "";
  for (let n = 0; n < rows; n++) {
    const start = `${name},${n + 1},${letters[n]},`;
    for (let entry = offsets[n]; entry < offsets[n + 1]; entry++) {
      text += `${start}${indices[entry]},${float32Text(values[entry])}\n`;
    }
  }
  return text;
}

export const TOP_HEADER =
  "protein,rank,latent,max,max_residue,max_letter,mean,active_fraction,residues,letters\n";

/** The strongest latents of a protein, where and on which letters they fire. */
export function topText({ id, letters }: ProteinLatents, top: readonly TopLatent[]): string {
  const name = csvField(id);
  return top.map((t, i) =>
    [
      ...[name, i + 1, t.latent, float32Text(t.max), t.maxResidue, letters[t.maxResidue - 1]],
      ...[t.mean, t.activeFraction, rangesText(t.residues), lettersText(letters, t.residues)],
    ].join(",") + "\n"
  ).join("");
}

/** How much there is of all proteins. */
export interface Extents {
  proteins: number;
  residues: number;
  /** Activations above zero. */
  entries: number;
  /** Bytes of all names, a line each, without the last line's end. */
  idBytes: number;
  /** Of the autoencoder. */
  latents: number;
}

type Source = NpyData | AsyncGenerator<NpyData>;

/**
 * Writes compressed sparse rows over all residues:
 *
 * offsets  i64[R + 1]    entries of residue r: offsets[r] to offsets[r + 1]; R residues of all proteins
 * indices  i32[entries]  latents, ascending within a residue
 * values   f32[entries]  activations, > 0
 * lengths  i32[proteins] residues of each protein
 * shape    i64[2]        R and the number of latents
 * ids      u8[…]         names of the proteins in UTF-8, one a line
 *
 * @param proteins gives all of them anew for each array
 */
export async function writeCsr(
  path: string,
  format: "npz" | "safetensors",
  proteins: () => AsyncIterable<ProteinLatents>,
  { proteins: count, residues, entries, idBytes, latents: width }: Extents,
  metadata: Record<string, string>,
): Promise<void> {
  async function* each<A extends NpyData>(part: (one: ProteinLatents, before: number) => A) {
    let before = 0;
    for await (const one of proteins()) {
      yield part(one, before);
      before += one.latents.values.length;
    }
  }
  async function* offsets() {
    yield* each(({ latents: { rows, offsets } }, before) =>
      BigInt64Array.from({ length: rows }, (_, n) => BigInt(before + offsets[n]))
    );
    yield BigInt64Array.of(BigInt(entries));
  }
  let isFirst = true;
  const idOf = ({ id }: ProteinLatents) => {
    const text = isFirst ? id : `\n${id}`;
    isFirst = false;
    return new TextEncoder().encode(text);
  };
  const arrays: [name: string, dtype: NpyDtype, shape: number[], data: Source][] = [
    ["offsets", "i8", [residues + 1], offsets()],
    ["indices", "i4", [entries], each(({ latents }) => Int32Array.from(latents.indices))],
    ["values", "f4", [entries], each(({ latents }) => latents.values)],
    ["lengths", "i4", [count], each(({ latents }) => Int32Array.of(latents.rows))],
    ["shape", "i8", [2], BigInt64Array.of(BigInt(residues), BigInt(width))],
    ["ids", "u1", [idBytes], each(idOf)],
  ];
  if (format === "npz") {
    await using npz = await NpzWriter.create(path);
    for (const [name, dtype, shape, data] of arrays) {
      const array = npz.start(name, dtype, shape);
      for await (const piece of ArrayBuffer.isView(data) ? [data] : data) await array.write(piece);
      await array.close();
    }
    return await npz.close();
  }
  const tensors = arrays.map(([name, dtype, shape, data]) =>
    [name, { dtype: SAFETENSORS_DTYPE[dtype], shape, data }] as const
  );
  await writeSafetensors(path, Object.fromEntries(tensors), metadata);
}

const SAFETENSORS_DTYPE = { f4: "F32", i4: "I32", i8: "I64", u1: "U8", f8: "F64" } as const;
