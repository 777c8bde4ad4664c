/** How much of the map of pairs runs at a time: the numbers are the same whatever it is. */
import type { Backend } from "../backend/types.ts";
import { evenGroups, groupsOfAtMost } from "../stats/even_groups.ts";
import type { TrunkExtents } from "./tensors.ts";

/** Bytes of what one step may make between, unless told: it decides how many rows run at a time. */
export const CHUNK_BYTES = 128 * 2 ** 20;

/**
 * Pairs that run together on a host: a block of L = 128 on two threads takes 0.28 s so, in rows that fill the
 * budget 0.44 s.
 */
const FAST_PAIRS = 2048;
/** More groups of rows would cost more to hand over than the caches save. */
const MOST_GROUPS = 64;

/** What runs together. */
export interface ChunkPlan {
  /** Counts of rows of the groups that run one after another. */
  readonly rows: readonly number[];
  /** Channels whose triangles are multiplied together, from and to (exclusive). */
  readonly channels: readonly (readonly [begin: number, end: number])[];
}

/** What a step makes between, in numbers a row: the largest of all steps. */
export function numbersPerRow(
  { single, singleHeadWidth, pair, pairHeadWidth }: TrunkExtents,
  length: number,
): number {
  // Scores; queries, keys and values and the same by heads, the gate and what is mixed.
  const attention = pair / pairHeadWidth * length ** 2 + 12 * pair * length;
  const sequence = 3 * (single / singleHeadWidth) * length + 2 * pair * length;
  return Math.max(attention, sequence);
}

/** What decides how much runs together. */
export interface ChunkOptions {
  /** Bytes of what one step may make between, the states themselves not counted. */
  bytes?: number;
  /** About that many rows at a time. @default as many as are fast and `bytes` allows */
  rows?: number;
  /** How large a tensor may be, where the device says. */
  limit?: Backend["tensorLimit"];
}

/** Plans a protein of so many residues. */
export function planChunks(
  config: TrunkExtents,
  length: number,
  { bytes = CHUNK_BYTES, rows, limit }: ChunkOptions = {},
): ChunkPlan {
  const { pair } = config, numbers = bytes / Float32Array.BYTES_PER_ELEMENT;
  const largest = limit?.hard ? limit.bytes / Float32Array.BYTES_PER_ELEMENT : Infinity;
  const fitting = Math.floor(Math.min(numbers, largest) / numbersPerRow(config, length));
  // On a host what a step makes should stay in the caches; a device wants to be kept busy.
  const fast = limit?.hard
    ? Infinity
    : Math.ceil(Math.max(FAST_PAIRS / length, length / MOST_GROUPS));
  // Fewer rows of a product than it has columns would be added up in another order.
  const least = Math.max(2, Math.ceil(4 * pair / length));
  const most = Math.max(least, rows ?? Math.min(fitting, fast));
  const groups = Math.max(1, Math.min(Math.ceil(length / most), Math.floor(length / least)));
  // Of all rows: two factors by groups and joined, their products, and these by groups.
  const together = Math.floor(Math.min(numbers / 6, largest) / length ** 2);
  return {
    rows: evenGroups(length, groups).map(([begin, end]) => end - begin),
    channels: groupsOfAtMost(pair, together),
  };
}

/** Operations of the dense products and attentions of a block of the trunk. */
export function blockFlops({ single, pair }: TrunkExtents, length: number): number {
  // Queries, keys, values, gate and output, the MLP with four times the width, and what it gives to pairs.
  const ofResidue = 2 * single * (5 * single + 8 * single + pair);
  // Biases of heads are left out. What comes from the sequence, two multiplications of six maps, two attentions
  // of five, and the MLP; and scores and mixing along the sequence.
  const ofPair = 2 * pair * (pair + 2 * 6 * pair + 2 * 5 * pair + 8 * pair) + 4 * single;
  // Products of two multiplications; scores and mixing of two attentions.
  const ofTriangle = 2 * 2 * pair + 2 * 4 * pair;
  return length * (ofResidue + length * (ofPair + length * ofTriangle));
}
