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
  const side = Math.ceil(length / bin), largest = new Float32Array(side * side);
  let max = 0;
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      const value = map[i * length + j], at = Math.floor(i / bin) * side + Math.floor(j / bin);
      if (value > largest[at]) largest[at] = value;
      if (value > max) max = value;
    }
  }
  const steps = max > 0
    ? Uint8Array.from(largest, (value) => Math.round(255 * Math.sqrt(value / max)))
    : new Uint8Array(side * side);
  return { max, steps };
}
