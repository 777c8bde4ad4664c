/** Selects the largest pre-activations of one token. */
import type { FloatArray } from "../../train/arrays.ts";

/**
 * Writes the at most k largest values of `values[begin …]` that are above a floor, descending; ties:
 * lower index first.
 *
 * @param floor zero for latents as they are used, −∞ to keep negative ones
 * @param among latents to choose from, ascending; all `count` without it
 * @param indices u32[≥ k], receives the latents
 * @param top f64[≥ k], receives their values
 * @returns how many there are
 */
export function topK(
  values: FloatArray,
  begin: number,
  count: number,
  k: number,
  indices: Uint32Array,
  top: Float64Array,
  floor = 0,
  among?: Uint32Array,
): number {
  let found = 0, least = floor;
  const candidates = among ? among.length : count;
  for (let i = 0; i < candidates; i++) {
    const latent = among ? among[i] : i, value = values[begin + latent];
    if (!(value > least)) continue;
    let at = found < k ? found++ : k - 1;
    for (; at > 0 && top[at - 1] < value; at--) {
      top[at] = top[at - 1];
      indices[at] = indices[at - 1];
    }
    top[at] = value;
    indices[at] = latent;
    if (found === k) least = top[k - 1];
  }
  return found;
}
