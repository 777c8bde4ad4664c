/** Maps of residue pairs as bytes of a page. */

/** Pixels of a side beyond which a map's pairs are put together. */
const MOST = 1024;

export interface QuantisedMap {
  /** Value of step 255. */
  max: number;
  /** u8[side, side], steps of √(value / max). */
  steps: Uint8Array;
}

/** How many residues a pixel of a map stands for. */
export const binOf = (length: number): number => Math.ceil(length / MOST);

/**
 * A map of values from 0 on 256 square-root steps, so that small values, the bulk of it, keep their
 * differences; where `bin` residues share a pixel it has their largest value.
 *
 * @param map f32[length, length], or with rows that are `stride` apart
 */
export function quantise(
  map: Float32Array,
  length: number,
  bin: number = binOf(length),
  stride: number = length,
): QuantisedMap {
  const side = Math.ceil(length / bin), steps = new Uint8Array(side * side);
  const [largest, apart] = bin === 1 ? [map, stride] : [largestOf(map, length, bin, stride), side];
  let max = 0;
  for (let i = 0; i < side; i++) {
    const end = i * apart + side;
    for (let k = i * apart; k < end; k++) if (largest[k] > max) max = largest[k];
  }
  // A root and a cut, without a branch: a map has a million values of which each is a pixel.
  const scale = max > 0 ? 255 * 255 / max : 0;
  for (let i = 0; i < side; i++) {
    const to = i * side, from = i * apart;
    for (let j = 0; j < side; j++) steps[to + j] = Math.sqrt(largest[from + j] * scale) + 0.5;
  }
  return { max, steps };
}

/** The largest value of each pixel. */
function largestOf(
  map: Float32Array,
  length: number,
  bin: number,
  stride: number,
): Float32Array {
  const side = Math.ceil(length / bin), largest = new Float32Array(side * side);
  const pixel = Uint32Array.from({ length }, (_, i) => Math.floor(i / bin));
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      const value = map[i * stride + j], at = pixel[i] * side + pixel[j];
      if (value > largest[at]) largest[at] = value;
    }
  }
  return largest;
}
