/** Philox4x32-10 in 64-bit integers, as the paper states it: slow, for tests only. */

const WORD = 0xffff_ffffn;

/** The four words of a counter. */
export function philoxReference(counter: readonly bigint[], key: readonly bigint[]): bigint[] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const p = 0xd2511f53n * c0, q = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(q >> 32n) ^ c1 ^ k0, q & WORD, (p >> 32n) ^ c3 ^ k1, p & WORD];
    k0 = (k0 + 0x9e3779b9n) & WORD;
    k1 = (k1 + 0xbb67ae85n) & WORD;
  }
  return [c0, c1, c2, c3];
}

/** Integer in 0..bound − 1 with its number of attempts. */
export function belowReference(
  bound: bigint,
  trial: bigint,
  draw: bigint,
  stream: bigint,
  seed: bigint,
): { value: bigint; attempts: number } {
  for (let attempt = 0n;; attempt++) {
    const [word] = philoxReference([trial, draw, attempt, stream], [seed & WORD, seed >> 32n]);
    const product = word * bound;
    if ((product & WORD) >= (1n << 32n) % bound) {
      return { value: product >> 32n, attempts: Number(attempt) + 1 };
    }
  }
}
