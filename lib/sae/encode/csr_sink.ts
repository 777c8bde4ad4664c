/** Latents as compressed sparse rows over all residues, in .npz or .safetensors. */
import { writeSafetensors } from "../../checkpoint/write_safetensors.ts";
import type { NpyData, NpyDtype } from "../../io/npy.ts";
import { NpzWriter } from "../../io/npz.ts";
import type { ProteinLatents } from "./encode.ts";
import type { KeptFile, KeptFiles } from "./kept_files.ts";
import type { LatentSink } from "./sink.ts";

/** Bytes read back from disk at a time. */
const PIECE_BYTES = 1 << 20;

/**
 * offsets  i64[R + 1]    entries of residue r: offsets[r] to offsets[r + 1]; R residues of all proteins
 * indices  i32[entries]  latents, ascending within a residue
 * values   f32[entries]  activations, > 0
 * lengths  i32[proteins] residues of each protein
 * shape    i64[2]        R and the number of latents
 * ids      u8[…]         names of the proteins in UTF-8, one a line
 */
export class CsrSink implements LatentSink {
  /** How many entries there are is known at the end only, but stands at the beginning of a file. */
  static readonly files = ["offsets", "indices", "values", "lengths", "ids"] as const;

  readonly #kept: Record<typeof CsrSink.files[number], KeptFile>;

  constructor(
    kept: KeptFiles,
    readonly format: "npz" | "safetensors",
    readonly latents: number,
    readonly metadata: Record<string, string>,
  ) {
    const files = CsrSink.files.map((name) => [name, kept.file(name)]);
    this.#kept = Object.fromEntries(files);
  }

  add({ id, latents: { rows, offsets, indices, values } }: ProteinLatents): void {
    const kept = this.#kept, before = kept.values.size / 4;
    const begins = new BigInt64Array(rows);
    for (let n = 0; n < rows; n++) begins[n] = BigInt(before + offsets[n]);
    kept.offsets.append(begins);
    kept.indices.append(Int32Array.from(indices));
    kept.values.append(values);
    kept.lengths.append(Int32Array.of(rows));
    kept.ids.appendText(kept.ids.isEmpty ? id : `\n${id}`);
  }

  async write(path: string): Promise<void> {
    const { offsets, indices, values, lengths, ids } = this.#kept;
    const rows = offsets.size / 8, entries = values.size / 4;
    const end = BigInt64Array.of(BigInt(entries));
    const shape = BigInt64Array.of(BigInt(rows), BigInt(this.latents));
    const arrays: [name: string, dtype: NpyDtype, shape: number[], data: Source][] = [
      ["offsets", "i8", [rows + 1], elements(offsets, BigInt64Array, end)],
      ["indices", "i4", [entries], elements(indices, Int32Array)],
      ["values", "f4", [entries], elements(values, Float32Array)],
      ["lengths", "i4", [lengths.size / 4], elements(lengths, Int32Array)],
      ["shape", "i8", [2], shape],
      ["ids", "u1", [ids.size], elements(ids, Uint8Array)],
    ];
    if (this.format === "npz") return await writeNpz(path, arrays);
    const tensors = arrays.map(([name, dtype, shape, data]) =>
      [name, { dtype: SAFETENSORS_DTYPE[dtype], shape, data }] as const
    );
    await writeSafetensors(path, Object.fromEntries(tensors), this.metadata);
  }
}

type Source = NpyData | AsyncGenerator<NpyData>;

const SAFETENSORS_DTYPE = { f4: "F32", i4: "I32", i8: "I64", u1: "U8", f8: "F64" } as const;

async function writeNpz(
  path: string,
  arrays: readonly [string, NpyDtype, number[], Source][],
): Promise<void> {
  await using npz = await NpzWriter.create(path);
  for (const [name, dtype, shape, data] of arrays) {
    const array = npz.start(name, dtype, shape);
    for await (const piece of ArrayBuffer.isView(data) ? [data] : data) await array.write(piece);
    await array.close();
  }
  await npz.close();
}

/** What a file holds, and what comes after. */
async function* elements<A extends NpyData>(
  file: KeptFile,
  type: { new (buffer: ArrayBuffer): A },
  after?: A,
): AsyncGenerator<A> {
  for await (const { buffer } of file.pieces(PIECE_BYTES)) yield new type(buffer);
  if (after) yield after;
}
