/** A model's weights on a backend: all of them, or one block's at a time. */
import type { Backend, Tensor } from "../backend/types.ts";
import { elementCount } from "../backend/types.ts";
import type { Checkpoint, EsmTensorName } from "../checkpoint/mod.ts";
import type { Place, PlaceAdapters } from "./adapter_weights.ts";
import { BLOCK_WEIGHTS, type BlockWeight, blockWeightShape } from "./block.ts";
import { HEAD_WEIGHTS, type HeadWeight, headWeightShape } from "./head.ts";

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
): Promise<WeightSource> {
  const loader = new Loader(checkpoint, backend);
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

/** Reads a block's weights from the checkpoint each time it runs: memory of one block. */
export function streamWeights(checkpoint: Checkpoint, backend: Backend): WeightSource {
  const loader = new Loader(checkpoint, backend, new Map());
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

class Loader {
  /** @param scratch arrays to read into again and again, by what they hold */
  constructor(
    readonly checkpoint: Checkpoint,
    readonly backend: Backend,
    readonly scratch?: Map<string, Float32Array>,
  ) {}

  block(layer: number): Promise<Record<BlockWeight, Tensor>> {
    return this.#load(
      BLOCK_WEIGHTS,
      (name) => blockTensorName(layer, name),
      (name) => blockWeightShape(name, this.checkpoint.config),
    );
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
  ): Promise<Record<Name, Tensor>> {
    const set = {} as Record<Name, Tensor>;
    try {
      for (const name of names) {
        const shape = shapeOf(name);
        const into = this.#reuse(name, elementCount(shape));
        const data = await this.checkpoint.read(stored(name), into);
        set[name] = this.backend.upload(stored(name), shape, data);
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
