/** Site sets and their baseline as they are defined: whole lists, double precision, no haste. */
import { belowReference } from "../philox/reference.ts";
import type { SiteSetOptions } from "./types.ts";

/** Random site sets, one array per trial. */
export function siteSetsReference(options: SiteSetOptions): number[][] {
  const { columns, trials, seed, mode, stream = 0 } = options;
  const sites = [...options.sites];
  const all = Array.from({ length: columns }, (_, column) => column);
  const below = (bound: number, trial: number, draw: number) =>
    Number(
      belowReference(BigInt(bound), BigInt(trial), BigInt(draw), BigInt(stream), BigInt(seed))
        .value,
    );
  const pattern = (start: number) => sites.map((site) => start + site - sites[0]);
  const starts = all.filter((start) =>
    pattern(start).every((column) => column < columns && !sites.includes(column))
  );
  const others = all.filter((column) => !sites.includes(column));
  return Array.from({ length: trials }, (_, trial) => {
    if (mode === "contiguous") return pattern(starts[below(starts.length, trial, 0)]);
    const chosen: number[] = [];
    for (let last = others.length - sites.length; last < others.length; last++) {
      const pick = others[below(last + 1, trial, chosen.length)];
      chosen.push(chosen.includes(pick) ? others[last] : pick);
    }
    return chosen;
  });
}

/** Observed sum, trial sums and their moments of one head's mass. */
export function siteBaselineReference(row: ArrayLike<number>, sites: number[], sets: number[][]) {
  const sumOf = (columns: number[]) => columns.reduce((sum, column) => sum + row[column], 0);
  const observed = sumOf(sites), sampled = sets.map(sumOf);
  const mean = sampled.reduce((sum, value) => sum + value, 0) / sets.length;
  const variance = sampled.reduce((sum, value) => sum + (value - mean) ** 2, 0) / sets.length;
  const atLeast = sampled.filter((value) => value >= observed).length;
  return { observed, sampled, mean, sd: Math.sqrt(variance), atLeast };
}
