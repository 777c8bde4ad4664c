/** What is multiplied, and in which tiles. */

/** Which of a product's forms a shader is for. */
export interface MatmulVariant {
  /** Whether b is [N, K], as checkpoints hold weights, or [K, N]. */
  transposed: boolean;
  /** Whether a row is added to every row of the result. */
  bias: boolean;
  /** Whether K is a multiple of 4, so that four values along it are loaded at once. */
  vectors: boolean;
  /** Whether b is in half precision; sums are in single precision all the same. @default false */
  half?: boolean;
  /** How many b, each with its own row and result, the same a is multiplied with. @default 1 */
  products?: number;
}

/** What chooses a product's shader besides its sizes. */
export type MatmulForm = Omit<MatmulVariant, "vectors">;

export interface MatmulShape {
  /** Independent products. */
  batch: number;
  m: number;
  n: number;
  k: number;
}

/** How the result is cut: a workgroup makes `rows` × `columns` of it, `depth` of K at a time. */
export interface Tile {
  rows: number;
  columns: number;
  depth: number;
  /** Results of a thread: rows, columns (a multiple of 4). */
  threadRows: number;
  threadColumns: number;
}

/** For results that give every multiprocessor several tiles. */
export const LARGE_TILE: Tile = {
  rows: 64,
  columns: 64,
  depth: 16,
  threadRows: 8,
  threadColumns: 4,
};

/** For short sequences: twice as many workgroups, and twice the depth in flight. */
export const SMALL_TILE: Tile = {
  rows: 32,
  columns: 64,
  depth: 32,
  threadRows: 4,
  threadColumns: 4,
};

/** Workgroups below which a large GPU (some 130 multiprocessors, several workgroups each) has idle ones. */
const FEW_GROUPS = 256;

export function tileCount({ rows, columns }: Tile, { m, n }: MatmulShape): number {
  return Math.ceil(m / rows) * Math.ceil(n / columns);
}

export function chooseTile(shape: MatmulShape, products = 1): Tile {
  const groups = products * shape.batch * tileCount(LARGE_TILE, shape);
  return groups < FEW_GROUPS ? SMALL_TILE : LARGE_TILE;
}

export function threadsOf({ rows, columns, threadRows, threadColumns }: Tile): number {
  return rows * columns / (threadRows * threadColumns);
}
