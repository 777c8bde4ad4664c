/** Masked loss on sequences that a training does not see. */
import type { Esm2 } from "../esm2/mod.ts";
import { TOKENS } from "../esm2/alphabet.ts";
import type { Corpus } from "../train/corpus.ts";
import { Baselines } from "./baselines.ts";
import type { Corruption } from "./corrupt.ts";
import { type AskedProtein, evaluateProteins, type LossSum, meansOf, sumsOf } from "./evaluate.ts";

/** Sequences that are measured on, of one of the corpora. */
export interface HeldOut {
  readonly corpus: Corpus;
  readonly sequences: readonly number[];
}

/** Means over asked residues. */
export type HeldOutFigures = Record<LossSum, number>;

/** How residues are hidden when a model is measured: `<mask>` only, as baselines see them. */
export const MEASURED: Corruption = { share: 0.15, masked: 1, replaced: 0 };

/** Figures of a model; the same residues each time. */
export async function heldOutFigures(
  esm: Esm2,
  sets: readonly HeldOut[],
  { maxLength, seed, tokenBudget, signal }: {
    maxLength: number;
    seed: number;
    tokenBudget: number;
    signal?: AbortSignal;
  },
): Promise<HeldOutFigures | undefined> {
  const proteins: Omit<AskedProtein, "number">[] = [];
  for (const { corpus, sequences } of sets) {
    for (const sequence of sequences) {
      const ids = await corpus.tokens(sequence, 0, Math.min(maxLength, corpus.lengths[sequence]));
      const residues = Array.from(ids.subarray(1, -1), (id) => TOKENS[id]).join("");
      proteins.push({ ids, residues });
    }
  }
  return await maskedFigures(esm, proteins, { seed, tokenBudget, signal });
}

/** The same of given sequences. */
export async function maskedFigures(
  esm: Esm2,
  sequences: readonly Omit<AskedProtein, "number">[],
  { seed, tokenBudget, signal }: { seed: number; tokenBudget: number; signal?: AbortSignal },
): Promise<HeldOutFigures | undefined> {
  if (sequences.length === 0) return undefined;
  const baselines = new Baselines();
  const proteins = sequences.map((own, number): AskedProtein => ({ ...own, number }));
  for (const { residues } of proteins) baselines.add(residues);
  const asking = { corruption: MEASURED, exact: false, seed };
  const all = await evaluateProteins(esm, proteins, asking, baselines, { tokenBudget, signal });
  const total = all[0].map((_, at) => all.reduce((sum, own) => sum + own[at], 0));
  return meansOf(sumsOf(total));
}
