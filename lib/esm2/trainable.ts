/** A model whose weights change: the same programs, weights in arrays of the host. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Esm2Config, EsmTensorName } from "../checkpoint/mod.ts";
import { expectedTensors } from "../checkpoint/names.ts";
import { BLOCK_WEIGHTS, type BlockWeight } from "./block.ts";
import { HEAD_WEIGHTS, type HeadWeight } from "./head.ts";
import type { WeightSet, WeightSource } from "./weights.ts";

/** Weights by fair-esm's names; the decoder is the embedding. */
export type WeightArrays = Record<string, Float32Array>;

/** Name of the tied embedding, which the head reads as `lm_head.weight`. */
export const EMBEDDING = "embed_tokens.weight";

/** Where a weight of the head is stored. */
export const storedName = (name: HeadWeight): string =>
  name === "lm_head.weight" ? EMBEDDING : name;

/** Names and shapes of all weights of an ESM-2, but for the contact head. */
export const weightShapes = (config: Esm2Config): Map<EsmTensorName, readonly number[]> =>
  new Map(
    expectedTensors(config).filter(({ optional }) => !optional)
      .map(({ name, shape }) => [name, shape]),
  );

/** Weights that are written to between runs. */
export class ArrayWeights implements WeightSource {
  readonly #tensors = new Map<string, Tensor>();
  readonly #shapes: ReadonlyMap<string, readonly number[]>;

  /** @param arrays stay the caller's, who changes them between runs */
  constructor(
    readonly config: Esm2Config,
    readonly arrays: Readonly<WeightArrays>,
    readonly backend: Backend,
  ) {
    this.#shapes = weightShapes(config);
  }

  /** To be called when the arrays have changed: a host reads them where they are, a GPU's copies are old. */
  changed(): void {
    if (this.backend.gpu) this.#free();
  }

  block(layer: number): Promise<WeightSet<BlockWeight>> {
    return Promise.resolve(
      this.#set(BLOCK_WEIGHTS, (name) => `layers.${layer}.${name}`),
    );
  }

  head(): Promise<WeightSet<HeadWeight>> {
    return Promise.resolve(this.#set(HEAD_WEIGHTS, storedName));
  }

  [Symbol.dispose](): void {
    this.#free();
  }

  #set<Name extends string>(
    names: readonly Name[],
    stored: (name: Name) => string,
  ): WeightSet<Name> {
    const tensors = {} as Record<Name, Tensor>;
    for (const name of names) {
      const key = stored(name);
      let tensor = this.#tensors.get(key);
      if (!tensor) {
        tensor = this.backend.upload(key, this.#shapes.get(key)!, this.arrays[key]);
        this.#tensors.set(key, tensor);
      }
      tensors[name] = tensor;
    }
    return { tensors, [Symbol.dispose]() {} };
  }

  #free(): void {
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
    this.#tensors.clear();
  }
}
