/** One analysis over many variants, in pieces that a killed run does not lose. */
import { MASK } from "../esm2/alphabet.ts";
import { type Esm2, tokenize } from "../esm2/mod.ts";
import { mutate } from "../variants/resolve.ts";
import type { ProgressFile } from "../variants/resume.ts";
import { captureSequences } from "./capture.ts";
import { type Metric, type MetricKind, metricOf } from "./metric.ts";
import { type Places, tokensOf } from "./places.ts";
import type { Lens } from "./session.ts";
import type { Capture, RunKind } from "./types.ts";
import type { CausalProtein, CausalVariant } from "./variants.ts";

/** A variant where an autoencoder reads it. */
export interface Subject {
  readonly protein: CausalProtein;
  readonly variant: CausalVariant;
  readonly wild: Capture;
  readonly mutant: Capture;
  /** The run that edits start from, and whose latents they may take. */
  readonly base: Capture;
  readonly donor: Capture;
  /** Tokens that edits may touch. */
  readonly tokens: readonly number[];
  readonly metric: Metric;
}

export interface SurveySettings {
  run: RunKind;
  metric: MetricKind;
  at: Places;
  tokenBudget?: number;
}

export interface SurveyRequest extends SurveySettings {
  esm: Esm2;
  lenses: readonly Lens[];
  proteins: readonly CausalProtein[];
  /**
   * Results of some variants under one autoencoder, in order.
   *
   * @param wild the protein without a mutation
   */
  analyse(lens: Lens, subjects: readonly Subject[], wild: Capture): Promise<Float64Array[]>;
  /** How many variants are analysed together, given how many copies of the protein a batch holds. */
  together(copies: number): number;
  progress?: ProgressFile;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

/** Runs an analysis; gives its results per protein, autoencoder and variant. */
export async function survey(request: SurveyRequest): Promise<Float64Array[][][]> {
  const { esm, lenses, proteins, progress, signal, onProgress } = request;
  const tokenBudget = request.tokenBudget ?? (esm.backend.gpu ? 8192 : 1024);
  const total = proteins.reduce((sum, { variants }) => sum + variants.length, 0);
  const results: Float64Array[][][] = [];
  let before = 0, done = 0;
  for (const protein of proteins) {
    const { variants, target } = protein;
    const unit = (lens: number, variant: number) => (before + variant) * lenses.length + lens;
    const found = lenses.map((_, l) => variants.map((_, v) => progress?.get(unit(l, v))));
    const open = Array.from(variants.keys()).filter((v) => found.some((row) => !row[v]));
    done += variants.length - open.length;
    onProgress?.(done, total);
    if (open.length > 0) {
      const capture = (rows: readonly Int32Array[]) =>
        captureSequences(esm, lenses.map(({ coder }) => coder), rows, { tokenBudget, signal });
      const wildIds = tokenize(target, { maxLength: Infinity });
      const wild = (await capture([wildIds])).map(([one]) => one);
      const size = request.together(Math.max(1, Math.floor(tokenBudget / wildIds.length)));
      for (let at = 0; at < open.length; at += size) {
        signal?.throwIfAborted();
        const some = open.slice(at, at + size);
        const captured = await capture(some.flatMap((v) => rowsOf(protein, variants[v], request)));
        for (const [l, lens] of lenses.entries()) {
          const missing = some.filter((v) => !found[l][v]);
          const per = captured[l].length / some.length;
          const subjects = missing.map((v) => {
            const own = captured[l].slice(some.indexOf(v) * per);
            return subjectOf(request, protein, variants[v], wild[l], own);
          });
          const values = await request.analyse(lens, subjects, wild[l]);
          missing.forEach((v, i) => {
            found[l][v] = values[i];
            progress?.put(unit(l, v), values[i]);
          });
        }
        done += some.length;
        onProgress?.(done, total);
      }
    }
    results.push(found as Float64Array[][]);
    before += variants.length;
  }
  return results;
}

/** Sequences that a variant needs beside the wild type: its own, and the masked one. */
function rowsOf(
  { target }: CausalProtein,
  { name, substitutions }: CausalVariant,
  { run }: SurveySettings,
): Int32Array[] {
  const row = (residues: string) => tokenize({ id: name, residues }, { maxLength: Infinity });
  const mutant = row(mutate(target, { substitutions }));
  if (run !== "masked") return [mutant];
  const masked = row(target.residues);
  for (const { position } of substitutions) masked[position] = MASK;
  return [mutant, masked];
}

function subjectOf(
  { run, metric, at }: SurveySettings,
  protein: CausalProtein,
  variant: CausalVariant,
  wild: Capture,
  [mutant, masked]: Capture[],
): Subject {
  return {
    protein,
    variant,
    wild,
    mutant,
    base: run === "wild-type" ? wild : run === "mutant" ? mutant : masked,
    donor: run === "mutant" ? wild : mutant,
    tokens: tokensOf(at, protein.target, variant.substitutions),
    metric: metricOf(variant.substitutions, metric),
  };
}
