/**
 * Random site sets. Every draw is a function of (seed, stream, trial, k) alone; the kernel in
 * site_sets.wgsl draws the same sets.
 */
import { PhiloxStream } from "../philox/mod.ts";
import { type SiteSetOptions, validateSites, validateTrials } from "./types.ts";

/** Columns that are no sites, ascending: u32[M]. @throws {RangeError} see `validateSites` */
export function otherColumns(columns: number, sites: Uint32Array): Uint32Array<ArrayBuffer> {
  validateSites(columns, sites);
  const others = new Uint32Array(columns - sites.length);
  for (let column = 0, site = 0, i = 0; column < columns; column++) {
    if (column === sites[site]) site++;
    else others[i++] = column;
  }
  return others;
}

/** Distance of every site from the first. */
export function siteOffsets(sites: Uint32Array): Uint32Array<ArrayBuffer> {
  return new Uint32Array(sites).map((site) => site - sites[0]);
}

/**
 * Columns where the gap pattern of the sites can start without leaving 0..L−1 or touching a site.
 *
 * Empty if there is no room: contiguous sets cannot be drawn then.
 *
 * @throws {RangeError} see `validateSites`
 */
export function validStarts(columns: number, sites: Uint32Array): Uint32Array<ArrayBuffer> {
  validateSites(columns, sites);
  const offsets = siteOffsets(sites), isSite = new Uint8Array(columns);
  for (const site of sites) isSite[site] = 1;
  const starts: number[] = [];
  for (let start = 0; start + offsets[offsets.length - 1] < columns; start++) {
    if (!offsets.some((offset) => isSite[start + offset])) starts.push(start);
  }
  return new Uint32Array(starts);
}

/** Columns that draws choose from: others (uniform) or starts (contiguous). @throws {RangeError} */
export function drawCandidates(options: SiteSetOptions): Uint32Array<ArrayBuffer> {
  const { columns, sites, trials, mode } = options;
  validateTrials(trials);
  if (mode === "contiguous") {
    const starts = validStarts(columns, sites);
    if (starts.length > 0) return starts;
    throw new RangeError(
      `Cannot draw contiguous site sets as the sites' gap pattern must fit between them: ` +
        `current value is no valid start among ${columns} columns`,
    );
  }
  const others = otherColumns(columns, sites);
  if (others.length >= sites.length) return others;
  throw new RangeError(
    `Cannot draw uniform site sets as at least ${sites.length} columns must be no sites: ` +
      `current value is ${others.length}`,
  );
}

/**
 * Draws random site sets: u32[trials, n], of all trials or of some.
 *
 * uniform     n of the columns that are no sites; every subset is equally likely; in drawing order
 * contiguous  the sites' gap pattern at a valid start; every start is equally likely; ascending
 *
 * Source of the uniform draw: Floyd's algorithm (Bentley & Floyd 1987, doi:10.1145/30401.315746).
 *
 * @param range trials `first` to `end` (exclusive); @default all
 * @throws {RangeError} if sites or trials are invalid, or no set can be drawn (see `validStarts`)
 */
export function drawSiteSets(
  options: SiteSetOptions,
  range: { first: number; end: number } = { first: 0, end: options.trials },
): Uint32Array<ArrayBuffer> {
  const { sites, seed, mode, stream = 0 } = options;
  const candidates = drawCandidates(options);
  const draws = new PhiloxStream(seed, stream);
  return mode === "uniform"
    ? uniformSets(candidates, sites.length, range, draws)
    : contiguousSets(candidates, siteOffsets(sites), range, draws);
}

function uniformSets(
  candidates: Uint32Array,
  size: number,
  { first, end }: { first: number; end: number },
  draws: PhiloxStream,
): Uint32Array<ArrayBuffer> {
  const sets = new Uint32Array((end - first) * size);
  // Trial + 1 of the last set that took a candidate: no clearing between the trials.
  const takenBy = new Uint32Array(candidates.length);
  for (let trial = first; trial < end; trial++) {
    for (let k = 0; k < size; k++) {
      const last = candidates.length - size + k;
      let index = draws.below(last + 1, trial, k);
      if (takenBy[index] === trial + 1) index = last;
      takenBy[index] = trial + 1;
      sets[(trial - first) * size + k] = candidates[index];
    }
  }
  return sets;
}

function contiguousSets(
  starts: Uint32Array,
  offsets: Uint32Array,
  { first, end }: { first: number; end: number },
  draws: PhiloxStream,
): Uint32Array<ArrayBuffer> {
  const size = offsets.length, sets = new Uint32Array((end - first) * size);
  for (let trial = first; trial < end; trial++) {
    const start = starts[draws.below(starts.length, trial, 0)];
    for (let k = 0; k < size; k++) sets[(trial - first) * size + k] = start + offsets[k];
  }
  return sets;
}
