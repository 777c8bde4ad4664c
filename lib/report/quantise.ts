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
 * @param map f32[length, length]
 */
export function quantise(map: Float32Array, length: number, bin = binOf(length)): QuantisedMap {
  const side = Math.ceil(length / bin);
  const largest = bin === 1 ? map : largestOf(map, length, bin),
    steps = new Uint8Array(side * side);
  let max = 0;
  for (let k = 0; k < largest.length; k++) if (largest[k] > max) max = largest[k];
  // A root and a cut, without a branch: a map has a million values of which each is a pixel.
  const scale = max > 0 ? 255 * 255 / max : 0;
  for (let k = 0; k < steps.length; k++) steps[k] = Math.sqrt(largest[k] * scale) + 0.5;
  return { max, steps };
}

/** The largest value of each pixel. */
function largestOf(map: Float32Array, length: number, bin: number): Float32Array {
  const side = Math.ceil(length / bin), largest = new Float32Array(side * side);
  const pixel = Uint32Array.from({ length }, (_, i) => Math.floor(i / bin));
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      const value = map[i * length + j], at = pixel[i] * side + pixel[j];
      if (value > largest[at]) largest[at] = value;
    }
  }
  return largest;
}
