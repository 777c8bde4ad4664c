/** From sums and sampled baselines to the numbers of heads.csv. */
import { benjaminiHochberg } from "../stats/benjamini_hochberg.ts";
import type { HeadRow } from "./types.ts";

/** What is known of G heads of one protein over L columns (residues, or all tokens). */
export interface HeadSums {
  /** Layer and head of each row. */
  heads: readonly { layer: number; head: number }[];
  /** f32[G, L], attention that each column receives. */
  mass: Float32Array;
  /** u32[G, L], number of rows whose attention to the column is above the threshold. */
  count: Uint32Array;
  /** Columns that are sites. */
  sites: Uint32Array;
}

/** The sampled null of each head; arrays of G. */
export interface SampledNull {
  observed: ArrayLike<number>;
  mean: ArrayLike<number>;
  /** Population standard deviation. */
  sd: ArrayLike<number>;
  /** Trials whose sum is at least the observed one. */
  atLeast: ArrayLike<number>;
  trials: number;
}

/** The same null without sampling; arrays of G. */
export interface ExactNull {
  mean: ArrayLike<number>;
  sd: ArrayLike<number>;
}

/** One row per head; q is Benjamini–Hochberg over all of them. */
export function scoreHeads(sums: HeadSums, sampled: SampledNull, exact: ExactNull): HeadRow[] {
  const { heads, mass, count, sites } = sums;
  const columns = mass.length / heads.length;
  const p = Float64Array.from(heads, (_, g) => (1 + sampled.atLeast[g]) / (1 + sampled.trials));
  const q = benjaminiHochberg(p);
  return heads.map(({ layer, head }, g) => {
    const observed = sampled.observed[g], baselineMean = sampled.mean[g];
    const baselineSd = sampled.sd[g];
    const received = total(mass, g, columns), pairs = total(count, g, columns);
    let pairsToSites = 0;
    for (const site of sites) pairsToSites += count[g * columns + site];
    return {
      layer,
      head,
      observed,
      baselineMean,
      baselineSd,
      impact: observed / baselineMean,
      snr: (observed - baselineMean) / baselineSd,
      exactMean: exact.mean[g],
      exactSd: exact.sd[g],
      z: (observed - exact.mean[g]) / exact.sd[g],
      pPermutation: p[g],
      qBh: q[g],
      enrichment: observed / received / (sites.length / columns),
      pAlpha: pairsToSites / pairs,
      pairs,
    };
  });
}

function total(values: ArrayLike<number>, row: number, columns: number): number {
  let sum = 0;
  for (let j = row * columns; j < (row + 1) * columns; j++) sum += values[j];
  return sum;
}

/** A head is called sensitive above both: the thresholds of allostery_heads' README. */
export const SENSITIVE = { impact: 1.5, snr: 2.0 } as const;

/** Whether a head's impact and snr are above those of {@linkcode SENSITIVE}. */
export function isSensitive({ impact, snr }: Pick<HeadRow, "impact" | "snr">): boolean {
  return impact > SENSITIVE.impact && snr > SENSITIVE.snr;
}

/** Heads whose q is below this are no chance findings, but for this share of them. */
export const FALSE_DISCOVERY_RATE = 0.05;

/** Sensitive heads first, each group by falling z; heads with an undefined z come last. */
export function rankHeads(rows: readonly HeadRow[]): HeadRow[] {
  const key = (row: HeadRow) => Number.isNaN(row.z) ? -Infinity : row.z;
  return [...rows].sort((a, b) =>
    Number(isSensitive(b)) - Number(isSensitive(a)) || compare(key(b), key(a)) ||
    a.layer - b.layer || a.head - b.head
  );
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Values of all maps of a report together; each is one byte of the page. */
const MAP_BUDGET = 16_000_000;

/** How many maps of each protein a report can hold, at most six. */
export function mapsPerProtein(lengths: readonly number[]): number {
  const each = lengths.reduce((sum, n) => sum + n * n, 0);
  return Math.min(6, Math.floor(MAP_BUDGET / each));
}
