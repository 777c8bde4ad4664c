/** Writes .safetensors files: 8 bytes of little-endian length, a JSON header, then the data. */
import { writeAll } from "../io/disk.ts";
import { createFile } from "./files.ts";

export interface WrittenTensor {
  readonly dtype: "F64" | "F32" | "F16" | "I64" | "I32" | "U8";
  readonly shape: readonly number[];
  /** Little-endian elements in row-major order, whole or in pieces. */
  readonly data: ArrayBufferView | AsyncIterable<ArrayBufferView>;
}

const ITEM_BYTES = { F64: 8, F32: 4, F16: 2, I64: 8, I32: 4, U8: 1 } as const;

/** Numbers in the header are multiples of this, so that data can be mapped (safetensors/src/tensor.rs). */
const ALIGNMENT = 8;

/**
 * Creates or replaces a file, with memory for one piece at a time.
 *
 * @param metadata texts for the header's `__metadata__`
 * @throws {RangeError} if a tensor's data does not fill its shape
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, WrittenTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let at = 0;
  for (const [name, { dtype, shape }] of Object.entries(tensors)) {
    const bytes = shape.reduce((product, extent) => product * extent, ITEM_BYTES[dtype]);
    header[name] = { dtype, shape, data_offsets: [at, at += bytes] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const text = new Uint8Array(Math.ceil(json.length / ALIGNMENT) * ALIGNMENT).fill(0x20);
  text.set(json);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);

  using file = await createFile(path);
  await writeAll(file, length, path);
  await writeAll(file, text, path);
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const wanted = shape.reduce((product, extent) => product * extent, ITEM_BYTES[dtype]);
    let written = 0;
    for await (const piece of ArrayBuffer.isView(data) ? [data] : data) {
      written += piece.byteLength;
      if (written > wanted) break;
      const bytes = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
      await writeAll(file, bytes, path);
    }
    if (written !== wanted) {
      throw new RangeError(
        `Cannot write tensor "${name}" as [${shape}] of ${dtype} must have ${wanted} bytes: ` +
          `current value is ${written}`,
      );
    }
  }
}
