/** A run cut into shards that separate processes compute. */
import { badValue, type Parser } from "../cli/parsers.ts";

/** One of `count` shards; `index` counts from 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Most shards of a run. */
export const MOST_SHARDS = 100_000;

/** Reads `3/8`. */
export const parseShard: Parser<Shard> = (text, flag) => {
  const found = /^\s*(\d{1,6})\s*\/\s*(\d{1,6})\s*$/.exec(text);
  const [index, count] = found?.slice(1).map(Number) ?? [0, 0];
  if (index >= 1 && index <= count && count <= MOST_SHARDS) return { index, count };
  throw badValue(
    flag,
    `a shard and how many there are, such as "3/8", at most ${MOST_SHARDS}`,
    text,
  );
};

/**
 * Deals numbered pieces of work to shards in turn: each gets as many as any other, or one fewer.
 *
 * @param piece 0-based, the same in every process
 */
export function isOwn(piece: number, shard: Shard | undefined): boolean {
  return shard === undefined || piece % shard.count === shard.index - 1;
}
