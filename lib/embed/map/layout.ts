/** Two coordinates for each protein, and how far they can be believed. */
import type { Backend } from "../../backend/mod.ts";
import { UserError } from "../../errors.ts";
import { nearestNeighbours, type Neighbours } from "../nearest.ts";
import { openSimilarity } from "../similarity.ts";
import { unitVectors, type VectorTable } from "../vectors.ts";
import { principalComponents, tsne, TSNE_COMPONENTS } from "./druid.ts";
import { type MapQuality, QUALITY_NEIGHBOURS, QualitySum } from "./quality.ts";
import { type LayoutOptions, umap, UMAP_NEIGHBOURS } from "./umap.ts";

/** Ways to lay points out. */
export const MAP_METHODS = ["umap", "tsne", "pca"] as const;
/** One of {@linkcode MAP_METHODS}. */
export type MapMethod = typeof MAP_METHODS[number];

/** Proteins that a map needs at least. */
export const LEAST_MAPPED = 5;

/** Proteins that each way takes; beyond, its memory or its time are not a laptop's. */
const MOST_MAPPED: Readonly<Record<MapMethod, number>> = {
  // Memory of N² numbers, several of them.
  tsne: 10_000,
  // Time of N² comparisons.
  umap: 50_000,
  pca: 50_000,
};

/** A map of proteins. */
export interface ProteinMap {
  /** How it was made. */
  readonly method: MapMethod;
  /** f64[N, 2] */
  readonly points: Float64Array;
  /** Of the vectors, by cosine. */
  readonly neighbours: Neighbours;
  /** How far it can be believed. */
  readonly quality: MapQuality;
  /** f64[N], share of its neighbours that each protein keeps on the map. */
  readonly kept: Float64Array;
  /** u32[N], the nearest protein of each on the map. */
  readonly nearestOnMap: Uint32Array;
  /** Share of the variance on either axis; of `pca`. */
  readonly shares?: readonly number[];
}

/** @throws {UserError} if there are too few or too many for a way */
export function checkMapped(method: MapMethod, count: number): void {
  const most = MOST_MAPPED[method];
  if (count >= LEAST_MAPPED && count <= most) return;
  const other = count > most && count <= MOST_MAPPED.umap ? "; --map umap takes them" : "";
  throw new UserError(
    `Cannot draw a map as --map ${method} must have ${LEAST_MAPPED} to ${most} proteins: ` +
      `current value is ${count}${other}`,
  );
}

/**
 * Lays out vectors by their directions, so that what is near on the map is near by cosine.
 *
 * `umap` from exact neighbours, `tsne` of the first 50 principal components with all pairs, `pca` the two
 * first components. The first two are chaotic: another library version, or a backend whose products
 * round otherwise, gives another map that is as good.
 */
export async function layOut(
  table: VectorTable,
  method: MapMethod,
  backend: Backend,
  options: LayoutOptions,
): Promise<ProteinMap> {
  const count = table.ids.length;
  checkMapped(method, count);
  // The library wants more points than neighbours, a point itself being one of them.
  const each = Math.min(UMAP_NEIGHBOURS - 1, count - 2);
  await using similarity = await openSimilarity(table, backend);
  const neighbours = await nearestNeighbours(table, table, each, backend, {
    isSelf: true,
    similarity,
  });
  const unit = { values: unitVectors(table), width: table.width };
  const wanted = method === "tsne" ? Math.min(TSNE_COMPONENTS, count - 1) : 2;
  const components = principalComponents(unit, Math.min(wanted, table.width));
  await options.onStep?.(0);
  const points = method === "umap"
    ? await umap(neighbours, components.points, options)
    : method === "tsne"
    ? await tsne(components, options)
    : components.points;
  const sum = new QualitySum(points, QUALITY_NEIGHBOURS);
  await similarity.dense(table, async (first, rows, cosines) => {
    for (let row = 0; row < rows; row++) {
      sum.add(first + row, cosines.subarray(row * count, (row + 1) * count));
    }
    await options.onStep?.(1);
  });
  const { kept, nearest: nearestOnMap } = sum;
  return {
    ...{ method, points, neighbours, quality: sum.result(), kept, nearestOnMap },
    ...(method === "pca" && { shares: components.shares }),
  };
}
