/** Writes small weight files of every container format for tests. */
import { createZip } from "../../io/zip.ts";
import { pickle, type Py } from "./pickle_writer.ts";

export interface TorchParts {
  root: Py | Uint8Array;
  storages?: Record<string, Uint8Array>;
  /** Further entries of the archive, by name within its folder. */
  extra?: Record<string, string>;
  /** Entries to compress, by name within the folder. */
  deflate?: string[];
  folder?: string;
}

/** The archive that torch.save would write. */
export async function torchBytes(
  { root, storages = {}, extra = { version: "3\n" }, deflate = [], folder = "archive/" }:
    TorchParts,
): Promise<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const bytes = new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
  const zip = createZip(writable);
  const add = (name: string, contents: Uint8Array) =>
    zip.add(folder + name, contents, { deflate: deflate.includes(name) });
  await add("data.pkl", root instanceof Uint8Array ? root : pickle(root));
  for (const [key, contents] of Object.entries(storages)) await add(`data/${key}`, contents);
  for (const [name, text] of Object.entries(extra)) await add(name, new TextEncoder().encode(text));
  await zip.close();
  return await bytes;
}

export interface SafetensorsEntry {
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** A .safetensors file; `patch` edits its header to break it. */
export function safetensorsBytes(
  tensors: Record<string, SafetensorsEntry>,
  // deno-lint-ignore no-explicit-any
  patch: (header: any) => void = () => {},
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at += bytes.length] };
  }
  patch(header);
  return withHeader(JSON.stringify(header), Object.values(tensors).map(({ bytes }) => bytes));
}

/** Length, header text and data one after another. */
export function withHeader(header: string, data: Uint8Array[] = []): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return concat([length, text, ...data]);
}

export function concat(parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The bytes of a typed array. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Runs `body` with a directory that is removed afterwards. */
export async function withTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
