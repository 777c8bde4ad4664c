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

/** The `top` nearest of each query, by rank; all of the database where it has fewer. */
export async function searchVectors(
  queries: VectorTable,
  database: VectorTable,
  top: number,
  backend: Backend,
): Promise<Hit[]> {
  const k = Math.min(top, database.ids.length);
  const { indices, cosines } = await nearestNeighbours(queries, database, k, backend);
  const spread = await cosineSpread(queries, database, backend);
  return queries.ids.flatMap((protein, q) =>
    Array.from({ length: k }, (_, rank) => {
      const cosine = cosines[q * k + rank], { mean, sd } = spread[q];
      return {
        ...{ protein, rank: rank + 1, neighbour: database.ids[indices[q * k + rank]], cosine },
        z: sd > 0 ? (cosine - mean) / sd : NaN,
      };
    })
  );
}

/** Mean and standard deviation of each query's cosines. */
async function cosineSpread(
  queries: VectorTable,
  database: VectorTable,
  backend: Backend,
): Promise<{ mean: number; sd: number }[]> {
  const { width } = database, all = database.ids.length, count = Math.min(all, BACKGROUND);
  const values = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    values.set(vectorOf(database, Math.floor(i * all / count)), i * width);
  }
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
