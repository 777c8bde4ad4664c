/** Reads the golden files of tests/fixtures (see the README there), independently of the library. */
import { EMBEDDED_NAME } from "../lib/hub/embedded.ts";
import type { TokenBatch } from "../lib/esm2/mod.ts";

export interface Array32 {
  shape: number[];
  data: Float32Array | Int32Array;
}

export interface ForwardFixture {
  name: string;
  /** Folder of the model it was computed with. */
  model: string;
  sequences: string[];
  arrays: Record<string, Array32>;
}

const root = new URL("./fixtures/", import.meta.url);
export const fixturePath = (name: string): string => new URL(name, root).pathname;
/** The model that comes with the project. */
export const embeddedPath = new URL(`../models/${EMBEDDED_NAME}`, import.meta.url).pathname;
/** The small trained model of the golden files whose names begin with `tiny`. */
export const tinyPath = new URL("./fixtures/esm2_t4_800K_SP50", import.meta.url).pathname;
/** Options that run a command on it. */
export const tinyModel = ["--model", tinyPath];
/** File of its autoencoder after so many blocks: 1, 2 or 3. */
export const tinySae = (layer: number): string => `${tinyPath}/sae/layer_${layer}.safetensors`;

interface Stored {
  dtype: string;
  shape: number[];
  data_offsets: [begin: number, end: number];
}

interface IndexEntry {
  kind: string;
  model?: string;
  sequences?: string[];
  [key: string]: unknown;
}

export const fixtureIndex: Record<string, IndexEntry> = JSON.parse(
  Deno.readTextFileSync(new URL("index.json", root)),
);

/** Arrays of a fixture file (safetensors with F32 and I32 only). @param without types that are passed over */
export function readFixture(
  name: string,
  without: readonly string[] = [],
): Record<string, Array32> {
  const bytes = Deno.readFileSync(new URL(`${name}.safetensors`, root));
  const headerSize = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerSize)));
  const arrays: Record<string, Array32> = {};
  delete header.__metadata__;
  for (const [key, entry] of Object.entries(header)) {
    const { dtype, shape, data_offsets: [a, b] } = entry as Stored;
    if (without.includes(dtype)) continue;
    const raw = bytes.slice(8 + headerSize + a, 8 + headerSize + b).buffer;
    arrays[key] = { shape, data: dtype === "I32" ? new Int32Array(raw) : new Float32Array(raw) };
  }
  return arrays;
}

export function forwardFixtures(): ForwardFixture[] {
  return Object.entries(fixtureIndex)
    .filter(([, entry]) => entry.kind === "forward")
    .map(([name, entry]) => ({
      name,
      model: name.startsWith("tiny") ? tinyPath : fixturePath(entry.model!),
      sequences: entry.sequences!,
      arrays: readFixture(name),
    }));
}

/** The padded sequences of a fixture that has `input_ids` and `attention_mask`. */
export function fixtureBatch(
  { input_ids: { data, shape: [size, width] }, attention_mask: { data: mask } }: Record<
    string,
    Array32
  >,
): TokenBatch {
  const lengths = Array.from({ length: size }, (_, b) => {
    let length = 0;
    for (let t = 0; t < width; t++) length += mask[b * width + t];
    return length;
  });
  return { ids: data as Int32Array, size, width, lengths };
}
