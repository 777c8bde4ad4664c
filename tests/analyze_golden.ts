/**
 * The site analysis as its definition reads, in plain double-precision loops over fair-esm's golden
 * attention. Nothing here comes from the library, so that both can be compared.
 */
import type { ForwardFixture } from "./fixtures.ts";

/** One head of a golden protein. */
export interface GoldenHead {
  layer: number;
  head: number;
  /** Attention from query token to key token, `<cls>` being token 0. */
  attention(query: number, key: number): number;
}

/** One member of a fixture. */
export interface GoldenProtein {
  id: string;
  residues: string;
  /** With `<cls>` and `<eos>`. */
  tokens: number;
  heads: GoldenHead[];
}

/** Numbers of one head and how far float32 attention may move each. */
export interface GoldenScore {
  observed: number;
  mean: number;
  sd: number;
  z: number;
  enrichment: number;
  pAlpha: number;
  error: { observed: number; mean: number; sd: number; enrichment: number; pAlpha: number };
  /** Mass of every column, and how far it may move. */
  mass: number[];
  massError: number[];
}

/** Members of a fixture; `<mask>` is written out in its sequences. */
export function goldenProteins({ name, sequences, arrays }: ForwardFixture): GoldenProtein[] {
  const { shape: [, layers, heads, width], data } = arrays.attentions;
  return sequences.map((residues, b) => ({
    id: `${name} ${b}`,
    residues,
    tokens: residues.replaceAll("<mask>", "_").length + 2,
    heads: Array.from({ length: layers * heads }, (_, k) => {
      const layer = Math.floor(k / heads), head = k % heads;
      const base = ((b * layers + layer) * heads + head) * width * width;
      return { layer, head, attention: (i: number, j: number) => data[base + i * width + j] };
    }),
  }));
}

/** Float32 arithmetic moves an attention value by less (parity tests measure 1e-6 at most). */
export const ATTENTION_ERROR = 4e-6;

/**
 * A threshold near `target` in the middle of the widest gap between attention values, so that rounding
 * cannot put an entry on the other side of it.
 *
 * @returns the threshold and its distance to the nearest value
 */
export function gapNear(
  proteins: readonly GoldenProtein[],
  target: number,
): { theta: number; margin: number } {
  const near = [target - 0.01, target + 0.01];
  for (const { heads, tokens } of proteins) {
    for (const { attention } of heads) {
      for (let i = 0; i < tokens; i++) {
        for (let j = 0; j < tokens; j++) {
          const a = attention(i, j);
          if (Math.abs(a - target) < 0.01) near.push(a);
        }
      }
    }
  }
  near.sort((a, b) => a - b);
  let best = 0;
  near.forEach((a, i) => {
    if (i > 0 && a - near[i - 1] > near[best + 1] - near[best]) best = i - 1;
  });
  return { theta: (near[best] + near[best + 1]) / 2, margin: (near[best + 1] - near[best]) / 2 };
}

/** Columns of all tokens, or of the residues; sites are 1-based residues, which are token numbers. */
export function columnsOf({ tokens }: GoldenProtein, specials: boolean): number[] {
  const all = Array.from({ length: tokens }, (_, t) => t);
  return specials ? all : all.slice(1, -1);
}

/** Scores of one head against the uniform null (finite population). */
export function goldenScore(
  protein: GoldenProtein,
  { attention }: GoldenHead,
  sites: readonly number[],
  theta: number,
  specials: boolean,
): GoldenScore {
  const columns = columnsOf(protein, specials);
  const mass: number[] = [], massError: number[] = [];
  let pairs = 0, pairsToSites = 0, doubtful = 0;
  for (const j of columns) {
    let c = 0, counted = 0;
    for (const i of columns) {
      const a = attention(i, j);
      // Float32 may round the smallest numbers to zero, or zero up to them.
      if (a < 1e-30 && theta === 0) doubtful++;
      if (a > theta) {
        c += a;
        counted++;
      }
    }
    mass[j] = c;
    massError[j] = counted * ATTENTION_ERROR;
    pairs += counted;
    if (sites.includes(j)) pairsToSites += counted;
  }
  const n = sites.length;
  const others = columns.filter((j) => !sites.includes(j)), m = others.length;
  const sum = (list: readonly number[], of: number[]) => list.reduce((s, j) => s + of[j], 0);
  const observed = sum(sites, mass), average = sum(others, mass) / m;
  const variance = others.reduce((s, j) => s + (mass[j] - average) ** 2, 0) / m;
  const factor = Math.sqrt(n * (m - n) / (m - 1));
  const mean = n * average, sd = Math.sqrt(variance) * factor;
  const total = sum(columns, mass);
  const enrichment = (observed / total) / (n / columns.length);
  const observedError = sum(sites, massError), totalError = sum(columns, massError);
  return {
    observed,
    mean,
    sd,
    z: (observed - mean) / sd,
    enrichment,
    pAlpha: pairsToSites / pairs,
    error: {
      observed: observedError,
      mean: n * sum(others, massError) / m,
      // A standard deviation is a norm of the deviations: it moves by no more than their movement.
      sd: factor * Math.sqrt(others.reduce((s, j) => s + massError[j] ** 2, 0) / m),
      enrichment: columns.length / n * (observedError / total + observed * totalError / total ** 2),
      pAlpha: doubtful / pairs,
    },
    mass,
    massError,
  };
}

/** The null distribution of one head over given site sets, by enumeration. */
export interface EnumeratedNull {
  mean: number;
  sd: number;
  /** Fourth central moment over sd⁴. */
  kurtosis: number;
  /** Share of sets that receive surely more than, and possibly at least, the observed mass. */
  atLeast: [least: number, most: number];
}

/** @param sets one list of columns per equally likely set */
export function enumerateNull(
  { mass, massError, observed, error }: GoldenScore,
  sets: readonly (readonly number[])[],
): EnumeratedNull {
  let surely = 0, possibly = 0;
  const sums = sets.map((set) => {
    let w = 0, e = error.observed;
    for (const j of set) {
      w += mass[j];
      e += massError[j];
    }
    // Where nothing passed the threshold on either side both are exactly zero.
    if (w - e > observed || (e === 0 && w >= observed)) surely++;
    if (w + e >= observed) possibly++;
    return w;
  });
  const mean = sums.reduce((s, w) => s + w, 0) / sums.length;
  const moment = (k: number) => sums.reduce((s, w) => s + (w - mean) ** k, 0) / sums.length;
  const variance = moment(2);
  return {
    mean,
    sd: Math.sqrt(variance),
    kurtosis: moment(4) / variance ** 2,
    atLeast: [surely / sums.length, possibly / sums.length],
  };
}

/** Every choice of `size` of the columns. */
export function choices(columns: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  return columns.flatMap((first, i) =>
    choices(columns.slice(i + 1), size - 1).map((rest) => [first, ...rest])
  );
}

/** Every shift of the sites' pattern that stays within the columns and touches no site. */
export function placements(columns: readonly number[], sites: readonly number[]): number[][] {
  const found: number[][] = [];
  for (let shift = -columns.length; shift <= columns.length; shift++) {
    const moved = sites.map((site) => site + shift);
    if (moved.every((j) => columns.includes(j) && !sites.includes(j))) found.push(moved);
  }
  return found;
}
