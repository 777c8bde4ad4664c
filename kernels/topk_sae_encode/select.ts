/** The k largest of each row on the CPU, from few candidates: those above what the last row suggests. */
import { Candidates } from "./candidates.ts";
import { type SparseLatents, type TopLatents, validateK, validateLength } from "./types.ts";

/**
 * Selects the k largest latents of each token, exactly.
 *
 * preActs     f32[N, F]   finite, F up to 2^21
 * topActs     f32[N, k]   max(preActs, 0), in descending order of preActs
 * topIndices  u32[N, k]   ties: lower index first
 *
 * @throws {RangeError} if k is not in 1..F or preActs is not [N, F]
 */
export function selectTopK(
  preActs: Float32Array,
  tokens: number,
  latents: number,
  k: number,
): TopLatents {
  const topActs = new Float32Array(tokens * k), topIndices = new Uint32Array(tokens * k);
  forEachToken(preActs, tokens, latents, k, (candidates, token) => {
    candidates.sort();
    for (let rank = 0, at = token * k; rank < k; rank++, at++) {
      const index = candidates.index(k - 1 - rank), value = preActs[token * latents + index];
      topIndices[at] = index;
      topActs[at] = value > 0 ? value : 0;
    }
  });
  return { topActs, topIndices };
}

/**
 * The active ones among the k largest latents of each token: `toSparse` of `selectTopK` without their
 * order, which takes longest.
 *
 * preActs  f32[N, F]   finite, F up to 2^21
 *
 * @throws {RangeError} if k is not in 1..F or preActs is not [N, F]
 */
export function selectSparse(
  preActs: Float32Array,
  tokens: number,
  latents: number,
  k: number,
): SparseLatents {
  const offsets = new Uint32Array(tokens + 1);
  const indices = new Uint32Array(tokens * k), values = new Float32Array(tokens * k);
  let entry = 0;
  forEachToken(preActs, tokens, latents, k, (candidates, token) => {
    for (let i = 0; i < k; i++) {
      const index = candidates.index(i), value = preActs[token * latents + index];
      if (!(value > 0)) continue;
      indices[entry] = index;
      values[entry++] = value;
    }
    offsets[token + 1] = entry;
  });
  return {
    rows: tokens,
    latents,
    offsets,
    // Often all are active: then there is nothing to give back.
    indices: entry === indices.length ? indices : indices.slice(0, entry),
    values: entry === values.length ? values : values.slice(0, entry),
  };
}

/** @param visit gets the k largest of each token, by ascending index */
function forEachToken(
  preActs: Float32Array,
  tokens: number,
  latents: number,
  k: number,
  visit: (candidates: Candidates, token: number) => void,
): void {
  validateK(k, latents);
  validateLength("preActs", preActs, [tokens, latents]);
  const candidates = new Candidates(preActs, latents, k);
  for (let token = 0, guess = -Infinity; token < tokens; token++) {
    const begin = token * latents;
    if (!candidates.select(begin, guess)) candidates.select(begin, -Infinity);
    visit(candidates, token);
    guess = candidates.guess();
  }
}
