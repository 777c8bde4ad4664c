/** One analysis over many variants, in pieces that a killed run does not lose. */
import { MASK } from "../esm2/alphabet.ts";
import { defaultTokenBudget, type Esm2, tokenize } from "../esm2/mod.ts";
import type { UnitStore } from "../run/unit_store.ts";
import { mutate } from "../variants/resolve.ts";
import { captureSequences } from "./capture.ts";
import { type Metric, type MetricKind, metricOf } from "./metric.ts";
import { type Places, tokensOf } from "./places.ts";
import type { Lens } from "./session.ts";
import { countOwn, cutPieces, isOwnPiece, type ProteinPieces } from "./sweep/pieces.ts";
import type { Shard } from "../run/shards.ts";
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
  /** Which part of the work to do. @default all */
  shard?: Shard;
  progress?: UnitStore;
  signal?: AbortSignal;
  /** Hears of the variants that the survey, or its shard, works on. */
  onProgress?(done: number, total: number): void;
}

/** Results per protein, autoencoder and variant; those of other shards are undefined. */
export type SurveyValues = (Float64Array | undefined)[][][];

/**
 * Runs an analysis, or a shard of it.
 *
 * Variants are worked on in groups that are the same whatever is computed already and by whom, since
 * an arithmetic library may round a row differently in a batch of another size: shards, and runs that
 * were interrupted, give the very numbers of a run in one piece.
 */
export async function survey(request: SurveyRequest): Promise<SurveyValues> {
  const { esm, lenses, proteins, shard, progress, signal, onProgress } = request;
  const tokenBudget = budgetOf(request);
  const pieces = piecesOf(request), total = countOwn(pieces, lenses.length, shard);
  const results: SurveyValues = [];
  let done = 0;
  for (const [p, protein] of proteins.entries()) {
    const { variants } = protein, { size, groups, variantsBefore } = pieces[p];
    const unit = (lens: number, variant: number) =>
      (variantsBefore + variant) * lenses.length + lens;
    const found = lenses.map((_, l) => variants.map((_, v) => progress?.get(unit(l, v))));
    const capture = (rows: readonly Int32Array[]) =>
      captureSequences(esm, lenses.map(({ coder }) => coder), rows, { tokenBudget, signal });
    let wild: Capture[] | undefined;
    for (let group = 0; group < groups; group++) {
      signal?.throwIfAborted();
      const own = Array.from(lenses.keys()).filter((l) => isOwnPiece(pieces[p], l, group, shard));
      if (own.length === 0) continue;
      const some = Array.from(variants.keys()).slice(group * size, (group + 1) * size);
      const open = own.filter((l) => some.some((v) => !found[l][v]));
      if (open.length > 0) {
        wild ??= (await capture([tokensOfTarget(protein)])).map(([one]) => one);
        const captured = await capture(some.flatMap((v) => rowsOf(protein, variants[v], request)));
        for (const l of open) {
          const per = captured[l].length / some.length;
          const subjects = some.map((v, i) => {
            const own = captured[l].slice(i * per);
            return subjectOf(request, protein, variants[v], wild![l], own);
          });
          const values = await request.analyse(lenses[l], subjects, wild[l]);
          some.forEach((v, i) => {
            if (found[l][v]) return;
            found[l][v] = values[i];
            progress?.put(unit(l, v), values[i]);
          });
        }
      }
      done += some.length;
      onProgress?.(done, total);
    }
    results.push(found);
  }
  return results;
}

/** Variants that a survey, or its shard, works on. */
export function surveySize(request: PiecesRequest): number {
  return countOwn(piecesOf(request), request.lenses.length, request.shard);
}

type PiecesRequest = Pick<
  SurveyRequest,
  "esm" | "lenses" | "proteins" | "shard" | "together" | "tokenBudget"
>;

function piecesOf(request: PiecesRequest): ProteinPieces[] {
  const tokenBudget = budgetOf(request);
  const sizes = request.proteins.map((protein) => {
    const copies = Math.max(1, Math.floor(tokenBudget / tokensOfTarget(protein).length));
    return { variants: protein.variants.length, together: request.together(copies) };
  });
  return cutPieces(sizes, request.lenses.length);
}

const budgetOf = ({ esm, tokenBudget }: PiecesRequest) =>
  tokenBudget ?? defaultTokenBudget(esm.backend);

const tokensOfTarget = ({ target }: CausalProtein) => tokenize(target, { maxLength: Infinity });

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
