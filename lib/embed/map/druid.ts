/** Principal components and t-SNE by DruidJS (Cutura, Kralj & Sedlmair 2020). */
import { Matrix, PCA, TSNE } from "npm:@saehrimnir/druidjs@0.9.0";
import type { VectorTable } from "../vectors.ts";
import type { LayoutOptions } from "./umap.ts";

/** Principal components of vectors. */
export interface Components {
  /** f64[N, n], the coordinates, centred. */
  readonly points: Float64Array;
  /** Share of the variance along each. */
  readonly shares: readonly number[];
}

/** Enough for two components whose variances differ by a thousandth. */
const PCA_STEPS = 10_000;

/**
 * The first principal components.
 *
 * Each points to where its largest coordinate by size is above zero, so that a map is not turned over by
 * the last bit of a number.
 *
 * @param count how many, at most D
 */
export function principalComponents(
  { values, width }: Pick<VectorTable, "values" | "width">,
  count: number,
): Components {
  const size = values.length / width, centre = new Float64Array(width);
  for (let i = 0; i < values.length; i++) centre[i % width] += values[i] / size;
  let variance = 0;
  const centred = new Matrix(size, width, (i, d) => {
    const x = values[i * width + d] - centre[d];
    variance += x * x;
    return x;
  });
  const points = new Float64Array(size * count), shares: number[] = [];
  // The library's iteration has nothing to turn to where no vector differs from another.
  if (variance === 0) return { points, shares: new Array(count).fill(NaN) };
  const found = new PCA(centred, {
    d: count,
    eig_args: { max_iterations: PCA_STEPS, tol: 1e-18 },
  }).transform();
  for (let axis = 0; axis < count; axis++) {
    let extreme = 0, squares = 0;
    for (let i = 0; i < size; i++) {
      const x = found.entry(i, axis);
      if (Math.abs(x) > Math.abs(extreme)) extreme = x;
      squares += x * x;
    }
    for (let i = 0; i < size; i++) {
      points[i * count + axis] = Math.sign(extreme) * found.entry(i, axis);
    }
    shares.push(squares / variance);
  }
  return { points, shares };
}

/** Components that t-SNE compares points by: van der Maaten & Hinton 2008 reduce to so many first. */
export const TSNE_COMPONENTS = 50;
/** Effective number of neighbours. */
export const TSNE_PERPLEXITY = 30;
const TSNE_STEPS = 750;

/**
 * A map f64[N, 2] by t-SNE (van der Maaten & Hinton 2008), exact: every pair counts. It begins at the two
 * first principal components (Kobak & Berens 2019, doi:10.1038/s41467-019-13056-x).
 *
 * @param components of the points, at most TSNE_COMPONENTS
 */
export async function tsne(
  { points, shares }: Components,
  { seed, onStep }: LayoutOptions,
): Promise<Float64Array> {
  const width = shares.length, size = points.length / width;
  const layout = new TSNE(new Matrix(size, width, (i, d) => points[i * width + d]), {
    perplexity: Math.min(TSNE_PERPLEXITY, (size - 1) / 3),
    // A step that grows with the number of points (Belkina et al. 2019), for early exaggeration by 4.
    epsilon: Math.max(50, size / 16),
    seed,
  });
  let squares = 0;
  for (let i = 0; i < size; i++) squares += points[i * width] ** 2;
  const scale = START / Math.sqrt(squares / size || 1);
  layout.Y = new Matrix(size, 2, (i, axis) => axis < width ? scale * points[i * width + axis] : 0);
  let step = 0;
  for (const _ of layout.generator(TSNE_STEPS)) {
    if (step++ % 10 === 0) await onStep?.(step / TSNE_STEPS);
  }
  return Float64Array.from(layout.Y.values);
}

/** Standard deviation along the first axis at the start. */
const START = 1e-4;
