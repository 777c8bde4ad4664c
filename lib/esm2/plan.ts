/** How a forward pass is cut so that no tensor passes the device's limits. */
import type { Backend, TensorLimit } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { UserError } from "../errors.ts";
import { groupsOfAtMost } from "../stats/even_groups.ts";
import { padBatch, type TokenBatch } from "./tokenize.ts";

const BYTES = 4;

/**
 * Sizes of groups of heads whose attention is computed together, each at most `bytes`, or one head.
 *
 * @throws {UserError} if one head's attention or one activation passes a hard limit of the device
 */
export function headGroups(
  { heads, ffn }: Esm2Config,
  batch: number,
  width: number,
  limit: TensorLimit,
  bytes = limit.bytes,
): number[] {
  const headBytes = batch * width * width * BYTES;
  const largest = Math.max(headBytes, batch * width * ffn * BYTES);
  if (limit.hard && largest > limit.bytes) {
    throw new UserError(
      `Cannot run ${width} tokens as a tensor must be at most ${mebibytes(limit.bytes)} on this ` +
        `device: this one has ${mebibytes(largest)}; use --backend cpu`,
    );
  }
  return groupsOfAtMost(heads, Math.floor(bytes / headBytes)).map(([begin, end]) => end - begin);
}

/**
 * Tokens to run together: about a thousand saturate a CPU, and more only cost cache; twice as many where a
 * model that was opened for many runs cuts them into parts, some for every thread.
 */
export const defaultTokenBudget = (
  { name }: Pick<Backend, "name">,
  { inParts = false } = {},
): number => name === "webgpu" ? 8192 : inParts ? 2048 : 1024;

/** A batch that knows which sequences it holds. */
export interface PlannedBatch extends TokenBatch {
  /** Index of each row among the sequences that were planned. */
  readonly members: readonly number[];
}

/**
 * What the start of a pass costs, in tokens: at 8M and 35M on a CPU eight sequences of 66 tokens take as long as
 * one of them and 5.5 more; on a GPU most of a short pass is the host's time.
 */
const START_TOKENS = { soft: 64, hard: 512 };

/**
 * Groups sequences of similar length into batches of at most `tokenBudget` tokens, padding included,
 * whose attention fits the device whole. Of all such groups those that cost least: padding is dearer than
 * another batch unless it is less than what that one's start would cost.
 *
 * @param rows token ids of each sequence
 */
export function planBatches(
  rows: readonly Int32Array[],
  { heads, ffn }: Esm2Config,
  limit: TensorLimit,
  tokenBudget: number,
): PlannedBatch[] {
  const order = rows.map((_, i) => i).sort((a, b) => rows[a].length - rows[b].length || a - b);
  const fits = (size: number, width: number) =>
    size * width <= tokenBudget &&
    size * heads * width * width * BYTES <= limit.bytes &&
    size * width * ffn * BYTES <= limit.bytes;
  const start = limit.hard ? START_TOKENS.hard : START_TOKENS.soft;
  /** Cost of the best groups of the first so many sequences, and how many the last of them holds. */
  const cost = new Float64Array(order.length + 1), last = new Uint32Array(order.length + 1);
  for (let end = 1; end <= order.length; end++) {
    const width = rows[order[end - 1]].length;
    cost[end] = Infinity;
    for (let size = 1; size <= end && (size === 1 || fits(size, width)); size++) {
      const found = cost[end - size] + start + size * width;
      // Of equals the larger: then the other groups, too, have few sizes, and each needs graphs of its own.
      if (found <= cost[end]) {
        cost[end] = found;
        last[end] = size;
      }
    }
  }
  const batches: number[][] = [];
  for (let end = order.length; end > 0; end -= last[end]) {
    batches.unshift(order.slice(end - last[end], end));
  }
  return batches.map((members) => ({ ...padBatch(members.map((i) => rows[i])), members }));
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}
