/** The k largest of each row on the CPU, from few candidates: those above what the last row suggests. */
import { type TopLatents, validateK, validateLength } from "./types.ts";

/** Values and indices share a number of 53 bits, which leaves 21 to the index. */
const MOST_LATENTS = 2 ** 21;

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
  validateK(k, latents);
  validateLength("preActs", preActs, [tokens, latents]);
  if (latents > MOST_LATENTS) {
    throw new RangeError(
      `Cannot select topk as F must be at most ${MOST_LATENTS}: current value is ${latents}`,
    );
  }
  const topActs = new Float32Array(tokens * k), topIndices = new Uint32Array(tokens * k);
  const selection = new Selection(preActs, latents, k);
  let guess = -Infinity;
  for (let n = 0; n < tokens; n++) {
    const begin = n * latents;
    const found = selection.select(begin, guess) || selection.select(begin, -Infinity);
    if (!found) throw new Error("a row has fewer candidates than k");
    selection.write(begin, topActs, topIndices, n * k);
    guess = selection.nextGuess(begin);
  }
  return { topActs, topIndices };
}

/** The candidates of one row at a time, in memory that all rows share. */
class Selection {
  readonly #values: Float32Array;
  readonly #bits: Int32Array;
  readonly #latents: number;
  readonly #k: number;
  /** Candidates, each a number that orders as (value, then lower index) does. */
  readonly #keys: Float64Array;
  /** Candidates that are gathered before the least of them go. */
  readonly #most: number;
  readonly #scale: number;
  #count = 0;

  constructor(values: Float32Array, latents: number, k: number) {
    this.#values = values;
    this.#bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    this.#latents = latents;
    this.#k = k;
    this.#most = 4 * k + 64;
    // A group of four and the rest of a row can still come on top.
    this.#keys = new Float64Array(this.#most + 8);
    this.#scale = 2 ** Math.ceil(Math.log2(Math.max(2, latents)));
  }

  /** Leaves the k largest in ascending order, if at least k of the row are `floor` or more. */
  select(begin: number, floor: number): boolean {
    const values = this.#values, latents = this.#latents;
    this.#count = 0;
    let least = floor, i = 0;
    for (; i + 4 <= latents; i += 4) {
      const at = begin + i;
      if (
        values[at] >= least || values[at + 1] >= least || values[at + 2] >= least ||
        values[at + 3] >= least
      ) {
        if (this.#count > this.#most) least = this.#prune(begin);
        for (let j = i; j < i + 4; j++) if (values[begin + j] >= least) this.#add(begin, j);
      }
    }
    for (; i < latents; i++) if (values[begin + i] >= least) this.#add(begin, i);
    if (this.#count < this.#k) return false;
    this.#prune(begin);
    return true;
  }

  write(begin: number, acts: Float32Array, indices: Uint32Array, at: number): void {
    for (let rank = 0, from = this.#k - 1; rank < this.#k; rank++, from--) {
      const index = this.#index(from), value = this.#values[begin + index];
      indices[at + rank] = index;
      acts[at + rank] = value > 0 ? value : 0;
    }
  }

  /** Somewhat below the least kept: about twice as many values of a bell curve are above it. */
  nextGuess(begin: number): number {
    const least = this.#values[begin + this.#index(0)];
    const largest = this.#values[begin + this.#index(this.#k - 1)];
    return least - 0.25 * (largest - least);
  }

  #add(begin: number, index: number): void {
    const bits = this.#bits[begin + index];
    // Sign and magnitude to an integer: orders as the values do, and both zeros are one.
    const order = bits >= 0 ? bits : -(bits & 0x7fff_ffff);
    this.#keys[this.#count++] = order * this.#scale + (this.#scale - 1 - index);
  }

  #index(i: number): number {
    const key = this.#keys[i];
    return this.#scale - 1 - (key - Math.floor(key / this.#scale) * this.#scale);
  }

  /** Keeps the k largest; returns the least of them, which no later value may fall below. */
  #prune(begin: number): number {
    const kept = this.#keys.subarray(0, this.#count).sort();
    if (this.#count > this.#k) {
      kept.copyWithin(0, this.#count - this.#k);
      this.#count = this.#k;
    }
    return this.#values[begin + this.#index(0)];
  }
}
