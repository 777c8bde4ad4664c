/** Weights of the trunk's blocks, all kept or each read when it runs. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { FoldCheckpoint } from "./open.ts";
import { blockTensors } from "./tensors.ts";
import type { BlockWeights, TrunkWeights } from "./trunk.ts";

/**
 * @param lowMemory whether a block's weights are read each time it runs, and freed after
 */
export function trunkWeights(
  checkpoint: FoldCheckpoint,
  backend: Backend,
  lowMemory: boolean,
): TrunkWeights {
  const names = blockTensors(checkpoint.config);
  const kept = new Map<number, Readonly<Record<string, Tensor>>>();
  const load = async (index: number) => {
    const tensors: Record<string, Tensor> = {};
    try {
      for (const [name, shape] of names) {
        const values = await checkpoint.read(`trunk.blocks.${index}.${name}`);
        tensors[name] = backend.upload(name, shape, values);
      }
    } catch (error) {
      free(tensors);
      throw error;
    }
    return tensors;
  };
  return {
    async block(index): Promise<BlockWeights> {
      if (lowMemory) {
        const tensors = await load(index);
        return { tensors, [Symbol.dispose]: () => free(tensors) };
      }
      const tensors = kept.get(index) ?? await load(index);
      kept.set(index, tensors);
      return { tensors, [Symbol.dispose]() {} };
    },
    [Symbol.dispose]() {
      for (const tensors of kept.values()) free(tensors);
      kept.clear();
    },
  };
}

const free = (tensors: Readonly<Record<string, Tensor>>) =>
  Object.values(tensors).forEach((tensor) => tensor[Symbol.dispose]());
