/** What adapters do not read in training. */
import { philox4x32, philoxKey } from "../../kernels/philox/mod.ts";
import type { AdapterDropout } from "../esm2/adapter_weights.ts";
import { BLOCK_LINEARS, type BlockLinear } from "../esm2/adapters.ts";
import { STREAM } from "./random.ts";

/**
 * Drops each number with probability `share` and scales the others by 1 ÷ (1 − share): a function of seed,
 * draw, block, linear map and position alone, so that the way down meets the masks of the way up.
 *
 * @param draw which micro-batch of the training
 * @throws {RangeError} if the share is not in 0..1 (1 excluded)
 */
export function adapterDropout(share: number, seed: number, draw: number): AdapterDropout {
  if (!(share >= 0 && share < 1)) {
    throw new RangeError(
      `Cannot drop as the share must be at least 0 and below 1: current value is ${share}`,
    );
  }
  const key = philoxKey(seed), words = new Uint32Array(4), halves = new Uint16Array(words.buffer);
  const kept = 1 / (1 - share), threshold = share * 2 ** 16, maps = BLOCK_LINEARS.length;
  return (place, module, count) => {
    if (share === 0) return undefined;
    const where = place === "head" ? 0 : 1 + place * maps + BLOCK_LINEARS.indexOf(
      module as BlockLinear,
    );
    const mask = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      if (i % 8 === 0) philox4x32(words, i / 8, where, draw, STREAM.dropout, key);
      mask[i] = halves[i % 8] < threshold ? 0 : kept;
    }
    return mask;
  };
}
