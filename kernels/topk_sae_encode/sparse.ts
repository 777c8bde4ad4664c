/** Latents as compressed sparse rows. */
import { type SparseLatents, type TopLatents, validateLength } from "./types.ts";

/**
 * The active latents (> 0) of a selection, ascending within each token.
 *
 * @throws {RangeError} if the selection is not [N, k]
 */
export function toSparse(
  { topActs, topIndices }: TopLatents,
  tokens: number,
  latents: number,
): SparseLatents {
  const k = tokens === 0 ? 0 : topActs.length / tokens;
  validateLength("topActs", topActs, [tokens, Math.floor(k)]);
  validateLength("topIndices", topIndices, [tokens, Math.floor(k)]);
  const sparse = allocate(topActs, tokens, latents);
  const { offsets, indices, values } = sparse;
  // Latent and rank in one number: sorting numbers needs no call back.
  const keys = new Float64Array(k);
  for (let n = 0, entry = 0; n < tokens; n++) {
    let active = 0;
    for (let rank = 0; rank < k; rank++) {
      if (topActs[n * k + rank] > 0) keys[active++] = topIndices[n * k + rank] * k + rank;
    }
    keys.subarray(0, active).sort();
    for (let i = 0; i < active; i++, entry++) {
      indices[entry] = Math.floor(keys[i] / k);
      values[entry] = topActs[n * k + keys[i] % k];
    }
    offsets[n + 1] = entry;
  }
  return sparse;
}

/**
 * The positive pre-activations of each token: what an autoencoder with ReLU activates.
 *
 * preActs  f32[N, F]
 *
 * @throws {RangeError} if preActs is not [N, F]
 */
export function reluToSparse(
  preActs: Float32Array,
  tokens: number,
  latents: number,
): SparseLatents {
  validateLength("preActs", preActs, [tokens, latents]);
  const sparse = allocate(preActs, tokens, latents);
  const { offsets } = sparse;
  // One place more: every value is written, and the next one overwrites it unless it is positive.
  const indices = new Uint32Array(sparse.indices.length + 1);
  const values = new Float32Array(sparse.values.length + 1);
  const bits = bitsOf(preActs);
  for (let n = 0, entry = 0; n < tokens; n++) {
    const begin = n * latents;
    for (let j = 0; j < latents; j++) {
      indices[entry] = j;
      values[entry] = preActs[begin + j];
      entry += isPositive(bits[begin + j]);
    }
    offsets[n + 1] = entry;
  }
  sparse.indices.set(indices.subarray(0, sparse.indices.length));
  sparse.values.set(values.subarray(0, sparse.values.length));
  return sparse;
}

const bitsOf = (values: Float32Array) =>
  new Int32Array(values.buffer, values.byteOffset, values.length);

/** 1 for the bits of a single-precision number above zero, else 0, without a branch to mispredict. */
const isPositive = (bits: number) => (-bits & ~bits) >>> 31;

/** Room for all positive values. */
function allocate(dense: Float32Array, rows: number, latents: number): SparseLatents {
  const bits = bitsOf(dense);
  let active = 0;
  for (let i = 0; i < bits.length; i++) active += isPositive(bits[i]);
  return {
    rows,
    latents,
    offsets: new Uint32Array(rows + 1),
    indices: new Uint32Array(active),
    values: new Float32Array(active),
  };
}
