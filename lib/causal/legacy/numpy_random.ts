/** NumPy's legacy random numbers, for samples that published tools drew with a seed. */

const WORDS = 624, MIDDLE = 397;

/**
 * `numpy.random.RandomState(seed)`: the Mersenne Twister MT19937 (Matsumoto & Nishimura 1998), seeded as
 * `init_genrand` does (numpy/random/src/mt19937, `_legacy_seeding` of a whole number).
 */
export class RandomState {
  readonly #words = new Uint32Array(WORDS);
  #at = WORDS;

  /** @param seed whole number in 0..2^32 − 1 */
  constructor(seed: number) {
    const words = this.#words;
    words[0] = seed;
    for (let i = 1; i < WORDS; i++) {
      const before = words[i - 1];
      words[i] = Math.imul(1812433253, before ^ before >>> 30) + i;
    }
  }

  nextUint32(): number {
    if (this.#at === WORDS) this.#twist();
    let y = this.#words[this.#at++];
    y ^= y >>> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return (y ^ y >>> 18) >>> 0;
  }

  /** `permutation(count)`: a Fisher–Yates shuffle of 0..count − 1 from the end. */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.#upTo(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** A number in 0..max by masking and rejection (`random_interval`), max < 2^32. */
  #upTo(max: number): number {
    const mask = 2 ** (32 - Math.clz32(max)) - 1;
    for (;;) {
      const value = (this.nextUint32() & mask) >>> 0;
      if (value <= max) return value;
    }
  }

  #twist(): void {
    const words = this.#words;
    for (let i = 0; i < WORDS; i++) {
      const y = words[i] & 0x80000000 | words[(i + 1) % WORDS] & 0x7fffffff;
      words[i] = words[(i + MIDDLE) % WORDS] ^ y >>> 1 ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }
}

/**
 * Rows that pandas' `DataFrame.sample(n, random_state=seed)` takes of `total`, in its order: the first n
 * of a permutation.
 */
export function pandasSample(total: number, n: number, seed: number): number[] {
  return new RandomState(seed).permutation(total).slice(0, n);
}
