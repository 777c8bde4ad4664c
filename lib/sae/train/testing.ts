/** What the tests of training share: synthetic data and the dense product without a backend. */
import { Feed } from "../../train/feed.ts";
import { gaussians } from "../../train/random.ts";
import { normaliseRows } from "./parameters.ts";
import type { TrainSettings, TrainSource } from "./train.ts";
import type { DenseProduct } from "./trainer.ts";

/** The dense product of a step in plain loops. */
export const plainProduct: DenseProduct = {
  // deno-lint-ignore require-await
  async with(centred, { encoder, latentBias, inputBias }, use) {
    const D = inputBias.length, F = latentBias.length, rows = centred.length / D;
    const preActs = new Float32Array(rows * F);
    for (let n = 0; n < rows; n++) {
      for (let f = 0; f < F; f++) {
        let sum = latentBias[f];
        for (let d = 0; d < D; d++) sum += centred[n * D + d] * encoder[f * D + d];
        preActs[n * F + f] = sum;
      }
    }
    return use(preActs);
  },
};

/** Tokens that one synthetic sequence gives. */
const TOKENS = 64;

/**
 * Sequences whose tokens are sums of `active` random atoms of a dictionary with amounts in 1 … 2, about
 * a centre that is not zero.
 */
export function syntheticSource(
  { dModel, atoms, active, seed, bufferTokens }: {
    dModel: number;
    atoms: number;
    active: number;
    seed: number;
    bufferTokens: number;
  },
): TrainSource & { dictionary: Float32Array } {
  const dictionary = new Float32Array(atoms * dModel);
  gaussians(dictionary, seed, 100);
  normaliseRows(dictionary, dModel);
  const lengths = new Uint32Array(1000).fill(TOKENS);
  const feed = new Feed(Uint32Array.from(lengths, (_, i) => i), lengths, {
    ...{ maxLength: 1022, extraTokens: 0, bufferTokens, seed },
  });
  return {
    dictionary,
    feed,
    activations: (crops) => {
      const x = new Float32Array(crops.length * TOKENS * dModel).fill(0.5);
      crops.forEach(({ sequence }, c) => {
        const draws = new Float32Array(TOKENS * active * 2);
        gaussians(draws, seed, 200 + sequence);
        for (let i = 0; i < TOKENS * active; i++) {
          const at = (c * TOKENS + Math.floor(i / active)) * dModel;
          const atom = Math.floor(share(draws[2 * i]) * atoms),
            amount = 1 + share(draws[2 * i + 1]);
          for (let d = 0; d < dModel; d++) x[at + d] += amount * dictionary[atom * dModel + d];
        }
      });
      return Promise.resolve(x);
    },
  };
}

/** A number in [0, 1) from the low digits of a normal one. */
function share(normal: number): number {
  const value = Math.abs(normal) * 4096;
  return value - Math.floor(value);
}

/** Settings of a training that takes a second. */
export function smallSettings(changes: Partial<TrainSettings>): TrainSettings {
  return {
    ...{ dModel: 32, latents: 64, k: 3, auxK: 16, deadAfter: 2000, normalisation: "none" },
    ...{ learningRate: 5e-3, warmUp: 0.05, decay: 0.5, clip: 1, batch: 128, seed: 5 },
    tokens: 40_000,
    ...changes,
  };
}
