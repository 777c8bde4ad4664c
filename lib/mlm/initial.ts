/** Weights before any training. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { gaussians } from "../train/random.ts";
import { EMBEDDING, type WeightArrays, weightShapes } from "../esm2/trainable.ts";

/**
 * Normal numbers of variance 1 ÷ inputs for matrices, those that write to the residual stream smaller by
 * the root of their number (GPT-2's rule); 0.02 for the embedding, as Hugging Face's ESM; gains 1,
 * biases 0.
 */
export function initialWeights(config: Esm2Config, seed: number): WeightArrays {
  const weights: WeightArrays = {};
  let stream = 1000;
  for (const [name, shape] of weightShapes(config)) {
    const array = weights[name] = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (shape.length === 1) {
      if (name.endsWith("norm.weight") || name.endsWith("norm_after.weight")) array.fill(1);
      continue;
    }
    gaussians(array, seed, stream++);
    const writes = /out_proj|fc2/.test(name);
    const scale = name === EMBEDDING
      ? 0.02
      : 1 / Math.sqrt(shape[1] * (writes ? 2 * config.layers : 1));
    for (let i = 0; i < array.length; i++) array[i] *= scale;
  }
  return weights;
}
