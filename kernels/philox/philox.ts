/**
 * Philox4x32-10, counter-based random numbers: a draw is a function of key and counter alone, so
 * thread, batch or order of work cannot change it (Salmon et al. 2011,
 * doi:10.1145/2063384.2063405). The same functions in WGSL: philox.wgsl.
 */

/** Low and high half of a 64-bit seed. */
export type PhiloxKey = readonly [low: number, high: number];

/**
 * Key of a seed in 0..2^64 − 1.
 *
 * @throws {RangeError} if it is none, or a number too large to be exact
 */
export function philoxKey(seed: number | bigint): PhiloxKey {
  const isExact = typeof seed === "bigint" || Number.isSafeInteger(seed);
  const wide = isExact ? BigInt(seed) : -1n;
  if (wide < 0n || wide >= 1n << 64n) {
    throw new RangeError(
      `Cannot seed the generator as the seed must be an integer in 0..2^64 - 1 ` +
        `(a bigint from 2^53 on): current value is ${seed}`,
    );
  }
  return [Number(wide & 0xffff_ffffn), Number(wide >> 32n)];
}

/** High half of the 64-bit product of two 32-bit words. */
export function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  // Neither sum can exceed 32 bits: (2^16 − 1)² + 2 (2^16 − 1) = 2^32 − 1.
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) >>> 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) >>> 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/** Writes the four words of a counter (four 32-bit words) to `out`. */
export function philox4x32(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  [k0, k1]: PhiloxKey,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0), low0 = Math.imul(0xd2511f53, c0);
    const high1 = multiplyHigh(0xcd9e8d57, c2), low1 = Math.imul(0xcd9e8d57, c2);
    c0 = high1 ^ c1 ^ k0;
    c1 = low1;
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Unbiased integers of one seed and stream; streams are independent of each other. */
export class PhiloxStream {
  readonly #key: PhiloxKey;
  readonly #stream: number;
  readonly #words = new Uint32Array(4);

  /**
   * Starts a sequence of draws.
   *
   * @param stream number of an independent sequence of draws from the same seed
   * @throws {RangeError} if the seed is none, see `philoxKey`
   */
  constructor(seed: number | bigint, stream = 0) {
    this.#key = philoxKey(seed);
    this.#stream = stream >>> 0;
  }

  /**
   * Unbiased integer in 0..bound − 1 by multiply-high with rejection (Lemire 2019,
   * doi:10.1145/3230636); a rejected word leads to the next attempt's counter.
   *
   * bound 1..2^32 − 1; trial and draw 0..2^32 − 1
   */
  below(bound: number, trial: number, draw: number): number {
    // 2^32 mod bound: that many low halves are left out, so that all results are equally likely.
    const unfair = (0x1_0000_0000 - bound) % bound;
    for (let attempt = 0;; attempt++) {
      philox4x32(this.#words, trial, draw, attempt, this.#stream, this.#key);
      const word = this.#words[0];
      if (Math.imul(word, bound) >>> 0 >= unfair) return multiplyHigh(word, bound);
    }
  }
}
