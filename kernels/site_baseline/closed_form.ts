/** Mean and standard deviation of the null without sampling. */
import { otherColumns, siteOffsets, validStarts } from "./site_sets.ts";
import { headCount, type SiteSetMode } from "./types.ts";

/** f64[G] each. */
export interface ExactNull {
  /** f64[G] */
  mean: Float64Array;
  /** f64[G], of the population. */
  sd: Float64Array;
}

/**
 * Exact moments of the mass f32[G, L] on a random site set, per head.
 *
 * uniform     E = n·mean(c), Var = n·s²·(M − n)/(M − 1) with c the masses of the M columns that are
 *             no sites and s² their population variance (sampling without replacement)
 * contiguous  over all valid starts; NaN if there is none
 *
 * @throws {RangeError} if sites are invalid, or uniform and fewer than n columns are no sites
 */
export function exactNull(
  mass: Float32Array,
  columns: number,
  sites: Uint32Array,
  mode: SiteSetMode,
): ExactNull {
  const others = otherColumns(columns, sites), heads = headCount(mass, columns);
  if (mode === "uniform" && others.length < sites.length) {
    throw new RangeError(
      `Cannot state the uniform null as at least ${sites.length} columns must be no sites: ` +
        `current value is ${others.length}`,
    );
  }
  const starts = mode === "contiguous" ? validStarts(columns, sites) : new Uint32Array();
  const offsets = siteOffsets(sites);
  const mean = new Float64Array(heads), sd = new Float64Array(heads);
  const values = new Float64Array(mode === "uniform" ? others.length : starts.length);
  for (let head = 0; head < heads; head++) {
    const row = mass.subarray(head * columns, (head + 1) * columns);
    const exact = mode === "uniform"
      ? uniformMoments(row, others, sites.length, values)
      : contiguousMoments(row, starts, offsets, values);
    mean[head] = exact.mean;
    sd[head] = Math.sqrt(exact.variance);
  }
  return { mean, sd };
}

interface Moments {
  mean: number;
  variance: number;
}

function uniformMoments(
  row: Float32Array,
  others: Uint32Array,
  n: number,
  values: Float64Array,
): Moments {
  const m = others.length;
  for (let i = 0; i < m; i++) values[i] = row[others[i]];
  const { mean, variance } = moments(values);
  // With n = M there is one set only; this also settles M = 1, where the formula is 0/0.
  return { mean: n * mean, variance: n === m ? 0 : n * variance * (m - n) / (m - 1) };
}

function contiguousMoments(
  row: Float32Array,
  starts: Uint32Array,
  offsets: Uint32Array,
  values: Float64Array,
): Moments {
  for (let i = 0; i < starts.length; i++) {
    let sum = 0;
    for (let k = 0; k < offsets.length; k++) sum += row[starts[i] + offsets[k]];
    values[i] = sum;
  }
  return moments(values);
}

function moments(values: Float64Array): Moments {
  let sum = 0, squares = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return { mean, variance: squares / values.length };
}
