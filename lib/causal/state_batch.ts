/** Many edited copies of one sequence's residual stream, as the blocks after it take them. */
import { padBatch, planBatches, type TokenBatch } from "../esm2/mod.ts";
import type { Esm2 } from "../esm2/mod.ts";
import type { LatentSpace } from "./latent_space.ts";
import type { Capture, Edit } from "./types.ts";

/** An edit and how much of it is made. */
export interface Job {
  edit: Edit;
  /** @default 1 */
  share?: number;
}

/**
 * Sizes of the batches in which `count` edited copies of a sequence run under a budget of tokens.
 *
 * Every size needs an unedited batch of its own to compare with, so there are few: the largest that fits,
 * or for few copies about a quarter of them, and powers of two for what is left.
 */
export function batchSizes(
  { config, backend }: Esm2,
  ids: Int32Array,
  count: number,
  tokenBudget: number,
): number[] {
  const most = Math.max(1, Math.floor(tokenBudget / ids.length));
  const rows = Array.from({ length: Math.min(count, most) }, () => ids);
  const largest = Math.max(
    0,
    ...planBatches(rows, config, backend.tensorLimit, tokenBudget).map(({ size }) => size),
  );
  const power = (limit: number) => 2 ** Math.floor(Math.log2(Math.max(1, limit)));
  const usual = count >= 4 * most ? largest : Math.min(largest, power(count / 4));
  const sizes: number[] = [];
  for (let left = count; left > 0; left -= sizes.at(-1)!) {
    sizes.push(left >= usual ? usual : power(left));
  }
  return sizes;
}

/** Copies of one sequence with room for their edits; unedited between uses. */
export class StateBatch {
  readonly batch: TokenBatch;
  /** f32[B · T, D] */
  readonly data: Float32Array;

  constructor(readonly capture: Capture, readonly space: LatentSpace, size: number) {
    const { ids, hidden } = capture;
    this.batch = padBatch(Array.from({ length: size }, () => ids));
    this.data = new Float32Array(size * hidden.length);
    for (let b = 0; b < size; b++) this.data.set(hidden, b * hidden.length);
  }

  /**
   * Makes the edits, one per copy, for as long as `use` runs.
   *
   * Where nothing moves not even a zero is added: a row stays as it is bit for bit.
   */
  async edited<T>(jobs: readonly Job[], use: () => Promise<T>): Promise<T> {
    const { capture, space: { dModel }, data, batch: { width } } = this;
    try {
      jobs.forEach(({ edit, share = 1 }, b) => {
        for (const part of edit) {
          const moved = this.space.displacement(capture, part);
          const from = part.token * dModel, at = (b * width + part.token) * dModel;
          for (let d = 0; d < dModel; d++) {
            if (moved[d] !== 0) data[at + d] = capture.hidden[from + d] + share * moved[d];
          }
        }
      });
      return await use();
    } finally {
      jobs.forEach(({ edit }, b) => {
        for (const { token } of edit) {
          const from = token * dModel;
          data.set(capture.hidden.subarray(from, from + dModel), (b * width + token) * dModel);
        }
      });
    }
  }
}
