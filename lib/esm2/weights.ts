/** A model's weights on a backend: all of them, or one block's at a time. */
import { dirname } from "node:path";
import type { FilePart } from "../onnx/graph.ts";
import type { Backend, Tensor } from "../backend/types.ts";
import { elementCount } from "../backend/types.ts";
import type { Checkpoint, Esm2Config, EsmTensorName } from "../checkpoint/mod.ts";
import type { Place, PlaceAdapters } from "./adapter_weights.ts";
import { quantizeWeight } from "../onnx/quantized.ts";
import { BLOCK_WEIGHTS, type BlockWeight, blockWeightShape, linearPart } from "./block.ts";
import { HEAD_WEIGHTS, type HeadWeight, headWeightShape } from "./head.ts";
import type { Precision } from "./precision.ts";
import { UserError } from "../errors.ts";

/** Tensors by name; disposing it frees them where nobody else holds them. */
export interface WeightSet<Name extends string> extends Disposable {
  readonly tensors: Readonly<Record<Name, Tensor>>;
}

export interface WeightSource extends Disposable {
  block(layer: number): Promise<WeightSet<BlockWeight>>;
  /** All of the head, or its final LayerNorm where the model has no language-model head. */
  head(): Promise<WeightSet<HeadWeight>>;
  /** Adapters beside the linear maps of a block or of the head. @default none */
  adapters?(place: Place): PlaceAdapters | undefined;
  /** f32[33, D] as it stands now, where it changes; stays the source's. @default what the model was given */
  embedding?(): Tensor;
}

/** Loads every weight now and keeps it; `onProgress` hears the bytes loaded so far. */
export async function loadResident(
  checkpoint: Checkpoint,
  backend: Backend,
  onProgress: (bytes: number) => void = () => {},
  precision: Precision = "f32",
): Promise<WeightSource> {
  const loader = new Loader(checkpoint, backend, precision);
  const blocks: Record<BlockWeight, Tensor>[] = [];
  const owned: Tensor[] = [];
  const keep = <Name extends string>(set: Record<Name, Tensor>) => {
    owned.push(...Object.values<Tensor>(set));
    onProgress(owned.reduce((sum, t) => sum + t.sizeBytes, 0));
    return set;
  };
  try {
    for (let layer = 0; layer < checkpoint.config.layers; layer++) {
      blocks.push(keep(await loader.block(layer)));
    }
    const head = keep(await loader.head());
    const lend = <Name extends string>(tensors: Record<Name, Tensor>): WeightSet<Name> => ({
      tensors,
      [Symbol.dispose]() {},
    });
    return {
      block: (layer) => Promise.resolve(lend(blocks[layer])),
      head: () => Promise.resolve(lend(head)),
      [Symbol.dispose]: () => owned.forEach((t) => t[Symbol.dispose]()),
    };
  } catch (error) {
    owned.forEach((t) => t[Symbol.dispose]());
    throw error;
  }
}

/** Loads a block's weights, or the head's, when it first runs, and keeps them. */
export function loadOnDemand(
  checkpoint: Checkpoint,
  backend: Backend,
  precision: Precision = "f32",
): WeightSource {
  const loader = new Loader(checkpoint, backend, precision);
  const kept = new Map<number | "head", Promise<Record<string, Tensor>>>();
  const lend = async <Name extends string>(
    place: number | "head",
    load: () => Promise<Record<Name, Tensor>>,
  ): Promise<WeightSet<Name>> => {
    const known = kept.get(place) as Promise<Record<Name, Tensor>> | undefined;
    const loading = known ?? load();
    kept.set(place, loading);
    // What could not be loaded is tried again.
    loading.catch(() => kept.delete(place));
    return { tensors: await loading, [Symbol.dispose]() {} };
  };
  return {
    block: (layer) => lend(layer, () => loader.block(layer)),
    head: () => lend("head", () => loader.head()),
    [Symbol.dispose]() {
      for (const set of kept.values()) {
        // What could not be loaded holds nothing.
        set.then((tensors) => Object.values(tensors).forEach((t) => t[Symbol.dispose]()), () => {});
      }
    },
  };
}

/** Reads a block's weights from the checkpoint each time it runs: memory of one block. */
export function streamWeights(
  checkpoint: Checkpoint,
  backend: Backend,
  precision: Precision = "f32",
): WeightSource {
  const loader = new Loader(checkpoint, backend, precision, new Map());
  const lend = <Name extends string>(tensors: Record<Name, Tensor>): WeightSet<Name> => ({
    tensors,
    [Symbol.dispose]: () => Object.values<Tensor>(tensors).forEach((t) => t[Symbol.dispose]()),
  });
  return {
    block: async (layer) => lend(await loader.block(layer)),
    head: async () => lend(await loader.head()),
    [Symbol.dispose]() {},
  };
}

/** Where a checkpoint stores a tensor of the head: the decoder is the embedding unless it is stored. */
function headTensorName(checkpoint: Checkpoint, name: HeadWeight): EsmTensorName {
  const tied = name === "lm_head.weight" && !checkpoint.tensors.has("lm_head.weight");
  return tied ? "embed_tokens.weight" : name;
}

const blockTensorName = (layer: number, name: BlockWeight) =>
  `layers.${layer}.${name}` as EsmTensorName;

/** One block's weights, or the head's, as arrays. */
export function loadWeightArrays(
  checkpoint: Checkpoint,
  layer: number,
): Promise<Record<BlockWeight, Float32Array>>;
export function loadWeightArrays(
  checkpoint: Checkpoint,
  layer: "head",
): Promise<Record<HeadWeight, Float32Array>>;
export async function loadWeightArrays(
  checkpoint: Checkpoint,
  layer: number | "head",
): Promise<Record<string, Float32Array>> {
  const arrays: Record<string, Float32Array> = {};
  if (layer === "head") {
    for (const name of HEAD_WEIGHTS) {
      arrays[name] = await checkpoint.read(headTensorName(checkpoint, name));
    }
  } else {
    for (const name of BLOCK_WEIGHTS) {
      arrays[name] = await checkpoint.read(blockTensorName(layer, name));
    }
  }
  return arrays;
}

/** What a constant of a graph is made of. */
export type WeightConstant = Float32Array | Int8Array | FilePart;

/**
 * Weights of a block or of the head as constants of a graph: matrices where files hold them as they are
 * wanted, else read.
 */
export class WeightConstants {
  readonly #scratch = new Map<string, Float32Array>();
  #folder?: string;

  constructor(readonly checkpoint: Checkpoint, readonly precision: Precision = "f32") {}

  /** Of linear maps in bytes the scales too. */
  async block(layer: number): Promise<Record<string, WeightConstant>> {
    if (this.precision === "f32") {
      return await this.#all(BLOCK_WEIGHTS, (name) => blockTensorName(layer, name));
    }
    const found: Record<string, WeightConstant> = {};
    for (const name of BLOCK_WEIGHTS) {
      const stored = blockTensorName(layer, name);
      if (linearPart(name)) {
        const data = await this.#read(stored);
        const { weight, scale } = quantizedWeight(name, data, this.checkpoint.config)!;
        Object.assign(found, { [weight.name]: weight.bytes, [scale.name]: scale.values });
      } else found[name] = await this.checkpoint.read(stored);
    }
    return found;
  }

  head(): Promise<Record<HeadWeight, Float32Array | FilePart>> {
    return this.#all(HEAD_WEIGHTS, (name) => headTensorName(this.checkpoint, name));
  }

  async #all<Name extends string>(
    names: readonly Name[],
    storedName: (name: Name) => EsmTensorName,
  ): Promise<Record<Name, Float32Array | FilePart>> {
    const found: [Name, Float32Array | FilePart][] = [];
    for (const name of names) found.push([name, await this.#one(storedName(name))]);
    return Object.fromEntries(found) as Record<Name, Float32Array | FilePart>;
  }

  async #one(name: EsmTensorName): Promise<Float32Array | FilePart> {
    const { checkpoint } = this, place = checkpoint.locate?.(name);
    const columns = checkpoint.tensors.get(name)?.shape[1];
    // A vector may stay mapped while the model is open; a matrix goes when it is laid out for products.
    const isUsable = place && columns !== undefined &&
      (this.#folder ??= dirname(place.path)) === dirname(place.path);
    if (!isUsable) return await checkpoint.read(name);
    // Read all the same, once: weights must be finite.
    await this.#read(name);
    return place;
  }

  /** Its values until the next of the same shape is read. */
  async #read(name: EsmTensorName): Promise<Float32Array> {
    const key = `${this.checkpoint.tensors.get(name)?.shape}`;
    const data = await this.checkpoint.read(name, this.#scratch.get(key));
    this.#scratch.set(key, data);
    return data;
  }
}

/** A linear map's weights in bytes and their scales, as graphs name them; nothing for other tensors. */
function quantizedWeight(name: BlockWeight, data: Float32Array, config: Esm2Config) {
  const linear = linearPart(name);
  if (!linear) return undefined;
  const [out, width] = blockWeightShape(name, config);
  const { bytes, scales } = quantizeWeight(data, [out, width]);
  return {
    weight: { name, shape: [width, out], bytes },
    scale: { name: `${linear.module}.weight_scale`, shape: [out], values: scales },
  };
}

class Loader {
  /** @param scratch arrays to read into again and again, by what they hold */
  constructor(
    readonly checkpoint: Checkpoint,
    readonly backend: Backend,
    readonly precision: Precision,
    readonly scratch?: Map<string, Float32Array>,
  ) {}

  block(layer: number): Promise<Record<BlockWeight, Tensor>> {
    return this.#load(
      BLOCK_WEIGHTS,
      (name) => blockTensorName(layer, name),
      (name) => blockWeightShape(name, this.checkpoint.config),
      { f32: undefined, int8: this.#inBytes.bind(this), f16: this.#inHalves.bind(this) }[
        this.precision
      ],
    );
  }

  /** A linear map's weights as graphs of 8-bit products read them, its scales beside; nothing for other tensors. */
  #inBytes(
    name: BlockWeight,
    label: string,
    data: Float32Array,
  ): Record<string, Tensor> | undefined {
    const made = quantizedWeight(name, data, this.checkpoint.config);
    if (!made) return undefined;
    const { weight, scale } = made;
    return {
      [weight.name]: this.backend.uploadBytes!(label, weight.shape, weight.bytes),
      [scale.name]: this.backend.upload(`${label}_scale`, scale.shape, scale.values),
    };
  }

  /** A linear map's weights in half precision; nothing for other tensors. */
  #inHalves(
    name: BlockWeight,
    label: string,
    data: Float32Array,
  ): Record<string, Tensor> | undefined {
    if (!linearPart(name)) return undefined;
    const halves = new Float16Array(data),
      wrong = halves.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) {
      throw new UserError(
        `Cannot compute in f16 as weights must be below 65520 in it: ${label} has ${data[wrong]}`,
      );
    }
    return {
      [name]: this.backend.uploadHalves!(
        label,
        blockWeightShape(name, this.checkpoint.config),
        halves,
      ),
    };
  }

  head(): Promise<Record<HeadWeight, Tensor>> {
    return this.#load(
      HEAD_WEIGHTS.filter((name) =>
        this.checkpoint.tensors.has(headTensorName(this.checkpoint, name))
      ),
      (name) => headTensorName(this.checkpoint, name),
      (name) => headWeightShape(name, this.checkpoint.config),
    );
  }

  async #load<Name extends string>(
    names: readonly Name[],
    stored: (name: Name) => EsmTensorName,
    shapeOf: (name: Name) => number[],
    convert?: (name: Name, label: string, data: Float32Array) => Record<string, Tensor> | undefined,
  ): Promise<Record<Name, Tensor>> {
    const set = {} as Record<Name, Tensor>;
    try {
      for (const name of names) {
        const shape = shapeOf(name);
        const into = this.#reuse(name, elementCount(shape));
        const data = await this.checkpoint.read(stored(name), into);
        Object.assign(
          set,
          convert?.(name, stored(name), data) ??
            { [name]: this.backend.upload(stored(name), shape, data) },
        );
      }
      return set;
    } catch (error) {
      Object.values<Tensor>(set).forEach((t) => t[Symbol.dispose]());
      throw error;
    }
  }

  #reuse(name: string, length: number): Float32Array | undefined {
    if (!this.scratch) return undefined;
    let array = this.scratch.get(name);
    if (!array) this.scratch.set(name, array = new Float32Array(length));
    return array;
  }
}
