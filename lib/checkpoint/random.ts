/**
 * Checkpoints with the shapes of ESM-2 and random weights: what a model knows before it has learnt, and for
 * runs that measure speed and memory.
 */
import type { Checkpoint, TensorInfo } from "./checkpoint.ts";
import type { Esm2Config } from "./config.ts";
import { computeInvFreq } from "./inv_freq.ts";
import { type EsmTensorName, expectedTensors } from "./names.ts";

/** Published sizes (fair-esm README); random weights cost the same time and memory as trained ones. */
export const SHAPES = {
  "8M": shape(6, 320),
  "35M": shape(12, 480),
  "150M": shape(30, 640),
  "650M": shape(33, 1280),
} as const satisfies Record<string, Esm2Config>;

export type ShapeName = keyof typeof SHAPES;

function shape(layers: number, dModel: number): Esm2Config {
  return { layers, dModel, heads: 20, headDim: dModel / 20, ffn: 4 * dModel, tokenDropout: true };
}

/** Bytes of a shape's weights in single precision; the tied decoder once. */
export function weightBytes(config: Esm2Config): number {
  return 4 * stored(config).reduce((sum, { shape }) => sum + count(shape), 0);
}

/**
 * A checkpoint that makes its weights when they are read: no file, and no memory of its own.
 *
 * A tensor's values depend on its name and the seed only. They are uniform with the spread that keeps
 * activations near 1.
 */
export function randomCheckpoint(name: string, config: Esm2Config, seed = 0): Checkpoint {
  const shapes = new Map(stored(config).map(({ name, shape }) => [name, shape]));
  const tensors = new Map<EsmTensorName, TensorInfo>();
  for (const { name, shape } of expectedTensors(config)) {
    const origin = shapes.has(name) ? "stored" : "computed";
    if (name !== "lm_head.weight") tensors.set(name, { shape, dtype: "F32", origin });
  }
  return {
    name,
    config,
    format: "safetensors",
    files: [],
    tensors,
    notes: [],
    read(tensorName, into) {
      const dims = shapes.get(tensorName);
      if (!dims) return Promise.resolve(computeInvFreq(config.headDim));
      const data = into?.subarray(0, count(dims)) ?? new Float32Array(count(dims));
      fillRandom(tensorName, dims, data, seed);
      return Promise.resolve(data);
    },
    sha256: () => Promise.reject(new Error("random weights have no file to hash")),
    [Symbol.dispose]() {},
  };
}

/** What a file holds: frequencies are computed and the decoder is tied to the embedding. */
export function stored(config: Esm2Config) {
  return expectedTensors(config).filter(({ name }) =>
    name !== "lm_head.weight" && !name.endsWith("inv_freq")
  );
}

function fillRandom(
  name: string,
  shape: readonly number[],
  data: Float32Array,
  seed = 0,
): void {
  let state = 0x9e3779b9 ^ Math.imul(seed, 0x85ebca6b);
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 0x01000193);
  // A state of zero would stay zero.
  if (state === 0) state = 1;
  const isScale = name.includes("layer_norm") && name.endsWith("weight");
  const spread = isScale ? 0.1 : shape.length === 2 ? Math.sqrt(3 / shape[1]) : 0.02;
  const centre = isScale ? 1 : 0;
  for (let i = 0; i < data.length; i++) {
    // xorshift32 (Marsaglia 2003, doi:10.18637/jss.v008.i14)
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    data[i] = centre + spread * (state / 2 ** 31);
  }
}

const count = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);
