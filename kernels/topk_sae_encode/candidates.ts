/** The candidates for the k largest of a row, in memory that all rows share. */

/** Values and indices share a number of 53 bits, which leaves 21 to the index. */
const MOST_LATENTS = 2 ** 21;

/** Gathers what is above a guess and keeps the k largest of it, by ascending index. */
export class Candidates {
  readonly #values: Float32Array;
  readonly #bits: Int32Array;
  readonly #latents: number;
  readonly #k: number;
  /** Candidates, each a number that orders as (value, then lower index) does. */
  readonly #keys: Float64Array;
  readonly #scratch: Float64Array;
  readonly #scale: number;
  /** Candidates that are gathered before all but k of them go. */
  readonly #most: number;
  #count = 0;
  /** Least and largest of the k. */
  #least = 0;
  #largest = 0;

  /** @throws {RangeError} if there are more than 2^21 latents */
  constructor(values: Float32Array, latents: number, k: number) {
    if (latents > MOST_LATENTS) {
      throw new RangeError(
        `Cannot select topk as F must be at most ${MOST_LATENTS}: current value is ${latents}`,
      );
    }
    this.#values = values;
    this.#bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    this.#latents = latents;
    this.#k = k;
    this.#most = 4 * k + 64;
    // A group of four and the rest of a row can still come on top.
    this.#keys = new Float64Array(this.#most + 8);
    this.#scratch = new Float64Array(this.#keys.length);
    this.#scale = 2 ** Math.ceil(Math.log2(Math.max(2, latents)));
  }

  /** Finds the k largest of the row from `begin` on, if at least k of it are `floor` or more. */
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

  /** Index within the row of the i-th of the k. */
  index(i: number): number {
    return this.#indexOf(this.#keys[i]);
  }

  /** Puts the k in ascending order of their values, then descending order of their indices. */
  sort(): void {
    this.#keys.subarray(0, this.#k).sort();
  }

  /** A floor for the next row: about twice as many values of a bell curve are above it. */
  guess(): number {
    return this.#least - 0.25 * (this.#largest - this.#least);
  }

  #add(begin: number, index: number): void {
    const bits = this.#bits[begin + index];
    // Sign and magnitude to an integer: orders as the values do, and both zeros are one.
    const order = bits >= 0 ? bits : -(bits & 0x7fff_ffff);
    this.#keys[this.#count++] = order * this.#scale + (this.#scale - 1 - index);
  }

  #indexOf(key: number): number {
    return this.#scale - 1 - (key - Math.floor(key / this.#scale) * this.#scale);
  }

  /** Keeps the k largest, in their order; returns the least, which no later value may fall below. */
  #prune(begin: number): number {
    const keys = this.#keys, scratch = this.#scratch, count = this.#count;
    for (let i = 0; i < count; i++) scratch[i] = keys[i];
    const least = smallestBut(scratch, count, count - this.#k);
    let kept = 0, largest = least;
    for (let i = 0; i < count; i++) {
      const key = keys[i];
      if (key < least) continue;
      keys[kept++] = key;
      if (key > largest) largest = key;
    }
    this.#count = kept;
    this.#largest = this.#values[begin + this.#indexOf(largest)];
    return this.#least = this.#values[begin + this.#indexOf(least)];
  }
}

/** What would stand at `target` if the first `count` values, all different, were sorted (Hoare). */
function smallestBut(values: Float64Array, count: number, target: number): number {
  let low = 0, high = count - 1;
  while (low < high) {
    const a = values[low], b = values[(low + high) >> 1], c = values[high];
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
    let i = low, j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const swapped = values[i];
      values[i++] = values[j];
      values[j--] = swapped;
    }
    if (target <= j) high = j;
    else if (target >= i) low = i;
    else break;
  }
  return values[target];
}
