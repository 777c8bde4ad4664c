/** What training makes of the residual stream, and the centre of what it made. */
import { EPSILON, SHORTEST } from "../../../kernels/topk_sae_encode/types.ts";
import type { SaeConfig } from "../types.ts";

/**
 * Writes one token's residual stream as the SAE is trained on it.
 *
 * `zscore`: centred and divided by the unbiased standard deviation + 1e-5; `rms`: divided by its root mean
 * square; `none`: divided by `unit`.
 */
export function normaliseRow(
  x: Float32Array,
  from: number,
  into: Float32Array,
  to: number,
  dModel: number,
  normalisation: SaeConfig["normalisation"],
  unit: number,
): void {
  let mean = 0, scale = 1 / unit;
  if (normalisation === "zscore") {
    for (let d = 0; d < dModel; d++) mean += x[from + d];
    mean /= dModel;
    let squares = 0;
    for (let d = 0; d < dModel; d++) squares += (x[from + d] - mean) ** 2;
    scale = 1 / (Math.sqrt(squares / (dModel - 1)) + EPSILON);
  } else if (normalisation === "rms") {
    let squares = 0;
    for (let d = 0; d < dModel; d++) squares += x[from + d] ** 2;
    scale = Math.sqrt(dModel) / Math.max(Math.sqrt(squares), SHORTEST);
  }
  for (let d = 0; d < dModel; d++) into[to + d] = (x[from + d] - mean) * scale;
}

/** Root mean square of f32[N, D] about its mean over the rows. */
export function spread(x: Float32Array, dModel: number): number {
  const rows = x.length / dModel, mean = meanRow(x, dModel);
  let squares = 0;
  for (let i = 0; i < x.length; i++) squares += (x[i] - mean[i % dModel]) ** 2;
  return Math.sqrt(squares / (rows * dModel)) || 1;
}

/** Mean over the rows of f32[N, D]. */
export function meanRow(x: Float32Array, dModel: number): Float64Array {
  const mean = new Float64Array(dModel), rows = x.length / dModel;
  for (let i = 0; i < x.length; i++) mean[i % dModel] += x[i] / rows;
  return mean;
}

/**
 * The point with the least sum of distances to the rows of f32[N, D] (Weiszfeld's algorithm), where
 * Gao et al. 2024 let the input bias start; a few far-off tokens hardly move it.
 */
export function geometricMedian(x: Float32Array, dModel: number, iterations = 50): Float32Array {
  let centre = meanRow(x, dModel);
  for (let round = 0; round < iterations; round++) {
    const next = new Float64Array(dModel);
    let total = 0;
    for (let at = 0; at < x.length; at += dModel) {
      let squares = 0;
      for (let d = 0; d < dModel; d++) squares += (x[at + d] - centre[d]) ** 2;
      // A row at the centre itself would have infinite weight.
      const weight = 1 / Math.max(Math.sqrt(squares), 1e-9);
      for (let d = 0; d < dModel; d++) next[d] += weight * x[at + d];
      total += weight;
    }
    let moved = 0;
    for (let d = 0; d < dModel; d++) {
      next[d] /= total;
      moved += (next[d] - centre[d]) ** 2;
    }
    centre = next;
    if (moved < 1e-12) break;
  }
  return Float32Array.from(centre);
}
