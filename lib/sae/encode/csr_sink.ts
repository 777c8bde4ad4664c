/** Latents as compressed sparse rows over all residues, in .npz or .safetensors. */
import { dirname, join } from "node:path";
import { writeSafetensors } from "../../checkpoint/write_safetensors.ts";
import type { NpyData, NpyDtype } from "../../io/npy.ts";
import { NpzWriter } from "../../io/npz.ts";
import type { ProteinLatents } from "./encode.ts";
import type { LatentSink } from "./sink.ts";

/** Elements read back from disk at a time. */
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
  readonly #folder: string;
  readonly #offsets: Spool;
  readonly #indices: Spool;
  readonly #values: Spool;
  readonly #lengths: number[] = [];
  readonly #ids: string[] = [];
  #rows = 0;
  #entries = 0;
  #latents = 0;

  constructor(
    readonly format: "npz" | "safetensors",
    readonly path: string,
    readonly metadata: Record<string, string>,
  ) {
    // How many entries there are is known at the end only, but stands at the beginning of the file.
    this.#folder = Deno.makeTempDirSync({ dir: dirname(path), prefix: ".latents-" });
    this.#offsets = new Spool(join(this.#folder, "offsets"));
    this.#indices = new Spool(join(this.#folder, "indices"));
    this.#values = new Spool(join(this.#folder, "values"));
  }

  async add({ id, latents: { rows, latents, offsets, indices, values } }: ProteinLatents) {
    const begins = new BigInt64Array(rows);
    for (let n = 0; n < rows; n++) begins[n] = BigInt(this.#entries + offsets[n]);
    await this.#offsets.write(begins);
    await this.#indices.write(Int32Array.from(indices));
    await this.#values.write(values);
    this.#ids.push(id);
    this.#lengths.push(rows);
    this.#rows += rows;
    this.#entries += values.length;
    this.#latents = latents;
  }

  async close(): Promise<void> {
    await this.#offsets.write(BigInt64Array.of(BigInt(this.#entries)));
    const ids = new TextEncoder().encode(this.#ids.join("\n"));
    const shape = BigInt64Array.of(BigInt(this.#rows), BigInt(this.#latents));
    const arrays: [name: string, dtype: NpyDtype, shape: number[], data: Source][] = [
      ["offsets", "i8", [this.#rows + 1], this.#offsets.pieces(BigInt64Array)],
      ["indices", "i4", [this.#entries], this.#indices.pieces(Int32Array)],
      ["values", "f4", [this.#entries], this.#values.pieces(Float32Array)],
      ["lengths", "i4", [this.#lengths.length], Int32Array.from(this.#lengths)],
      ["shape", "i8", [2], shape],
      ["ids", "u1", [ids.length], ids],
    ];
    if (this.format === "npz") await writeNpz(this.path, arrays);
    else {
      const tensors = arrays.map(([name, dtype, shape, data]) =>
        [name, { dtype: SAFETENSORS_DTYPE[dtype], shape, data }] as const
      );
      await writeSafetensors(this.path, Object.fromEntries(tensors), this.metadata);
    }
    await this[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const spool of [this.#offsets, this.#indices, this.#values]) spool.close();
    try {
      Deno.removeSync(this.#folder, { recursive: true });
    } catch {
      // Already gone, or still in use: a temporary folder left over does no harm.
    }
    return Promise.resolve();
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

/** Elements kept on disk until their number is known. */
class Spool {
  readonly #file: Deno.FsFile;
  #isOpen = true;

  constructor(path: string) {
    this.#file = Deno.openSync(path, { read: true, write: true, create: true });
  }

  async write({ buffer, byteOffset, byteLength }: ArrayBufferView): Promise<void> {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let at = 0; at < bytes.length;) at += await this.#file.write(bytes.subarray(at));
  }

  /** All that was written, from the beginning. */
  async *pieces<A extends NpyData>(
    type: { new (buffer: ArrayBuffer): A },
  ): AsyncGenerator<A> {
    await this.#file.seek(0, Deno.SeekMode.Start);
    while (true) {
      const bytes = new Uint8Array(PIECE_BYTES);
      let filled = 0;
      while (filled < bytes.length) {
        const count = await this.#file.read(bytes.subarray(filled));
        if (count === null) break;
        filled += count;
      }
      if (filled > 0) yield new type(bytes.slice(0, filled).buffer);
      if (filled < bytes.length) return;
    }
  }

  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}
