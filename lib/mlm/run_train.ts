/** A training of all weights, from options to a model's folder. */
import { basename } from "node:path";
import { type BackendChoice, openBackend } from "../backend/mod.ts";
import type { CommandContext } from "../cli/context.ts";
import { computeInvFreq } from "../checkpoint/inv_freq.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { UserError } from "../errors.ts";
import { defaultTokenBudget, Esm2, type Precision, requireF32 } from "../esm2/mod.ts";
import {
  LiveWeights,
  readWeights,
  UploadedWeights,
  type WeightArrays,
  weightShapes,
} from "../esm2/trainable.ts";
import { EMBEDDED_NOTE, type OpenedModel } from "../hub/open_model.ts";
import { openChosen } from "../model_options.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { OutputDir } from "../io/output.ts";
import { describeRun, describeWork, Stopwatch } from "../provenance.ts";
import { Results } from "../run/results.ts";
import { type ModelDType, saveModel } from "../run/save_model.ts";
import { Corpus } from "../train/corpus.ts";
import { type CurveRowOf, TrainingCurve } from "../train/curve.ts";
import type { StopVerdict } from "../train/early_stop.ts";
import { permutation } from "../train/random.ts";
import { StateFile } from "../train/state_file.ts";
import { meanOf, reportSteps } from "../train/steps_report.ts";
import { VERSION } from "../version.ts";
import { cardOf } from "./card.ts";
import { lonely, readClusters } from "./clusters.ts";
import type { Corruption } from "./corrupt.ts";
import { type HeldOut, heldOutFigures } from "./held_out.ts";
import { initialWeights } from "./initial.ts";
import { renderTraining } from "./report/report.ts";
import { Sampler, type Source } from "./sampler.ts";
import { perplexityText } from "./tables.ts";
import { type SCHEDULES, type StepReport, trainMaskedModel, type TrainSettings } from "./train.ts";

export interface TrainFlags {
  fasta: readonly string[];
  weights?: readonly number[];
  clusters?: readonly string[];
  validation: number;
  validationSequences: number;
  model?: string;
  adapter?: string;
  new?: readonly [layers: number, width: number, heads: number];
  backend: BackendChoice;
  precision?: Precision;
  tokens: number;
  batch: number;
  maxLength: number;
  windows: number | readonly [number, number];
  flanks: number;
  maskShare: number | readonly [number, number];
  masked: number;
  replaced: number;
  letters: "residues" | "hf";
  optimiser: "muon" | "adamw";
  matrixRate: number;
  learningRate: number;
  decay: number;
  schedule: typeof SCHEDULES[number];
  warmUp: number;
  cooling: number;
  average?: number;
  patience?: number;
  clip: number;
  tokenBudget?: number;
  seed: number;
  out: string;
  dtype: ModelDType;
  json: boolean;
  report: boolean;
}

/** A row of curve.csv. */
type CurveRow = CurveRowOf<StepReport>;

const { integer, number } = columnsOf<CurveRow>();

/** How the training went, in at most 500 rows. */
export const CURVE: TableOf<CurveRow> = {
  name: "curve",
  rows: "one row per step, or per mean of some",
  when: "of a training",
  columns: [
    integer("step", "steps that are done", "step"),
    integer("tokens", "tokens that were seen", "tokens"),
    number("loss", "mean −log p of the residues asked for", "loss", { unit: "nats" }),
    number("perplexity", "exp(loss)", ({ loss }) => Math.exp(loss)),
    number("norm", "length of the gradient before it is clipped", "norm"),
    number("rate", "share of the largest learning rate", "rate"),
    number("tokens_per_second", "of the run that wrote this row", "tokensPerSecond"),
  ],
};

const CURVE_ROWS = 500;

/** What a check of an early stop says. */
const CHECKED: Readonly<Record<StopVerdict, string>> = {
  better: "the best so far",
  worse: "no better than before",
  stop: "no better for too long: the best weights are kept",
};

/**
 * Trains a new model, or goes on with one, and writes it with its card and curve; a stopped training
 * leaves its state in a hidden file beside the folder, from which the same command continues.
 *
 * @throws {UserError} if options contradict each other or a file cannot be read
 */
export async function runTrain(o: TrainFlags, ctx: CommandContext): Promise<void> {
  const watch = new Stopwatch();
  watch.stage("read inputs");
  requireF32(o.precision, "train");
  checkLists(o);
  using output = OutputDir.open(o.out, "mlm");
  ctx.onExit(() => output.dispose());
  await using stack = new AsyncDisposableStack();
  const { sources, heldOut, described } = await openSources(o, ctx, stack);
  watch.stage("load model");
  const start = await startOf(o, ctx, stack);
  const { config, weights, invFreq } = start;
  const opened = await openBackend(o.backend), backend = stack.use(opened.backend);
  ctx.note(`Training ${start.text} on ${backend.name} (${backend.detail}): ${opened.reason}.`);
  const tokenBudget = o.tokenBudget ?? defaultTokenBudget(backend);
  const settings: TrainSettings = {
    corruption: corruptionOf(o),
    muon: o.optimiser === "muon",
    betas: [0.9, 0.98],
    tokenBudget,
    ...pick(o),
  };
  const measure = async (own: WeightArrays = weights) => {
    using uploaded = new UploadedWeights(weightShapes(config), own, backend);
    const source = new LiveWeights((name) => uploaded.tensor(name));
    await using esm = Esm2.ofWeights(source, { config, backend, invFreq });
    const { maxLength, seed } = o;
    return await heldOutFigures(esm, heldOut, { maxLength, seed, tokenBudget, signal: ctx.signal });
  };
  const before = start.isNew ? undefined : await measure();
  watch.stage("train");
  const { maxLength, windows, flanks, seed } = o, draws = { maxLength, windows, flanks, seed };
  const stateFile = StateFile.beside(o.out, {
    ...{ version: VERSION, backend: backend.name, settings, draws },
    ...{ start: start.sha256, config, corpora: described },
  });
  const curve = new TrainingCurve<StepReport>(CURVE_ROWS, ({ tokens }) => tokens / o.tokens);
  const report = reportSteps<StepReport>(ctx, { total: o.tokens, unit: "tokens" }, (steps) => {
    const loss = meanOf(steps, (step) => step.loss);
    return `loss ${loss.toFixed(4)}, perplexity ${perplexityText(loss)}, ` +
      `gradient ${steps.at(-1)!.norm.toFixed(2)}`;
  });
  let progress;
  try {
    progress = await trainMaskedModel(
      config,
      weights,
      invFreq,
      new Sampler(sources, draws),
      settings,
      backend,
      {
        ...{ stateFile, signal: ctx.signal },
        keep: () => curve.rows,
        check: async (own) => (await measure(own))!.loss,
        onCheck(loss, verdict) {
          ctx.note(`Held-out perplexity ${perplexityText(loss)}, ${CHECKED[verdict]}.`);
        },
        onStep(step) {
          curve.add(step);
          report.onStep(step, step.tokens);
        },
        onResume(tokens, kept) {
          curve.rows.push(...kept as CurveRow[]);
          report.onResume(tokens);
        },
      },
    );
  } catch (error) {
    if (stateFile.isSaved) ctx.note("The state is saved; the same command continues.");
    throw error;
  }
  report.finish();
  watch.stage("measure");
  const after = await measure();
  watch.stage("write");
  const parameters = Object.values(weights).reduce((sum, { length }) => sum + length, 0);
  const card = cardOf({
    ...{ name: basename(o.out), config, parameters, start: start.text, corpora: described },
    ...{ draws, settings, before, after },
    ...{ steps: progress.steps, tokens: progress.tokens },
  });
  await saveModel(output, {
    ...{ config, weights, invFreq, card, dtype: o.dtype },
    metadata: {
      esmscope: VERSION,
      tokens: String(progress.tokens),
      trained_on: described.map(({ file }) => file).join(", "),
    },
  });
  const results = new Results(output, o.json);
  await results.write(CURVE, curve.rows);
  const done = { command: "mlm", args: Deno.args, watch, opened };
  const provenance = {
    ...start.model ? await describeRun({ ...done, model: start.model }) : describeWork(done),
    ...{ options: o, corpora: described, before, after },
    training: progress,
  };
  if (o.report) {
    const run = {
      record: provenance,
      input: described.map(({ file }) => file).join(", "),
      options: `${o.tokens} tokens, ${o.optimiser}, seed ${o.seed}`,
      files: output.files(),
    };
    const page = { notes: start.notes, name: basename(o.out), tokens: progress.tokens };
    await output.write(
      "report.html",
      renderTraining({ ...page, before, after, curve: curve.rows, run }),
    );
  }
  output.setRecord(provenance);
  const written = output.commit();
  stateFile.remove();
  if (o.json) {
    for await (const text of results.json(provenance)) ctx.print(text);
    return;
  }
  ctx.print(card.slice(card.indexOf("## Held-out")).trimEnd());
  ctx.note(`\nWrote ${written.join(", ")}`);
}

const pick = (o: TrainFlags) => {
  const { tokens, batch, matrixRate, learningRate, decay, clip, seed } = o;
  const { schedule, warmUp, cooling, average, patience } = o;
  return {
    ...{ tokens, batch, matrixRate, learningRate, decay, clip, seed },
    ...{ schedule, warmUp, cooling, average, patience },
  };
};

const corruptionOf = ({ maskShare, masked, replaced, letters }: TrainFlags): Corruption => ({
  ...{ share: maskShare, masked, replaced, letters },
});

function checkLists({ fasta, weights, clusters, model, adapter, ...o }: TrainFlags): void {
  for (const [flag, list] of [["--weights", weights], ["--clusters", clusters]] as const) {
    if (list && list.length !== fasta.length) {
      throw new UserError(
        `Cannot use ${flag} as it must have an entry for each of ${fasta.length} files of --fasta: ` +
          `current count is ${list.length}`,
      );
    }
  }
  if (model !== undefined && o.new) {
    throw new UserError("Cannot use --new together with --model as only one of them may be given");
  }
  if (adapter !== undefined && o.new) {
    throw new UserError(
      "Cannot use --new together with --adapter as only one of them may be given",
    );
  }
  if (o.patience !== undefined && o.validation === 0) {
    throw new UserError(
      "Cannot use --patience as sequences must be held out to check on: --validation is 0",
    );
  }
  if (o.masked + o.replaced > 1) {
    throw new UserError(
      `Cannot use --masked and --replaced as their sum must be at most 1: ` +
        `current value is ${o.masked + o.replaced}`,
    );
  }
}

async function openSources(o: TrainFlags, ctx: CommandContext, stack: AsyncDisposableStack) {
  const sources: Source[] = [], heldOut: HeldOut[] = [], described = [];
  for (const [i, path] of o.fasta.entries()) {
    const progress = ctx.progress({ label: `reading ${basename(path)}`, unit: "bytes" });
    const corpus = stack.use(
      await Corpus.open(path, {
        signal: ctx.signal,
        onProgress: (bytes, total) => progress.update(bytes, total),
      }),
    );
    progress.finish();
    const named = o.clusters?.[i];
    const clusters = named ? await readClusters(named, path) : lonely(corpus.sequences);
    const order = permutation(clusters.length, o.seed, HELD_OUT, i);
    const held = o.validation === 0 ? 0 : Math.max(1, Math.round(o.validation * clusters.length));
    if (held >= clusters.length) {
      throw new UserError(
        `Cannot train on ${path} as clusters must be left to train on: ${held} of ` +
          `${clusters.length} are held out; give --validation 0`,
      );
    }
    const trained = Array.from(order.subarray(held)).sort((a, b) => a - b);
    const weight = o.weights?.[i] ?? 1;
    sources.push({ corpus, clusters: trained.map((c) => clusters[c]), weight });
    const measured = Array.from(order.subarray(0, Math.min(held, o.validationSequences)));
    heldOut.push({ corpus, sequences: measured.map((c) => clusters[c][0]) });
    described.push({
      ...{ file: basename(path), sha256: corpus.sha256, sequences: corpus.sequences },
      ...{ clusters: clusters.length, heldOut: held, weight },
    });
  }
  return { sources, heldOut, described };
}

/** Stream of random numbers. */
export const HELD_OUT = 104;

interface Start {
  config: Esm2Config;
  weights: WeightArrays;
  invFreq: Float32Array;
  isNew: boolean;
  notes: readonly string[];
  /** In words. */
  text: string;
  model?: OpenedModel;
  /** Of the checkpoint; what a new model is, otherwise. */
  sha256: string;
}

async function startOf(
  o: TrainFlags,
  ctx: CommandContext,
  stack: AsyncDisposableStack,
): Promise<Start> {
  if (o.new) {
    const [layers, dModel, heads] = o.new;
    const config = {
      ...{ layers, dModel, heads, headDim: dModel / heads, ffn: 4 * dModel, tokenDropout: true },
    };
    return {
      ...{ config, invFreq: computeInvFreq(config.headDim), isNew: true, notes: [] },
      weights: initialWeights(config, o.seed),
      text: "a new model",
      sha256: `new with seed ${o.seed}`,
    };
  }
  const model = stack.use(await openChosen(o, ctx)), { checkpoint, name } = model;
  const notes = model.embedded ? [EMBEDDED_NOTE] : [];
  notes.forEach(ctx.note);
  return {
    ...{
      model,
      config: checkpoint.config,
      weights: await readWeights(checkpoint, weightShapes(checkpoint.config).keys()),
      isNew: false,
      notes,
      text: `what ${name} goes on as`,
    },
    invFreq: await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq"),
    sha256: await checkpoint.sha256(),
  };
}
