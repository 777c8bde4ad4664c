/** Site baseline on the CPU, the path without a real GPU. */
import { headCount, type SiteBaseline, validateSites } from "./types.ts";

/**
 * Compares the mass on the sites with the mass on random site sets, for every head.
 *
 * mass   f32[G, L]       attention that each column receives
 * sites  u32[n]          ascending and distinct
 * sets   u32[trials, n]  as drawn by `drawSiteSets`
 *
 * A set is summed in single precision in its own order, as on the GPU, so that `atLeast` is the
 * same on both; mean and deviation are double precision.
 *
 * @throws {RangeError} if sites are invalid or lengths do not fit
 */
export function siteBaseline(
  mass: Float32Array,
  columns: number,
  sites: Uint32Array,
  sets: Uint32Array,
  { keepSampled = false }: { keepSampled?: boolean } = {},
): SiteBaseline {
  validateSites(columns, sites);
  const heads = headCount(mass, columns), size = sites.length;
  const trials = sets.length / size;
  if (!Number.isInteger(trials) || trials < 1) {
    throw new RangeError(
      `Cannot evaluate sites as the sets must have a positive multiple of ${size} elements: ` +
        `current value is ${sets.length}`,
    );
  }
  const observed = new Float32Array(heads), atLeast = new Uint32Array(heads);
  const mean = new Float64Array(heads), sd = new Float64Array(heads);
  const sampled = keepSampled ? new Float32Array(heads * trials) : undefined;
  const scratch = new Float32Array(trials);
  for (let head = 0; head < heads; head++) {
    const row = mass.subarray(head * columns, (head + 1) * columns);
    const sums = sampled ? sampled.subarray(head * trials, (head + 1) * trials) : scratch;
    observed[head] = setSum(row, sites, 0, size);
    atLeast[head] = sumSets(row, sets, size, observed[head], sums);
    [mean[head], sd[head]] = moments(sums);
  }
  return { observed, mean, sd, atLeast, ...(sampled && { sampled }) };
}

function setSum(row: Float32Array, sets: Uint32Array, first: number, size: number): number {
  let sum = 0;
  for (let k = first; k < first + size; k++) sum = Math.fround(sum + row[sets[k]]);
  return sum;
}

/** Fills `sums` and returns how many are at least `observed`. */
function sumSets(
  row: Float32Array,
  sets: Uint32Array,
  size: number,
  observed: number,
  sums: Float32Array,
): number {
  let count = 0;
  for (let trial = 0; trial < sums.length; trial++) {
    const sum = setSum(row, sets, trial * size, size);
    sums[trial] = sum;
    if (sum >= observed) count++;
  }
  return count;
}

/** Mean and population standard deviation, in two passes. */
function moments(values: Float32Array): [mean: number, sd: number] {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] - values[0];
  const mean = values[0] + sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return [mean, Math.sqrt(squares / values.length)];
}
