/** Which layers and pools are asked for, and what the arrays of results are called. */
import { badValue, integerRanges } from "../cli/parsers.ts";
import { UserError } from "../errors.ts";
import type { StreamPlace } from "../esm2/mod.ts";
import { type Pool, POOLS } from "./pool.ts";

/** What `--layers` says; `all` is known when the model is. */
export type PlaceList = readonly (StreamPlace | "all")[];

/** Reads `0,12,33`, `0-5,last` or `all`. */
export function parsePlaces(text: string, flag: string): PlaceList {
  const numbers = integerRanges({ max: 9999 });
  return text.split(",").flatMap((piece): PlaceList => {
    const word = piece.trim();
    if (word === "all" || word === "last") return [word];
    try {
      return numbers(word, flag);
    } catch {
      throw badValue(flag, 'numbers, ranges, last or all, such as "0,6-8,last"', text);
    }
  });
}

/** Places in the model's order, each once. @throws {UserError} for a layer that the model has not */
export function resolvePlaces(list: PlaceList, layers: number): StreamPlace[] {
  const every = Array.from({ length: layers + 1 }, (_, depth) => depth);
  const named = list.flatMap((place): StreamPlace[] =>
    place === "all" ? [...every, "last"] : [place]
  );
  const wrong = named.find((place) => place !== "last" && place > layers);
  if (wrong !== undefined) {
    throw new UserError(
      `Cannot use --layers as the model has layers 0..${layers} (the stream after so many blocks) ` +
        `and last: current value is ${wrong}`,
    );
  }
  return [
    ...every.filter((depth) => named.includes(depth)),
    ...named.includes("last") ? ["last" as const] : [],
  ];
}

/** What is said where somebody names the deepest layer by its number. */
export function depthNote(list: PlaceList, layers: number): string[] {
  if (!list.includes(layers)) return [];
  return [
    `Layer ${layers} is the stream after all ${layers} blocks, before the final LayerNorm; what fair-esm ` +
    `calls representations[${layers}], and Hugging Face the last hidden state, is --layers last.`,
  ];
}

/** What `--pool` says: vectors, and whether the residues themselves are written. */
export interface PoolList {
  pools: readonly Pool[];
  /** Of `none`. */
  residues: boolean;
}

/** Reads `mean,cls,none`. */
export function parsePools(text: string, flag: string): PoolList {
  const words = text.split(",").map((word) => word.trim());
  const wrong = words.find((word) => word !== "none" && !POOLS.includes(word as Pool));
  if (wrong !== undefined) throw badValue(flag, `among ${[...POOLS, "none"].join(", ")}`, text);
  return {
    pools: POOLS.filter((pool) => words.includes(pool)),
    residues: words.includes("none"),
  };
}

/** Of the arrays of results: those of fair-esm's extract.py where it has them. */
const ARRAYS: Readonly<Record<Pool, string>> = {
  mean: "mean_representations",
  cls: "bos_representations",
  max: "max_representations",
  attention: "attention_representations",
};

/** Name of the array with the vectors of a place and pool. */
export const vectorsName = (place: StreamPlace, pool: Pool): string => `${ARRAYS[pool]}.${place}`;

/** Name of the array with the residues at a place. */
export const residuesName = (place: StreamPlace): string => `representations.${place}`;
