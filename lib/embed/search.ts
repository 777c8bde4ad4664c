/** The proteins of a database that are most like each of some others. */
import type { Backend } from "../backend/mod.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { nearestNeighbours } from "./nearest.ts";
import { openSimilarity } from "./similarity.ts";
import { vectorOf, type VectorTable } from "./vectors.ts";

/** One of the nearest of a protein. */
export interface Hit {
  /** The protein that was searched with. */
  protein: string;
  /** 1 is the nearest. */
  rank: number;
  /** The protein of the database. */
  neighbour: string;
  /** Of the two vectors. */
  cosine: number;
  /** Standard deviations above the mean of this protein's cosines to the database. */
  z: number;
}

const { text, integer, number } = columnsOf<Hit>();

/** `neighbours.csv` */
export const NEIGHBOURS: TableOf<Hit> = {
  name: "neighbours",
  rows: "one row per protein and neighbour, the nearest first",
  when: "with --search",
  columns: [
    text("protein", "its id", "protein"),
    integer("rank", "1 is the nearest", "rank"),
    text("neighbour", "id in the database", "neighbour"),
    number("cosine", "of their pooled embeddings", "cosine"),
    number(
      "z",
      "how many standard deviations that is above the mean cosine of this protein with the database: " +
        "all embeddings of a model point in similar directions",
      "z",
    ),
  ],
};

/** Vectors of the database that the mean and the deviation are taken over, evenly spaced. */
const BACKGROUND = 10_000;

/** Vectors that are read some at a time, always in the same order. */
export interface Database {
  /** How many there are. */
  readonly count: number;
  /** All of them, some at a time. */
  blocks(): AsyncIterable<VectorTable>;
}

/** A neighbour of the database by its number there. */
interface Found {
  index: number;
  id: string;
  cosine: number;
}

/**
 * The `top` nearest of each query, by rank; all of the database where it has fewer. Memory is that of the
 * queries, of what is found and of a block of the database.
 */
export async function searchVectors(
  queries: VectorTable,
  database: Database,
  top: number,
  backend: Backend,
  onBlock?: (done: number) => void,
): Promise<Hit[]> {
  const best: Found[][] = queries.ids.map(() => []);
  const background = new Background(queries.width, database.count);
  let before = 0;
  for await (const block of database.blocks()) {
    const k = Math.min(top, block.ids.length);
    const { indices, cosines } = await nearestNeighbours(queries, block, k, backend);
    best.forEach((own, q) => {
      for (let at = q * k; at < (q + 1) * k; at++) {
        own.push({ index: before + indices[at], id: block.ids[indices[at]], cosine: cosines[at] });
      }
      own.sort((a, b) => b.cosine - a.cosine || a.index - b.index).splice(top);
    });
    background.add(block, before);
    before += block.ids.length;
    onBlock?.(before);
  }
  const spread = await cosineSpread(queries, background.values, backend);
  return queries.ids.flatMap((protein, q) =>
    best[q].map(({ id, cosine }, rank) => {
      const { mean, sd } = spread[q];
      return {
        ...{ protein, rank: rank + 1, neighbour: id, cosine },
        z: sd > 0 ? (cosine - mean) / sd : NaN,
      };
    })
  );
}

/** Evenly spaced vectors of the database. */
class Background {
  readonly values: Float32Array;
  #filled = 0;

  constructor(readonly width: number, readonly all: number) {
    this.values = new Float32Array(Math.min(all, BACKGROUND) * width);
  }

  /** @param before vectors of earlier blocks */
  add(block: VectorTable, before: number): void {
    const count = this.values.length / this.width;
    for (;;) {
      const next = Math.floor(this.#filled * this.all / count) - before;
      if (this.#filled === count || next >= block.ids.length) return;
      this.values.set(vectorOf(block, next), this.#filled++ * this.width);
    }
  }
}

/** Mean and standard deviation of each query's cosines with some vectors. */
async function cosineSpread(
  queries: VectorTable,
  values: Float32Array,
  backend: Backend,
): Promise<{ mean: number; sd: number }[]> {
  const { width } = queries, count = values.length / width;
  await using background = await openSimilarity({ values, width }, backend);
  const found: { mean: number; sd: number }[] = [];
  await background.dense(queries, (_, rows, cosines) => {
    for (let row = 0; row < rows; row++) {
      const own = cosines.subarray(row * count, (row + 1) * count);
      let mean = 0, squares = 0;
      for (const x of own) mean += x / count;
      for (const x of own) squares += (x - mean) ** 2;
      // One cosine, or all the same but for rounding, have no spread.
      const sd = Math.sqrt(squares / count);
      found.push({ mean, sd: sd > 1e-6 ? sd : 0 });
    }
  });
  return found;
}
