/** How well hidden residues are said, protein by protein and letter by letter, beside simple statistics. */
import { ahead } from "../backend/ahead.ts";
import { MASK } from "../esm2/alphabet.ts";
import type { Esm2 } from "../esm2/mod.ts";
import type { Baselines } from "./baselines.ts";
import { corrupt, type Corruption, IGNORED } from "./corrupt.ts";
import { maskedLoss } from "./loss.ts";

/** Sums over asked residues of a protein, or of a letter. */
export const LOSS_SUMS = [
  "asked",
  "loss",
  "right",
  "unigram",
  "neighbours",
  "composition",
] as const;
/** One of {@linkcode LOSS_SUMS}. */
export type LossSum = typeof LOSS_SUMS[number];

/** Letters that are told apart, in the order of the sums. */
export const SCORED_LETTERS = "ACDEFGHIKLMNPQRSTVWY";
/** Of B, J, O, U, X, Z. */
const OTHER = SCORED_LETTERS.length;

/** Sums of one protein: f64[letters, sums], the last letter being all others. */
export type ProteinSums = Float64Array;

const WIDTH = LOSS_SUMS.length;

/** How residues are hidden. */
export interface Asking {
  readonly corruption: Corruption;
  /** Every residue is hidden in a copy of its own (pseudo-perplexity). */
  readonly exact: boolean;
  readonly seed: number;
}

/** A protein with its number in the input, by which its residues are drawn. */
export interface AskedProtein {
  readonly ids: Int32Array;
  readonly residues: string;
  readonly number: number;
}

/** Sums of each protein, in order. */
export async function evaluateProteins(
  esm: Esm2,
  proteins: readonly AskedProtein[],
  { corruption, exact, seed }: Asking,
  baselines: Baselines,
  { tokenBudget, signal, onProgress }: {
    tokenBudget?: number;
    signal?: AbortSignal;
    /** Hears how many tokens of the passes are done. */
    onProgress?(tokens: number): void;
  },
): Promise<ProteinSums[]> {
  const passes = proteins.flatMap((protein, p) =>
    exact
      ? Array.from(
        { length: protein.ids.length - 2 },
        (_, i) => ({ p, ...hideOne(protein.ids, i + 1) }),
      )
      : [{ p, ...corrupt(protein.ids, corruption, { seed, sequence: protein.number, draw: 0 }) }]
  );
  const sums = proteins.map((): ProteinSums => new Float64Array((OTHER + 1) * WIDTH));
  const asked = proteins.map(({ ids }) => new Float32Array(ids.length).fill(NaN));
  const right = proteins.map(({ ids }) => new Uint8Array(ids.length));
  let done = 0;
  const rows = passes.map(({ ids }) => ids);
  const batches = esm.planBatches(rows, tokenBudget);
  const read = ahead(batches, esm.backend, async (batch) => {
    signal?.throwIfAborted();
    const labels = new Int32Array(batch.size * batch.width).fill(IGNORED);
    batch.members.forEach((member, b) => labels.set(passes[member].labels, b * batch.width));
    return { labels, ...await maskedLoss(esm, batch, labels) };
  });
  for await (const [batch, { labels, ...found }] of read) {
    found.rows.forEach((row, r) => {
      const { p } = passes[batch.members[Math.floor(row / batch.width)]], t = row % batch.width;
      asked[p][t] = found.losses[r];
      right[p][t] = Number(found.likeliest[r] === labels[row]);
    });
    done += batch.lengths.reduce((sum, length) => sum + length, 0);
    onProgress?.(done);
  }
  proteins.forEach(({ residues }, p) => {
    const hidden = Array.from({ length: residues.length }, (_, i) => i)
      .filter((i) => !Number.isNaN(asked[p][i + 1]));
    const simple = exact
      ? hidden.flatMap((i) => baselines.losses(residues, [i]))
      : baselines.losses(residues, hidden);
    hidden.forEach((i, h) => {
      const letter = SCORED_LETTERS.indexOf(residues[i]);
      const at = (letter < 0 ? OTHER : letter) * WIDTH;
      const { unigram, neighbours, composition } = simple[h];
      [1, asked[p][i + 1], right[p][i + 1], unigram, neighbours, composition].forEach(
        (value, k) => {
          sums[p][at + k] += value;
        },
      );
    });
  });
  return sums;
}

function hideOne(row: Int32Array, token: number) {
  const ids = row.slice(), labels = new Int32Array(row.length).fill(IGNORED);
  labels[token] = row[token];
  ids[token] = MASK;
  return { ids, labels };
}

/** Named sums of a letter, or of all. */
export function sumsOf(sums: ProteinSums, letter?: number): Record<LossSum, number> {
  const found = Object.fromEntries(LOSS_SUMS.map((name) => [name, 0])) as Record<LossSum, number>;
  for (let l = 0; l <= OTHER; l++) {
    if (letter !== undefined && l !== letter) continue;
    LOSS_SUMS.forEach((name, k) => found[name] += sums[l * WIDTH + k]);
  }
  return found;
}

/** Means over the asked residues, of sums over them. */
export const meansOf = (sums: Readonly<Record<LossSum, number>>): Record<LossSum, number> =>
  Object.fromEntries(
    LOSS_SUMS.map((name) => [name, name === "asked" ? sums.asked : sums[name] / sums.asked]),
  ) as Record<LossSum, number>;
