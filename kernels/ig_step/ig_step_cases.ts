/** Shapes shared by test and benchmark, and what they cost. */
import { randomDecode } from "../sparse_decode/sparse_decode_cases.ts";
import { toSparse } from "../topk_sae_encode/mod.ts";
import { randomValues } from "../topk_sae_encode/topk_sae_encode_cases.ts";
import { pairLatents } from "./types.ts";

export interface IgCase {
  name: string;
  /** S */
  steps: number;
  /** N */
  tokens: number;
  /** Latents listed for each end of the path. */
  active: number;
  /** F */
  latents: number;
  /** D */
  dModel: number;
}

const named = ([steps, tokens, active, latents, dModel]: number[]): IgCase => ({
  name: `[${steps}, ${tokens}, ${dModel}], ${active} of ${latents}`,
  steps,
  tokens,
  active,
  latents,
  dModel,
});

export const TEST_CASES: readonly IgCase[] = [
  [1, 1, 1, 1, 1],
  [2, 1, 3, 9, 7],
  [3, 2, 5, 31, 63],
  [5, 7, 2, 16, 64],
  [10, 3, 8, 40, 65],
  [4, 31, 3, 12, 129],
].map(named);

/** Ten steps at once of a short protein: the embedded model, and 650M with the width of InterProt. */
export const BENCH_CASES: readonly IgCase[] = [
  [10, 66, 32, 1024, 128],
  [10, 66, 64, 4096, 1280],
].map(named);

/** Least traffic: ends in, path out; gradients and sum in, sum out; pairs and decoder in, nodes out. */
export function bytes({ steps, tokens, active, latents, dModel }: IgCase): number {
  const size = tokens * dModel, entries = tokens * active;
  const rows = Math.min(latents, entries);
  return 4 * ((2 + steps) * size + (steps + 2) * size + size + rows * dModel + 4 * entries);
}

/** Two products and two additions a value of the path, one each of the gradients and of the nodes. */
export function flops({ steps, tokens, active, dModel }: IgCase): number {
  return tokens * dModel * (3 * steps + 2 * steps + 2 * active);
}

/** Two states of the same tokens, their errors, and gradients along the path between them. */
export function randomPath({ steps, tokens, active, latents, dModel }: IgCase, seed: number) {
  const shape = { name: "", tokens, entries: active, latents, dModel };
  const one = randomDecode(shape, seed), other = randomDecode(shape, seed + 10);
  const sparse = (state: typeof one) => distinct(toSparse(state, tokens, latents));
  return {
    pairs: pairLatents(sparse(one), sparse(other)),
    decoder: one.decoder,
    scale: one.scale,
    errors: { base: one.addend, input: other.addend },
    gradients: randomValues(steps * tokens * dModel, seed + 20, 1),
    weights: Float32Array.from({ length: steps }, (_, s) => (s + 1) / steps),
    alphas: Float32Array.from({ length: steps }, (_, s) => s / Math.max(1, steps - 1)),
  };
}

/** The same with each latent once per token: random lists repeat some. */
function distinct(sparse: ReturnType<typeof toSparse>): ReturnType<typeof toSparse> {
  const { rows, indices, values } = sparse;
  const offsets = new Uint32Array(rows + 1), kept: number[] = [];
  for (let n = 0; n < rows; n++) {
    for (let i = sparse.offsets[n]; i < sparse.offsets[n + 1]; i++) {
      if (i === sparse.offsets[n] || indices[i] !== indices[i - 1]) kept.push(i);
    }
    offsets[n + 1] = kept.length;
  }
  return {
    ...sparse,
    offsets,
    indices: Uint32Array.from(kept, (i) => indices[i]),
    values: Float32Array.from(kept, (i) => values[i]),
  };
}
