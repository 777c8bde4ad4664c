/** The most similar proteins of each protein, exactly. */
import type { Backend } from "../backend/mod.ts";
import { openSimilarity, type Similarity } from "./similarity.ts";
import { cosine, vectorOf, type VectorTable } from "./vectors.ts";

/** The nearest of each of M vectors by cosine. */
export interface Neighbours {
  /** k */
  readonly each: number;
  /** u32[M, k], the nearest first; of equal ones that of the lower index. */
  readonly indices: Uint32Array;
  /** f64[M, k], summed in double precision from the vectors. */
  readonly cosines: Float64Array;
}

/** Products in single precision, and 2 added to them, are off by less. */
const ROUNDING = 2e-6;

/** Candidates beyond k whose cosines are computed in double precision. */
const MORE = 8;

/**
 * The k nearest of each vector among the references: candidates by a product on the backend, their order
 * by cosines in double precision, so that it is the same on every backend. There are more candidates
 * where the last of them is too near to the last neighbour for rounding to tell.
 *
 * @param isSelf the references are the queries, and nobody is his own neighbour
 * @throws {RangeError} if there are not k others, or widths differ
 */
export async function nearestNeighbours(
  queries: VectorTable,
  references: VectorTable,
  k: number,
  backend: Backend,
  { isSelf = false, similarity }: {
    isSelf?: boolean;
    /** Of the references, where it is open. */
    similarity?: Similarity;
  } = {},
): Promise<Neighbours> {
  const { width } = references, size = references.ids.length, most = isSelf ? size - 1 : size;
  if (queries.width !== width || !Number.isInteger(k) || k < 1 || k > most) {
    throw new RangeError(
      `Cannot find neighbours as k must be in 1..${most} and vectors must have ${width} values: ` +
        `current values are ${k} and ${queries.width}`,
    );
  }
  const count = queries.ids.length;
  const indices = new Uint32Array(count * k), cosines = new Float64Array(count * k);
  await using opened = similarity ? undefined : await openSimilarity(references, backend);
  const all = similarity ?? opened!;
  let pending = Array.from({ length: count }, (_, i) => i);
  for (let asked = Math.min(size, k + (isSelf ? 1 : 0) + MORE); pending.length > 0;) {
    const candidates = await all.nearest(rowsOf(queries, pending), asked);
    pending = pending.filter((query, row) => {
      const own = vectorOf(queries, query);
      const found = Array.from(candidates.subarray(row * asked, (row + 1) * asked))
        .filter((index) => !(isSelf && index === query))
        .map((index) => ({ index, cosine: cosine(own, vectorOf(references, index)) }))
        .sort((a, b) => b.cosine - a.cosine || a.index - b.index);
      // A self that was crowded out by copies of it leaves one too many, never one too few.
      if (asked < size && found[found.length - 1].cosine > found[k - 1].cosine - ROUNDING) {
        return true;
      }
      for (let rank = 0; rank < k; rank++) {
        indices[query * k + rank] = found[rank].index;
        cosines[query * k + rank] = found[rank].cosine;
      }
      return false;
    });
    asked = Math.min(size, 4 * asked);
  }
  return { each: k, indices, cosines };
}

/** Some vectors of a table; itself where it is all of them. */
function rowsOf(
  table: VectorTable,
  rows: readonly number[],
): Pick<VectorTable, "values" | "width"> {
  if (rows.length === table.ids.length) return table;
  const { width } = table, values = new Float32Array(rows.length * width);
  rows.forEach((row, i) => values.set(vectorOf(table, row), i * width));
  return { values, width };
}
