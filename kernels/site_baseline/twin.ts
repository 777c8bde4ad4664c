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
  const scratch = new Float32Array(trials), own = new Float32Array(1);
  const places = byPlace(sets, size, columns), ownPlaces = byPlace(sites, size, columns);
  for (let head = 0; head < heads; head++) {
    const row = mass.subarray(head * columns, (head + 1) * columns);
    const sums = sampled ? sampled.subarray(head * trials, (head + 1) * trials) : scratch;
    sumSets(row, ownPlaces, own);
    observed[head] = own[0];
    sumSets(row, places, sums);
    atLeast[head] = countAtLeast(sums, own[0]);
    [mean[head], sd[head]] = moments(sums);
  }
  return { observed, mean, sd, atLeast, ...(sampled && { sampled }) };
}

/** The sets place by place: narrow numbers, read in order, take half the time of whole sets. */
function byPlace(sets: Uint32Array, size: number, columns: number): Uint16Array | Uint32Array {
  const trials = sets.length / size;
  const places = columns <= 2 ** 16 ? new Uint16Array(sets.length) : new Uint32Array(sets.length);
  for (let trial = 0; trial < trials; trial++) {
    for (let k = 0; k < size; k++) places[k * trials + trial] = sets[trial * size + k];
  }
  return places;
}

/** Fills `sums` with the row's sums over the sets, each in the set's order and in single precision. */
function sumSets(row: Float32Array, places: Uint16Array | Uint32Array, sums: Float32Array): void {
  const trials = sums.length;
  for (let trial = 0; trial < trials; trial++) sums[trial] = row[places[trial]];
  for (let first = trials; first < places.length; first += trials) {
    for (let trial = 0; trial < trials; trial++) sums[trial] += row[places[first + trial]];
  }
}

function countAtLeast(sums: Float32Array, observed: number): number {
  let count = 0;
  for (let trial = 0; trial < sums.length; trial++) if (sums[trial] >= observed) count++;
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
