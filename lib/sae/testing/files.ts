/** SAE files of every layout, written from known weights. */
import {
  bytesOf,
  safetensorsBytes,
  type SafetensorsEntry,
  torchBytes,
} from "../../checkpoint/testing/files.ts";
import { type Py, tensor } from "../../checkpoint/testing/pickle_writer.ts";
import { bytesRandomAccess, type RandomAccess } from "../../io/random_access.ts";

export type Arrays = Record<string, { shape: number[]; data: Float32Array | Uint8Array }>;

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

/** A .pt file as torch.save writes a state dict; byte arrays are tensors of booleans. */
export async function torchFile(arrays: Arrays): Promise<Uint8Array> {
  const storages: Record<string, Uint8Array> = {};
  const entries = Object.entries(arrays).map(([name, { shape, data }], i): [Py, Py] => {
    storages[String(i)] = bytesOf(data);
    const type = data instanceof Uint8Array ? "BoolStorage" : "FloatStorage";
    return [name, tensor({ key: String(i), type, length: data.length, shape })];
  });
  return await torchBytes({ root: { ordered: entries }, storages });
}

export const inMemory = (label: string, bytes: Uint8Array): RandomAccess =>
  bytesRandomAccess(label, bytes);
