/** SAE files of every layout, written from known weights. */
import {
  bytesOf,
  concat,
  safetensorsBytes,
  type SafetensorsEntry,
  torchBytes,
} from "../../checkpoint/testing/files.ts";
import { pickle, type Py, tensor } from "../../checkpoint/testing/pickle_writer.ts";
import { bytesRandomAccess, type RandomAccess } from "../../io/random_access.ts";

export type Arrays = Record<
  string,
  { shape: number[]; data: Float32Array | Uint8Array | Int32Array }
>;

/** Values between −1 and 1 that repeat for the same seed. */
export function noise(count: number, seed: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed),
  );
}

/** The tensors of an InterProt file, training statistics included. */
export function interprotArrays(dModel: number, latents: number): Arrays {
  return {
    w_enc: { shape: [dModel, latents], data: noise(dModel * latents, 1) },
    w_dec: { shape: [latents, dModel], data: noise(latents * dModel, 2) },
    b_enc: { shape: [latents], data: noise(latents, 3) },
    b_pre: { shape: [dModel], data: noise(dModel, 4) },
  };
}

/** The state dict of an InterPLM file. */
export function interplmArrays(dModel: number, latents: number): Arrays {
  return {
    bias: { shape: [dModel], data: noise(dModel, 5) },
    "encoder.weight": { shape: [latents, dModel], data: noise(latents * dModel, 6) },
    "encoder.bias": { shape: [latents], data: noise(latents, 7) },
    "decoder.weight": { shape: [dModel, latents], data: noise(dModel * latents, 8) },
  };
}

/** A .safetensors file; InterProt's have whole-number statistics besides. */
export function safetensorsFile(
  arrays: Arrays,
  metadata?: Record<string, string>,
  patch: (header: Record<string, { shape: number[]; dtype: string }>) => void = () => {},
): Uint8Array {
  const entries = Object.entries(arrays).map(([name, { shape, data }]): [
    string,
    SafetensorsEntry,
  ] => [name, { dtype: data instanceof Uint8Array ? "U8" : "F32", shape, bytes: bytesOf(data) }]);
  return safetensorsBytes(Object.fromEntries(entries), (header) => {
    if (metadata) header.__metadata__ = metadata;
    patch(header);
  });
}

/** torch's storage of an array; byte arrays are booleans. */
const storageOf = (data: Arrays[string]["data"]) =>
  data instanceof Uint8Array
    ? "BoolStorage"
    : data instanceof Int32Array
    ? "IntStorage"
    : "FloatStorage";

function stateDict(arrays: Arrays): { entries: [Py, Py][]; storages: Record<string, Uint8Array> } {
  const storages: Record<string, Uint8Array> = {};
  const entries = Object.entries(arrays).map(([name, { shape, data }], i): [Py, Py] => {
    storages[String(i)] = bytesOf(data);
    return [name, tensor({ key: String(i), type: storageOf(data), length: data.length, shape })];
  });
  return { entries, storages };
}

/** A .pt file as torch.save writes a state dict; `wrap` puts it into what a trainer saves. */
export async function torchFile(
  arrays: Arrays,
  wrap: (dict: Py) => Py = (dict) => dict,
): Promise<Uint8Array> {
  const { entries, storages } = stateDict(arrays);
  return await torchBytes({ root: wrap({ ordered: entries }), storages });
}

/** The same as torch wrote it before 1.6. */
export function legacyTorchFile(arrays: Arrays): Uint8Array {
  const { entries, storages } = stateDict(arrays);
  const magic = [
    0x80,
    2,
    0x8a,
    10,
    0x6c,
    0xfc,
    0x9c,
    0x46,
    0xf9,
    0x20,
    0x6a,
    0xa8,
    0x50,
    0x19,
    0x2e,
  ];
  const sizes = { dict: [["short", 2], ["int", 4], ["long", 4]] as [Py, Py][] };
  const machine: Py = {
    dict: [["protocol_version", 1001], ["little_endian", true], ["type_sizes", sizes]],
  };
  // The keys are sorted, whatever the order of the tensors.
  const keys = Object.keys(storages).sort();
  const parts = [
    Uint8Array.from(magic),
    ...[1001, machine, { ordered: entries }, keys].map(pickle),
  ];
  for (const key of keys) {
    const count = new Uint8Array(8), { length } = Object.values(arrays)[Number(key)].data;
    new DataView(count.buffer).setBigInt64(0, BigInt(length), true);
    parts.push(count, storages[key]);
  }
  return concat(parts);
}

export const inMemory = (label: string, bytes: Uint8Array): RandomAccess =>
  bytesRandomAccess(label, bytes);
