/** Many edited copies of one sequence's residual stream, as the blocks after it take them. */
import type { Backend, Tensor } from "../backend/types.ts";
import { padBatch, planBatches, type TokenBatch } from "../esm2/mod.ts";
import type { Esm2 } from "../esm2/mod.ts";
import type { LatentSpace } from "./latent_space.ts";
import type { Capture, Edit } from "./types.ts";

/** An edit and how much of it is made. */
export interface Job {
  /** What is changed. */
  edit: Edit;
  /** Share of the edit that is made. @default 1 */
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

/**
 * Copies of one sequence with room for their edits; unedited between uses. They stay on the device: only
 * edited rows are sent there.
 */
export class StateBatch implements Disposable {
  readonly batch: TokenBatch;
  /** f32[B · T, D] */
  readonly hidden: Tensor;
  readonly #data: Float32Array;
  /** Rows that are edited now, or were the last time and are so still on the device. */
  #rows = new Set<number>();

  constructor(
    readonly capture: Capture,
    readonly space: LatentSpace,
    readonly backend: Backend,
    size: number,
  ) {
    const { ids, hidden } = capture;
    this.batch = padBatch(Array.from({ length: size }, () => ids));
    this.#data = new Float32Array(size * hidden.length);
    for (let b = 0; b < size; b++) this.#data.set(hidden, b * hidden.length);
    // A host backend keeps the array itself, so that edits of it are edits of the tensor.
    this.hidden = backend.upload("states", [size * ids.length, space.dModel], this.#data);
  }

  /** The copies as they are now, to keep. */
  snapshot(): Tensor {
    return this.backend.upload("states", this.hidden.shape, this.#data.slice());
  }

  /**
   * Makes the edits, one per copy, for as long as `use` runs.
   *
   * Where nothing moves not even a zero is added: a row stays as it is bit for bit.
   */
  async edited<T>(jobs: readonly Job[], use: () => Promise<T>): Promise<T> {
    const before = this.#rows;
    this.#rows = new Set();
    try {
      jobs.forEach((job, b) => this.#edit(job, b));
      this.#send(new Set([...before, ...this.#rows]));
      return await use();
    } finally {
      const { capture: { hidden }, batch: { width }, space: { dModel } } = this;
      for (const row of this.#rows) {
        const from = (row % width) * dModel;
        this.#data.set(hidden.subarray(from, from + dModel), row * dModel);
      }
    }
  }

  #edit({ edit, share = 1 }: Job, copy: number): void {
    const { capture, space, batch: { width } } = this, { dModel } = space, data = this.#data;
    for (const part of edit) {
      const moved = space.displacement(capture, part);
      const row = copy * width + part.token, from = part.token * dModel, at = row * dModel;
      for (let d = 0; d < dModel; d++) {
        if (moved[d] !== 0) data[at + d] = capture.hidden[from + d] + share * moved[d];
      }
      this.#rows.add(row);
    }
  }

  /** Writes rows to the device, neighbours together. */
  #send(changed: ReadonlySet<number>): void {
    const { gpu } = this.hidden, { queue } = this.backend.gpu?.device ?? {};
    if (!gpu || !queue) return;
    const { dModel } = this.space, bytes = 4 * dModel;
    const rows = [...changed].sort((a, b) => a - b);
    for (let i = 0; i < rows.length;) {
      let count = 1;
      while (rows[i + count] === rows[i] + count) count++;
      queue.writeBuffer(
        gpu.buffer,
        rows[i] * bytes,
        this.#data as Float32Array<ArrayBuffer>,
        rows[i] * dModel,
        count * dModel,
      );
      i += count;
    }
  }

  [Symbol.dispose](): void {
    this.hidden[Symbol.dispose]();
  }
}
