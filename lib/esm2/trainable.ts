/** A model whose weights change: the same programs, other tensors. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Checkpoint, Esm2Config, EsmTensorName } from "../checkpoint/mod.ts";
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

/** The same of those that a checkpoint has: it may lack the language-model head. */
export const shapesIn = ({ config, tensors }: Checkpoint): ReturnType<typeof weightShapes> =>
  new Map([...weightShapes(config)].filter(([name]) => tensors.has(name)));

/** Copies of a checkpoint's weights. @throws {UserError} if it lacks one of these */
export async function readWeights(
  checkpoint: Checkpoint,
  names: Iterable<EsmTensorName>,
): Promise<WeightArrays> {
  const weights: WeightArrays = {};
  for (const name of names) weights[name] = (await checkpoint.read(name)).slice();
  return weights;
}

/** Weights that change between runs, each a tensor as it stands. */
export class LiveWeights implements WeightSource {
  /**
   * @param tensorOf gives the weight of a name, valid for the run that asks; it stays whose it is; none of
   *   the language-model head where a model has none
   */
  constructor(readonly tensorOf: (name: string) => Tensor | undefined) {}

  block(layer: number): Promise<WeightSet<BlockWeight>> {
    return Promise.resolve(this.#set(BLOCK_WEIGHTS, (name) => `layers.${layer}.${name}`));
  }

  head(): Promise<WeightSet<HeadWeight>> {
    return Promise.resolve(this.#set(HEAD_WEIGHTS, storedName));
  }

  embedding(): Tensor {
    return this.tensorOf(EMBEDDING)!;
  }

  [Symbol.dispose](): void {}

  #set<Name extends string>(
    names: readonly Name[],
    stored: (name: Name) => string,
  ): WeightSet<Name> {
    const tensors = {} as Record<Name, Tensor>;
    for (const name of names) {
      const tensor = this.tensorOf(stored(name));
      if (tensor) tensors[name] = tensor;
    }
    return { tensors, [Symbol.dispose]() {} };
  }
}

/** Tensors of arrays by name, made when they are first asked for. */
export class UploadedWeights implements Disposable {
  readonly #tensors = new Map<string, Tensor>();

  constructor(
    readonly shapes: ReadonlyMap<string, readonly number[]>,
    readonly arrays: Readonly<WeightArrays>,
    readonly backend: Backend,
  ) {}

  tensor(name: string): Tensor {
    let tensor = this.#tensors.get(name);
    if (!tensor) {
      tensor = this.backend.upload(name, this.shapes.get(name)!, this.arrays[name]);
      this.#tensors.set(name, tensor);
    }
    return tensor;
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
    this.#tensors.clear();
  }
}
