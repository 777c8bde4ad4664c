/** What a mutation does to every head's attention, beyond what any substitution of its residue does. */
import { type Esm2, padBatch } from "../esm2/mod.ts";
import { benjaminiHochberg } from "../stats/benjamini_hochberg.ts";
import { mean, standardDeviation } from "../stats/moments.ts";
import { AMINO_ACIDS, tokenOf } from "../variants/letters.ts";
import { AttentionChanges } from "./attention_change.ts";
import type { HeadName } from "./maps.ts";
import type { SetUp } from "./analyze.ts";
import type { Mutant, MutantHead, MutantProfile, MutantResult, Replaced } from "./types.ts";

/** Heads of a mutation whose residues are kept. */
export const MOST_PROFILES = 10;

/**
 * Tokens of a batch on the CPU: the wild type stands in each, so that larger ones repeat it less, and a
 * long protein has two rows at least.
 */
const HOST_TOKENS = 4096;
const DEVICE_TOKENS = 8192;

/** How many sequences run beside their wild type. */
function besides({ backend }: Esm2, tokens: number): number {
  const budget = backend.gpu ? DEVICE_TOKENS : HOST_TOKENS;
  return Math.max(1, Math.floor(budget / tokens) - 1);
}

/** The letters that a residue can have besides its own. */
const othersThan = (letter: string) => [...AMINO_ACIDS].filter((each) => each !== letter);

/** Positions that mutations change, each with its mutations, in the order given. */
const byPosition = (
  mutants: readonly Mutant[],
) => [...Map.groupBy(mutants, ({ position }) => position).values()];

/** Batches that the mutations of a protein need. */
export function mutantBatches(model: Esm2, tokens: number, mutants: readonly Mutant[]): number {
  const size = besides(model, tokens);
  return byPosition(mutants).reduce(
    (sum, [{ from }]) => sum + Math.ceil(othersThan(from).length / size),
    0,
  );
}

export interface MutantOptions {
  /** Ascending. */
  layers: readonly number[];
  /** Rows and columns, and which of them are sites. */
  setup: SetUp;
  /** Hears of each batch. */
  onBatch?(): void;
  signal?: AbortSignal;
}

/**
 * Attention of mutants minus that of their wild type, by head and by residue.
 *
 * Each mutation is compared with all other substitutions of the same residue: 18 where the residue is
 * one of the 20 amino acids.
 *
 * @param row token ids of the wild type
 */
export async function analyzeMutants(
  model: Esm2,
  row: Int32Array,
  mutants: readonly Mutant[],
  options: MutantOptions,
): Promise<MutantResult[]> {
  const found = new Map<Mutant, MutantResult>();
  await using runner = new AttentionChanges(model);
  for (const same of byPosition(mutants)) {
    const [{ position, from }] = same, letters = othersThan(from);
    const changes = await changesAt(runner, row, position, letters, options);
    for (const mutant of same) {
      found.set(mutant, compare(model, mutant, letters, changes, options));
    }
  }
  return mutants.map((mutant) => found.get(mutant)!);
}

/** Of every substitution of a residue and every head. */
interface Changes {
  /** f64[S, G]: mean over rows of half the sum of |a − a₀| over all tokens. */
  total: Float64Array;
  /** f32[S, G, L]: change of what each residue receives. */
  received: Float32Array;
}

async function changesAt(
  runner: AttentionChanges,
  row: Int32Array,
  position: number,
  letters: readonly string[],
  { layers, setup: { columns, specials }, onBatch, signal }: MutantOptions,
): Promise<Changes> {
  const { model } = runner;
  const size = besides(model, row.length), heads = layers.length * model.config.heads;
  const begin = specials ? 0 : 1, end = begin + columns;
  const total = new Float64Array(letters.length * heads);
  const received = new Float32Array(letters.length * heads * columns);
  for (let first = 0; first < letters.length; first += size) {
    signal?.throwIfAborted();
    const some = letters.slice(first, first + size).map((letter) => {
      const ids = row.slice();
      ids[position] = tokenOf(letter)!;
      return ids;
    });
    const batch = padBatch([row, ...some]), { width } = batch;
    const { change, moved } = await runner.run(batch, [begin, end], layers, signal);
    for (let at = 0; at < some.length * heads; at++) {
      let sum = 0;
      for (let j = at * width; j < (at + 1) * width; j++) sum += moved[j];
      total[first * heads + at] = sum / 2 / columns;
      received.set(
        change.subarray(at * width + begin, at * width + end),
        (first * heads + at) * columns,
      );
    }
    onBatch?.();
  }
  return { total, received };
}

function compare(
  { config: { heads } }: Esm2,
  mutant: Mutant,
  letters: readonly string[],
  { total, received }: Changes,
  { layers, setup: { columns, sites } }: MutantOptions,
): MutantResult {
  const own = letters.indexOf(mutant.to), count = layers.length * heads;
  const names: HeadName[] = layers.flatMap((layer) =>
    Array.from({ length: heads }, (_, head) => ({ layer, head }))
  );
  /** A head's value of every substitution. */
  const ofAll = (value: (substitution: number) => number) => letters.map((_, s) => value(s));
  const ofSites = (s: number, g: number) =>
    sites.reduce((sum, site) => sum + received[(s * count + g) * columns + site], 0);
  const change = names.map((_, g) => against(ofAll((s) => total[s * count + g]), own));
  const atSites = names.map((_, g) => against(ofAll((s) => ofSites(s, g)), own));
  const q = benjaminiHochberg(change.map(({ p }) => p));
  const siteQ = benjaminiHochberg(atSites.map(({ p }) => p));
  const rows = names.map((name, g): MutantHead => ({
    ...name,
    change: { ...change[g], q: q[g] },
    sites: { ...atSites[g], q: siteQ[g] },
  }));
  const profiles = rankMutantHeads(rows).slice(0, MOST_PROFILES).map((row): MutantProfile => {
    const g = rows.indexOf(row);
    const profile = {
      ...{ layer: row.layer, head: row.head },
      received: new Float32Array(columns),
      mean: new Float32Array(columns),
      sd: new Float32Array(columns),
    };
    for (let j = 0; j < columns; j++) {
      const { value, mean, sd } = against(
        ofAll((s) => received[(s * count + g) * columns + j]),
        own,
      );
      profile.received[j] = value;
      profile.mean[j] = mean;
      profile.sd[j] = sd;
    }
    return profile;
  });
  return { ...mutant, others: letters.length - 1, rows, profiles };
}

/** A value of one substitution beside those of all others. */
function against(values: readonly number[], own: number): Omit<Replaced, "q"> {
  const value = values[own], others = values.filter((_, s) => s !== own);
  const expected = mean(others), sd = standardDeviation(others, 0);
  const atLeast = others.filter((other) => Math.abs(other) >= Math.abs(value)).length;
  return {
    ...{ value, mean: expected, sd, z: (value - expected) / sd },
    rank: 1 + atLeast,
    p: (1 + atLeast) / (1 + others.length),
  };
}

/** Heads whose attention changes more than under most other substitutions first, then by z. */
export function rankMutantHeads(rows: readonly MutantHead[]): MutantHead[] {
  const key = ({ change: { z } }: MutantHead) => Number.isNaN(z) ? -Infinity : z;
  return [...rows].sort((a, b) =>
    a.change.rank - b.change.rank || (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0) ||
    a.layer - b.layer || a.head - b.head
  );
}
