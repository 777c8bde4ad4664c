/** Made-up results of the size and kind that the analysis gives, for tests of the report. */
import { headMap } from "../lib/sites/maps.ts";
import type {
  HeadRow,
  HeadSummary,
  MutantResult,
  ProteinResult,
  Replaced,
  Site,
} from "../lib/sites/types.ts";

/** Uniform numbers in 0..1 (mulberry32); the same seed gives the same numbers. */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface SampleShape {
  id: string;
  residues: string;
  sites: number[];
  layers: number[];
  heads: number;
  maps: number;
  seed: number;
}

/** Mostly heads at chance, some far above, a few that are undefined or infinite. */
export function sampleProtein({ maps, seed, ...shape }: SampleShape): ProteinResult {
  const { id, residues, layers, heads } = shape;
  const next = random(seed);
  const rows: HeadRow[] = [];
  for (const layer of layers) {
    for (let head = 0; head < heads; head++) rows.push(sampleRow(layer, head, next));
  }
  const sites: Site[] = shape.sites.map((residue) => ({ residue, letter: residues[residue - 1] }));
  const best = [...rows].filter((row) => row.impact > 0).sort((a, b) => b.z - a.z).slice(0, maps);
  return {
    id,
    residues,
    sites,
    layers,
    heads,
    rows,
    calledByChance: 1.25,
    maps: best.map(({ layer, head }) => {
      return headMap({ layer, head }, sampleMap(residues.length, sites, next), residues.length);
    }),
  };
}

/** A mutation whose first heads, `largest` of them, change more than under every other substitution. */
export function sampleMutant(
  { residues, rows }: ProteinResult,
  { position, to, largest, seed }: { position: number; to: string; largest: number; seed: number },
): MutantResult {
  const next = random(seed), from = residues[position - 1];
  const replaced = (rank: number, size: number): Replaced => {
    const mean = size * next(), sd = size / 4, value = mean + sd * (rank === 1 ? 3 : next());
    return {
      value,
      mean,
      sd,
      z: (value - mean) / sd,
      rank,
      p: rank / 19,
      q: Math.min(1, rank / 9),
    };
  };
  const heads = rows.map(({ layer, head }, g) => {
    const rank = g < largest ? 1 : 2 + Math.floor(17 * next());
    return { layer, head, change: replaced(rank, 0.02), sites: replaced(19 - rank || 1, 2) };
  });
  const profiles = heads.slice(0, 10).map(({ layer, head }) => {
    const array = (size: number) => Float32Array.from(residues, () => size * (next() - 0.5));
    const mean = array(0.1), sd = array(0.1).map(Math.abs);
    return { layer, head, received: array(0.4), mean, sd };
  });
  return { name: `${from}${position}${to}`, position, from, to, others: 18, rows: heads, profiles };
}

function sampleRow(layer: number, head: number, next: () => number): HeadRow {
  const kind = next();
  const gauss = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  const baselineMean = kind < 0.04 ? 0 : 5 * next() + 0.05;
  const baselineSd = kind < 0.04 ? 0 : baselineMean * (0.2 + 0.3 * next());
  const lift = kind > 0.93 ? 3 + 6 * next() : gauss;
  const observed = kind < 0.03
    ? 0
    : Math.max(0, baselineMean + lift * baselineSd) + (kind < 0.04 ? 1 : 0);
  const z = (observed - baselineMean) / baselineSd;
  return {
    layer,
    head,
    observed,
    baselineMean,
    baselineSd,
    impact: observed / baselineMean,
    snr: z * (0.97 + 0.06 * next()),
    exactMean: baselineMean,
    exactSd: baselineSd,
    z,
    pPermutation: Number.isNaN(z) ? 1 : Math.min(1, 1 / 1001 + Math.exp(-Math.max(0, z) * 1.4)),
    qBh: Number.isNaN(z) ? 1 : Math.min(1, 2 / 1001 + 6 * Math.exp(-Math.max(0, z) * 1.4)),
    enrichment: observed / (baselineMean + 1e-9),
    pAlpha: kind < 0.1 ? NaN : next() / 5,
    pairs: 100 * layer + head,
  };
}

/** A band beside the diagonal, columns of the sites, and one sink; rows sum to less than 1. */
function sampleMap(length: number, sites: Site[], next: () => number): Float32Array {
  const map = new Float32Array(length * length);
  const sink = Math.floor(next() * length), offset = 1 + Math.floor(next() * 4);
  for (let row = 0; row < length; row++) {
    const line = map.subarray(row * length, (row + 1) * length);
    for (let column = 0; column < length; column++) line[column] = 0.004 * next() ** 6;
    if (row + offset < length) line[row + offset] += 0.5 * next();
    if (row >= offset) line[row - offset] += 0.2 * next();
    for (const { residue } of sites) line[residue - 1] += 0.25 * next() ** 2;
    line[sink] += 0.1 * next();
    const total = 1.05 * line.reduce((sum, x) => sum + x, 0);
    for (let column = 0; column < length; column++) line[column] /= total;
  }
  return map;
}

/** Mean and sample standard deviation of impact over proteins that share layers and heads. */
export function sampleSummary(proteins: ProteinResult[]): HeadSummary[] {
  return proteins[0].rows.map(({ layer, head }, i) => {
    const impacts = proteins.map(({ rows }) => rows[i].impact);
    const impactMean = impacts.reduce((sum, x) => sum + x, 0) / impacts.length;
    const impactSd = Math.hypot(...impacts.map((x) => x - impactMean)) /
      Math.sqrt(impacts.length - 1);
    const proteinCount = proteins.length;
    return {
      layer,
      head,
      proteins: proteinCount,
      impactMean,
      impactSd,
      impactSnr: impactMean / impactSd,
    };
  });
}

/** A helix of `length` alanines with backbone atoms, residue 5 missing. */
export function helix(length: number): string {
  const lines: string[] = [];
  for (let i = 0; i < length; i++) {
    if (i === 4) continue;
    ["N", "CA", "C", "O", "CB"].forEach((atom, k) => {
      const angle = (100 * i + 25 * k) * Math.PI / 180, radius = atom === "CB" ? 3.3 : 1.9;
      const point = [radius * Math.cos(angle), radius * Math.sin(angle), 1.5 * i + 0.4 * k];
      const xyz = point.map((v) => v.toFixed(3).padStart(8)).join("");
      lines.push(
        `ATOM  ${String(lines.length + 1).padStart(5)}  ${atom.padEnd(3)} ALA A` +
          `${String(i + 1).padStart(4)}    ${xyz}  1.00 20.00           ${atom[0]}`,
      );
    });
  }
  return lines.join("\n") + "\n";
}
