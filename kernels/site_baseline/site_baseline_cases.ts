/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";

export interface SiteBaselineCase {
  name: string;
  heads: number;
  columns: number;
  setSize: number;
  trials: number;
}

/** All heads of 650M for a 412-residue protein, with few and with many sites. */
export const BENCH_CASES: readonly SiteBaselineCase[] = [4, 20].map((setSize) => ({
  name: `[660, 412] n=${setSize} trials=1000`,
  heads: 660,
  columns: 412,
  setSize,
  trials: 1000,
}));

/** Least traffic: masses, sites and sets once, four numbers per head. */
export function bytes({ heads, columns, setSize, trials }: SiteBaselineCase): number {
  return 4 * (heads * columns + setSize + trials * setSize + 4 * heads);
}

/** Additions of one summing of all sets, and three operations per sum. */
export function flops({ heads, setSize, trials }: SiteBaselineCase): number {
  return heads * trials * (setSize + 3);
}

/** Masses like those of real heads, f32[G, L]: mostly small, some columns a hundred times larger. */
export function randomMass(
  heads: number,
  columns: number,
  seed: number,
): Float32Array<ArrayBuffer> {
  const stream = new PhiloxStream(seed, 99);
  return Float32Array.from({ length: heads * columns }, (_, i) => {
    const uniform = stream.below(1 << 24, i, 0) / (1 << 24);
    return Math.exp(6 * uniform ** 3 - 1);
  });
}

/** n distinct columns, spread evenly and ascending. */
export function spreadSites(columns: number, setSize: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from({ length: setSize }, (_, k) => Math.floor(k * columns / setSize));
}

/** Sets u32[trials, n] as the device has them, u32[n, trials]; with `trials` for `setSize` it is undone. */
export function byPlace(sets: Uint32Array, setSize: number): Uint32Array<ArrayBuffer> {
  const trials = sets.length / setSize;
  return Uint32Array.from(sets, (_, i) => sets[i % trials * setSize + Math.floor(i / trials)]);
}
