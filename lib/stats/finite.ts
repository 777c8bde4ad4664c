/** Values that are no numbers. */

/** Values added up at a time: the sum of so many finite single-precision values is finite. */
const PIECE = 1 << 16;

/** Index of the first value that is NaN or infinite, or −1. */
export function firstNonFinite(values: Float32Array): number {
  for (let begin = 0; begin < values.length; begin += PIECE) {
    const end = Math.min(values.length, begin + PIECE);
    // Not finite if any term is not; four sums, as each addition waits for the one before.
    let a = 0, b = 0, c = 0, d = 0, i = begin;
    for (; i + 3 < end; i += 4) {
      a += values[i];
      b += values[i + 1];
      c += values[i + 2];
      d += values[i + 3];
    }
    for (; i < end; i++) a += values[i];
    if (Number.isFinite(a + b + c + d)) continue;
    for (i = begin; i < end; i++) if (!Number.isFinite(values[i])) return i;
  }
  return -1;
}
