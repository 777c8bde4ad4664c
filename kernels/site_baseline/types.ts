/** What the site baseline takes and gives, on either processor. Columns are 0-based. */

/**
 * How random site sets are made: `uniform` draws any columns that are no sites; `contiguous` moves
 * the sites' own gap pattern to a random place where it touches no site.
 */
export type SiteSetMode = "uniform" | "contiguous";

/** Which random sets are drawn. */
export interface SiteSetOptions {
  /** Number of columns L. */
  columns: number;
  /** Site columns, u32[n], ascending and distinct. */
  sites: Uint32Array;
  /** Number of sets to draw. */
  trials: number;
  /** 0..2^64 − 1; a bigint from 2^53 on. */
  seed: number | bigint;
  /** How they are made. */
  mode: SiteSetMode;
  /** Number of an independent sequence of draws from the same seed; default 0. */
  stream?: number;
}

/** Per head, what the sites receive and what random site sets receive instead. */
export interface SiteBaseline {
  /** f32[G]: sum over the sites, in their order. */
  observed: Float32Array;
  /** f64[G]: mean over the trials. */
  mean: Float64Array;
  /** f64[G]: population standard deviation over the trials. */
  sd: Float64Array;
  /** u32[G]: number of trials with a sum of at least `observed`. */
  atLeast: Uint32Array;
  /** f32[G, trials]: every sum, if asked for. */
  sampled?: Float32Array;
}

/** @throws {RangeError} unless sites are ascending, distinct, at least one and inside the columns */
export function validateSites(columns: number, sites: Uint32Array): void {
  if (!Number.isSafeInteger(columns) || columns < 1) {
    throw new RangeError(
      `Cannot use sites as the number of columns must be at least 1: current value is ${columns}`,
    );
  }
  if (sites.length === 0) throw new RangeError("Cannot use sites as there must be at least one");
  for (let k = 0; k < sites.length; k++) {
    if (sites[k] >= columns) {
      throw new RangeError(
        `Cannot use sites as they must be in 0..${columns - 1}: current value is ${sites[k]}`,
      );
    }
    if (k > 0 && sites[k] <= sites[k - 1]) {
      throw new RangeError(
        `Cannot use sites as they must be ascending and distinct: ` +
          `current value is ${sites[k - 1]}, ${sites[k]}`,
      );
    }
  }
}

/** @throws {RangeError} unless it is a natural number that a u32 holds, and at least 1 */
export function validateTrials(trials: number): void {
  if (Number.isSafeInteger(trials) && trials >= 1 && trials <= 0xffff_ffff) return;
  throw new RangeError(
    `Cannot draw site sets as trials must be an integer >= 1: current value is ${trials}`,
  );
}

/** Number of heads G of mass f32[G, L]. @throws {RangeError} if the length is no multiple of L */
export function headCount(mass: Float32Array, columns: number): number {
  const heads = mass.length / columns;
  if (Number.isInteger(heads)) return heads;
  throw new RangeError(
    `Cannot evaluate sites as the mass must have a multiple of ${columns} elements: ` +
      `current value is ${mass.length}`,
  );
}
