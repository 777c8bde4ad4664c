/** The whole analysis: maps, their evaluation, the baseline and the motif experiment. */
import type { Checkpoint } from "../checkpoint/mod.ts";
import { quote, UserError } from "../errors.ts";
import { displayLetters, type Esm2, tokenize } from "../esm2/mod.ts";
import { covarianceContacts } from "./covariance.ts";
import { countPredicted, evaluate } from "./evaluate.ts";
import { elementsOf, runMotif } from "./motif.ts";
import { motifShares } from "./motif_summary.ts";
import type { MotifOptions, MotifShare } from "./motif_types.ts";
import { columnsFor, type MsaColumns } from "./msa.ts";
import { readMsa } from "./msa_file.ts";
import { checkHeads, type HeadName, Predictor, predictProtein, workOf } from "./predict.ts";
import { rankHeads } from "./rank_heads.ts";
import { type MetricSummary, summariseAll } from "./summary.ts";
import {
  type ContactInput,
  type ContactRecord,
  type ContactResult,
  type Method,
  RANGES,
  type RangeScores,
  recordOf,
} from "./types.ts";

export interface ContactOptions {
  method: Method;
  heads?: HeadName[];
  fast: boolean;
  window: number;
  rankHeads: boolean;
  bootstrap: number;
  seed: number;
  motif: boolean;
  secondary?: string;
  motifPairs: number;
  motifSegments: number;
  motifPairContacts: number;
  motifSegmentContacts: number;
  motifStep: number;
  motifSeparation: number;
}

/** A protein with everything that its analysis needs but the model. */
export interface PreparedProtein extends ContactInput {
  row: Int32Array<ArrayBuffer>;
  msa?: MsaColumns;
  /** H, E or - for each residue, for the motif experiment. */
  secondary?: string;
}

export interface Prepared {
  proteins: PreparedProtein[];
  notes: string[];
}

/** Checks proteins and options against a model. @throws {UserError} if they do not fit */
export async function prepareContacts(
  checkpoint: Checkpoint,
  proteins: readonly (ContactInput & { msa?: string })[],
  options: ContactOptions,
): Promise<Prepared> {
  checkMethod(checkpoint, options);
  const { rankHeads, motif, secondary, window } = options;
  if (rankHeads && !proteins.every(({ truth }) => truth)) {
    throw new UserError(
      "Cannot use --rank-heads as every protein must have a structure or true contacts",
    );
  }
  if (secondary !== undefined && (!motif || proteins.length > 1)) {
    throw new UserError("Cannot use --secondary as --motif must be given, and one protein");
  }
  const notes: string[] = [];
  const prepared: PreparedProtein[] = [];
  for (const { msa, ...protein } of proteins) {
    const { id, residues } = protein;
    const row = tokenize(protein, { maxLength: Infinity });
    const made: PreparedProtein = { ...protein, row };
    if (msa !== undefined) {
      const alignment = await readMsa(msa, { notes });
      made.msa = columnsFor(alignment, { id, residues: displayLetters(residues) });
      notes.push(...alignment.notes, made.msa.note);
    }
    if (motif) {
      made.secondary = secondaryOf(protein, row.length - 2, secondary);
      const found = elementsOf(made.secondary).length;
      const computed = secondary === undefined && protein.truth?.structure?.secondary === "computed"
        ? " (computed from the coordinates, as the file states none)"
        : "";
      notes.push(
        `${id}: ${found} helices and strands that are long enough${computed}` +
          (found < 2 ? "; a pair needs two." : "."),
      );
      if (row.length - 2 > window) {
        throw new UserError(
          `Cannot run --motif on ${quote(id)} as it must fit one window of ${window} residues: ` +
            `current length is ${row.length - 2}`,
        );
      }
    }
    prepared.push(made);
  }
  return { proteins: prepared, notes };
}

function checkMethod({ tensors, config }: Checkpoint, { method, heads, fast }: ContactOptions) {
  const current = `current value is ${method}`;
  if (heads && method !== "attention") {
    throw new UserError(`Cannot use --heads as --method must be attention: ${current}`);
  }
  if (fast && method !== "jacobian") {
    throw new UserError(`Cannot use --fast as --method must be jacobian: ${current}`);
  }
  if (heads) checkHeads(heads, config);
  if (method === "head" && !tensors.has("contact_head.regression.weight")) {
    throw new UserError(
      "Cannot use --method head as the checkpoint must hold a contact head: current value has none; " +
        "--method attention and --method jacobian need none",
    );
  }
}

/** A string that was given, else that of the structure. */
function secondaryOf(
  { id, truth }: ContactInput,
  length: number,
  given: string | undefined,
): string {
  if (given !== undefined) {
    if (!/^[HECLhecl.-]*$/.test(given) || given.length !== length) {
      throw new UserError(
        `Cannot use --secondary as it must have ${length} letters H, E or -, one a residue: ` +
          `current value has ${given.length}`,
      );
    }
    return given.toUpperCase().replace(/[^HE]/g, "-");
  }
  if (!truth?.chain) {
    throw new UserError(
      `Cannot run --motif on ${quote(id)} as it must have a structure or --secondary: ` +
        "current value is none",
    );
  }
  const { chain, toChain } = truth;
  return Array.from(toChain!, (at) => at < 0 ? "-" : chain.residues[at].secondary).join("");
}

export interface ContactAnalysis {
  /** Of every protein, in the order given. */
  results: ContactRecord[];
  /** What a reader of the results should know. */
  notes: string[];
  /** Means over proteins, if several have a truth. */
  summary?: MetricSummary[];
  /** The motif experiment's headline curves. */
  motifShares?: MotifShare[];
}

/**
 * Predicts and evaluates every protein in the order given. What has L² elements is handed to `onResult`,
 * which keeps what it needs of it, so that memory does not grow with the number of proteins.
 */
export async function analyzeContacts(
  model: Esm2,
  checkpoint: Checkpoint,
  { proteins }: Prepared,
  options: ContactOptions & {
    onResult: (result: ContactResult, index: number) => Promise<void>;
    onProgress?: (done: number, total: number) => void;
    signal?: AbortSignal;
  },
): Promise<ContactAnalysis> {
  const { signal, window } = options;
  await using predictor = await Predictor.create(model, checkpoint, options);
  const works = proteins.map(({ row }) => workOf(predictor, row.length - 2, window));
  let total = works.reduce((a, b) => a + b, 0);
  const results: ContactRecord[] = [], notes: string[] = [];
  let before = 0;
  for (const [i, protein] of proteins.entries()) {
    const { id, residues, truth, row } = protein, length = row.length - 2;
    const map = await predictProtein(predictor, row, window, {
      signal,
      onProgress: (done) => options.onProgress?.(before + done, total),
    });
    options.onProgress?.(before += works[i], total);
    const result: ContactResult = { id, residues: displayLetters(residues), map };
    const baseline = protein.msa &&
      await covarianceContacts(model.backend, protein.msa, length, signal);
    if (truth) {
      result.truth = truth;
      result.scores = evaluate(map, truth, baseline && [baseline]);
    }
    if (baseline) {
      const scores = truth && evaluate(baseline, truth, [map]);
      result.baseline = { name: BASELINE, map: baseline, ...(scores && { scores }) };
    }
    notes.push(...predictionNotes(id, map, result.scores));
    if (options.rankHeads) result.heads = await rankHeads(model, protein, { signal });
    if (protein.secondary !== undefined) {
      const each = predictor.work(length);
      let runs = 0;
      result.motif = await runMotif(predictor, row, map, protein.secondary, motifOptions(options), {
        signal,
        // How many there are is known only when the map has shown which pairs count.
        onTotal: (count) => options.onProgress?.(before, total += each * (runs = count)),
        onProgress: (done) => options.onProgress?.(before + each * done, total),
      });
      before += each * runs;
    }
    // Ctrl-C is heard only when the event loop turns.
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    await options.onResult(result, i);
    results.push(recordOf(result));
  }
  const { method, bootstrap: resamples, seed } = options;
  const scoresOf = (of: (result: ContactRecord) => RangeScores[] | undefined) =>
    results.map(of).filter((scores) => scores !== undefined);
  const summary = await summariseAll([
    { predictor: method, scores: scoresOf(({ scores }) => scores) },
    { predictor: BASELINE, scores: scoresOf(({ baseline }) => baseline?.scores) },
  ], { resamples, seed, signal });
  const motifs = results.flatMap(({ motif }) => motif ? [motif] : []);
  return {
    results,
    notes,
    ...(summary.length > 0 && { summary }),
    ...(options.motif && {
      motifShares: await motifShares(motifs, { resamples, seed, signal }),
    }),
  };
}

const BASELINE = "covariance";

/** What a reader should know of pairs that have no score. */
function predictionNotes(
  id: string,
  map: Float32Array,
  scores: readonly RangeScores[] | undefined,
): string[] {
  const { pairs, missing } = countPredicted(map);
  const notes = missing === 0 ? [] : [
    `${id}: ${missing} of ${pairs} pairs at least ${
      RANGES[0].min
    } apart are in no window together ` +
    "and are not predicted (--window is longer).",
  ];
  const left = scores?.reduce((sum, { notPredicted }) => sum + notPredicted, 0) ?? 0;
  if (left > 0) {
    notes.push(
      `${id}: predictors are compared on the pairs that all of them predict; ${left} pairs with known ` +
        "distance are not among them.",
    );
  }
  return notes;
}

const motifOptions = (o: ContactOptions): MotifOptions => ({
  pairs: o.motifPairs,
  segments: o.motifSegments,
  pairContacts: o.motifPairContacts,
  segmentContacts: o.motifSegmentContacts,
  step: o.motifStep,
  separation: o.motifSeparation,
  seed: o.seed,
});
