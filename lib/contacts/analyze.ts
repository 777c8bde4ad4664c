/** The whole analysis: maps, their evaluation, the baseline and the motif experiment. */
import type { Checkpoint } from "../checkpoint/mod.ts";
import { quote, UserError } from "../errors.ts";
import { displayLetters, type Esm2, tokenize } from "../esm2/mod.ts";
import { covarianceContacts } from "./covariance.ts";
import { showContacts } from "./display.ts";
import { countPredicted, evaluate } from "./evaluate.ts";
import { elementsOf, runMotif } from "./motif.ts";
import { motifShares } from "./motif_summary.ts";
import type { MotifOptions, MotifResult, MotifShare } from "./motif_types.ts";
import { columnsFor, type MsaColumns } from "./msa.ts";
import { readMsa } from "./msa_file.ts";
import { checkHeads, type HeadName, Predictor, predictProtein, workOf } from "./predict.ts";
import { rankHeads } from "./rank_heads.ts";
import { type MetricSummary, summariseAll } from "./summary.ts";
import { predictorBefore } from "./tables.ts";
import {
  type ContactInput,
  type ContactRecord,
  type ContactResult,
  type HeadScore,
  type Method,
  RANGES,
  type RangeScores,
} from "./types.ts";

/** What is computed of each protein. */
export interface ContactOptions {
  /** How maps are predicted. */
  method: Method;
  /** Heads to average; all by default, with the method "attention" only. */
  heads?: HeadName[];
  /** The Jacobian's fast variant: one masked run a residue. */
  fast: boolean;
  /** Tokens of a batch. @default the backend's */
  tokenBudget?: number;
  /** Residues of a window; a longer protein runs in overlapping ones. */
  window: number;
  /** Whether every head is compared with the truth on its own. */
  rankHeads: boolean;
  /** Resamples of the intervals over proteins. */
  bootstrap: number;
  /** Of what is drawn. */
  seed: number;
  /** Whether it is measured how much context contacts need. */
  motif: boolean;
  /** H, E or - for each residue, for the motif experiment; by default the structure's. */
  secondary?: string;
  /** Pairs of elements that are drawn of those that qualify. */
  motifPairs: number;
  /** Stretches that are drawn of those that qualify. */
  motifSegments: number;
  /** Least sum of the map over the patch of a pair. */
  motifPairContacts: number;
  /** The same for a stretch. */
  motifSegmentContacts: number;
  /** Residues unmasked on each side at a time. */
  motifStep: number;
  /** The centres of a pair's elements are farther apart than this, residues. */
  motifSeparation: number;
}

/** A protein with everything that its analysis needs but the model. */
export interface PreparedProtein extends ContactInput {
  /** Token ids. */
  row: Int32Array<ArrayBuffer>;
  /** Its alignment, for the baseline. */
  msa?: MsaColumns;
  /** H, E or - for each residue, for the motif experiment. */
  secondary?: string;
}

/** Proteins that fit the model. */
export interface Prepared {
  /** In the order given. */
  proteins: PreparedProtein[];
  /** What people should know of them. */
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

/** What the model gives of a protein; all else follows from it. */
export interface ContactUnit {
  /** f32[L, L] */
  map: Float32Array;
  /** The same of the model without its adapter. */
  before?: Float32Array;
  /** The covariance baseline's map, where there is an alignment. */
  baseline?: Float32Array;
  /** Every head against the truth. */
  heads?: HeadScore[];
  /** The motif experiment's results. */
  motif?: MotifResult[];
}

/** Predicts proteins one by one. */
export class ContactSurvey {
  private constructor(
    readonly model: Esm2,
    readonly predictor: Predictor,
    readonly options: ContactOptions & { signal?: AbortSignal },
    /** Of the model without its adapter. */
    readonly before?: Predictor,
  ) {}

  /**
   * Opens what the method needs; `stack` disposes of it.
   *
   * @param base the model without its adapter, whose maps are wanted too
   * @throws {UserError} if the model lacks it
   */
  static async create(
    model: Esm2,
    checkpoint: Checkpoint,
    options: ContactOptions & { signal?: AbortSignal },
    stack: AsyncDisposableStack,
    base?: { model: Esm2; checkpoint: Checkpoint },
  ): Promise<ContactSurvey> {
    const predictor = stack.use(await Predictor.create(model, checkpoint, options));
    const before = base &&
      stack.use(await Predictor.create(base.model, base.checkpoint, options));
    return new ContactSurvey(model, predictor, options, before);
  }

  /** Steps of a protein's map, as far as they are known before it is there. */
  work({ row }: PreparedProtein): number {
    const once = workOf(this.predictor, row.length - 2, this.options.window);
    return this.before ? 2 * once : once;
  }

  /** What the model gives of a protein; `onProgress` hears the steps done, and of how many. */
  async predict(
    protein: PreparedProtein,
    onProgress: (done: number, total?: number) => void,
  ): Promise<ContactUnit> {
    const { model, predictor, options } = this, { signal, window } = options;
    const { row, msa, secondary } = protein, length = row.length - 2;
    const map = await predictProtein(predictor, row, window, { signal, onProgress });
    const unit: ContactUnit = { map };
    if (this.before) {
      const done = workOf(predictor, length, window);
      unit.before = await predictProtein(this.before, row, window, {
        signal,
        onProgress: (own) => onProgress(done + own),
      });
    }
    if (msa) unit.baseline = await covarianceContacts(model.backend, msa, length, signal);
    if (options.rankHeads) unit.heads = await rankHeads(model, protein, { signal });
    if (secondary !== undefined) {
      const done = this.work(protein), each = predictor.work(length);
      let total = done;
      unit.motif = await runMotif(predictor, row, map, secondary, motifOptions(options), {
        signal,
        // How many there are is known only when the map has shown which pairs count.
        onTotal: (runs) => onProgress(done, total = done + each * runs),
        onProgress: (runs) => onProgress(done + each * runs, total),
      });
    }
    return unit;
  }
}

/** Evaluates what was predicted of a protein. @param adapter what the model's is called */
export function resultOf(
  { id, residues, truth }: PreparedProtein,
  { map, before, baseline, heads, motif }: ContactUnit,
  adapter?: string,
): { result: ContactResult; notes: string[] } {
  const scores = truth && evaluate(map, truth, baseline && [baseline]);
  const baselineScores = baseline && truth && evaluate(baseline, truth, [map]);
  const result = showContacts({
    id,
    residues: displayLetters(residues),
    map,
    ...(truth && { truth, scores }),
    ...(before && {
      before: {
        adapter: adapter!,
        map: before,
        ...(truth && { scores: evaluate(before, truth, baseline && [baseline]) }),
      },
    }),
    ...(baseline && {
      baseline: {
        name: BASELINE,
        map: baseline,
        ...(baselineScores && { scores: baselineScores }),
      },
    }),
    ...(heads && { heads }),
    ...(motif && { motif }),
  });
  return { result, notes: predictionNotes(id, map, scores) };
}

/** What is said over all proteins. */
export interface ContactSummary {
  /** Means over proteins, if several have a truth. */
  summary?: MetricSummary[];
  /** The motif experiment's headline curves. */
  motifShares?: MotifShare[];
}

/** Means over proteins with bootstrap intervals. */
export async function summariseContacts(
  results: readonly ContactRecord[],
  { method, bootstrap: resamples, seed, motif, signal }: ContactOptions & { signal?: AbortSignal },
): Promise<ContactSummary> {
  const scoresOf = (of: (result: ContactRecord) => RangeScores[] | undefined) =>
    results.map(of).filter((scores) => scores !== undefined);
  const summary = await summariseAll([
    { predictor: method, scores: scoresOf(({ scores }) => scores) },
    { predictor: predictorBefore(method), scores: scoresOf(({ before }) => before?.scores) },
    { predictor: BASELINE, scores: scoresOf(({ baseline }) => baseline?.scores) },
  ], { resamples, seed, signal });
  const motifs = results.flatMap(({ motif }) => motif ? [motif] : []);
  return {
    ...(summary.length > 0 && { summary }),
    ...(motif && { motifShares: await motifShares(motifs, { resamples, seed, signal }) }),
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
