/** The `finetune` command: from labelled proteins to models that tell, compared mode by mode. */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { fidelityPanel } from "../../data/fidelity_panel.ts";
import { newAdapter } from "../adapter/mod.ts";
import { openBackend } from "../backend/mod.ts";
import type { Backend } from "../backend/types.ts";
import type { CommandContext } from "../cli/context.ts";
import type { Progress } from "../cli/progress.ts";
import { formatCount } from "../cli/units.ts";
import { quote, UserError } from "../errors.ts";
import { defaultTokenBudget, displayLetters, Esm2, requireF32, tokenize } from "../esm2/mod.ts";
import { EMBEDDED_NOTE, type OpenedModel } from "../hub/open_model.ts";
import { parseFasta } from "../io/fasta.ts";
import { OutputDir } from "../io/output.ts";
import { readText } from "../io/text.ts";
import { type HeldOutFigures, maskedFigures } from "../mlm/held_out.ts";
import { openChosen } from "../model_options.ts";
import { ungapped } from "../proteins/gaps.ts";
import { confusionOfTest } from "../probe/evaluate.ts";
import type { ClassRow, ConfusionRow, PredictionRow } from "../probe/tables.ts";
import type { SETS } from "../probe/types.ts";
import { describeRun, Stopwatch } from "../provenance.ts";
import type { MergedRun } from "../run/merge.ts";
import { Results } from "../run/results.ts";
import type { RunFlags } from "../run/run.ts";
import { classScores, type Confusion } from "../stats/confusion.ts";
import { sparkline, TrainingCurve } from "../train/curve.ts";
import type { OptimiserSettings } from "../train/parameters.ts";
import { StateFile } from "../train/state_file.ts";
import { meanOf, reportSteps } from "../train/steps_report.ts";
import { VERSION } from "../version.ts";
import { applyTuned } from "./apply.ts";
import { cardOf } from "./card.ts";
import { type DataFlags, labelledResidues, type Lesson, readLesson } from "./data.ts";
import { type Taught, writeTaught } from "./folder.ts";
import { Judge } from "./judge.ts";
import { inUnits, type TunedHead } from "./labels.ts";
import {
  isInnerMatrix,
  type OpenedLearner,
  openFrozen,
  openFull,
  openLora,
  saysResidues,
} from "./open.ts";
import { answerOf } from "./report/finding.ts";
import { renderFinetune } from "./report/report.ts";
import { saidOf } from "./said.ts";
import * as tables from "./tables.ts";
import {
  predict,
  type SCHEDULES,
  type Standing,
  type StepReport,
  stepsOf,
  teach,
  type TeachSettings,
} from "./train.ts";
import type { HeadKind, HeadSpec, Mode } from "./types.ts";

/** The values of the command's options. */
export interface FinetuneFlags extends DataFlags, Omit<RunFlags, "report"> {
  tokenBudget?: number;
  mode: readonly Mode[];
  head?: HeadKind;
  epochs?: number;
  patience?: number;
  batch?: number;
  learningRate?: readonly number[];
  schedule: typeof SCHEDULES[number];
  warmUp: number;
  optimiser: "adamw" | "muon";
  decay: number;
  clip: number;
  average?: number;
  loraRank: number;
  loraAlpha: number;
  loraDropout: number;
  loraTargets: readonly string[] | string;
  rslora: boolean;
  dora: boolean;
  merge: boolean;
  perplexity?: string;
  bootstrap: number;
  seed: number;
  apply?: string;
  sequence?: string;
  report: boolean;
}

/** What is usual of each mode: a head alone takes larger steps, and more of them; a wide model smaller ones. */
const USUAL: Readonly<
  Record<Mode, { rate(width: number): number; epochs: number; patience: number; batch: number }>
> = {
  frozen: { rate: () => 0.005, epochs: 50, patience: 10, batch: 32 },
  lora: { rate: (width) => 0.25 / width, epochs: 10, patience: 3, batch: 8 },
  full: { rate: (width) => 0.1 / width, epochs: 10, patience: 3, batch: 8 },
};

/** Proteins on which masked residues are asked for, and residues of each. */
const MEASURED = { proteins: 100, residues: 510 };

/** Runs the command. @param merged shards of a prediction */
export async function runFinetune(
  o: FinetuneFlags,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  if (o.apply !== undefined) return await applyTuned(o, o.apply, ctx, merged);
  requireF32(o.precision, "fine-tune");
  refuse(o);
  await using stack = new AsyncDisposableStack();
  const watch = new Stopwatch();
  watch.stage("read inputs");
  const notes: string[] = [], lesson = await readData(o, ctx, notes);
  const kind = headOf(o.head, lesson.task);
  const measured = await measuredOn(o, lesson, notes);
  const output = stack.use(OutputDir.open(o.out, "finetune"));
  ctx.onExit(() => output.dispose());
  const folders = o.mode.map((mode) =>
    o.mode.length === 1 ? output : stack.use(OutputDir.open(join(o.out, mode), "finetune"))
  );
  ctx.onExit(() => folders.forEach((folder) => folder.dispose()));

  watch.stage("load model");
  const model = stack.use(await openChosen(o, ctx));
  const { checkpoint } = model;
  notes.unshift(...model.embedded ? [EMBEDDED_NOTE] : []);
  if (o.mode.includes("lora")) await checkTargets(o, model);
  const opened = await openBackend(o.backend), backend = stack.use(opened.backend);
  for (const note of notes) ctx.note(note);
  const spec: HeadSpec = {
    ...{ kind, per: lesson.problem.per, width: checkpoint.config.dModel },
    outputs: lesson.loss.outputs,
  };
  ctx.note(`${countText(lesson)}; ${lesson.problem.split} split.`);
  ctx.note(
    `Teaching ${model.name} (${o.mode.join(", ")}) with the head ${kind} on ${backend.name} ` +
      `(${backend.detail}): ${opened.reason}.`,
  );
  const judge = new Judge(lesson, o.classWeights === "balanced");
  const tokenBudget = o.tokenBudget ?? defaultTokenBudget(backend);
  const asking = { seed: o.seed, tokenBudget, signal: ctx.signal };
  const perplexityOf = async (esm: Esm2) =>
    measured.length > 0 && saysResidues(checkpoint)
      ? await maskedFigures(esm, measured, asking)
      : undefined;
  /** Of the frozen model, which adapters read too; a full training has weights of its own. */
  await using base = new AsyncDisposableStack();
  const esm = base.use(await Esm2.open(checkpoint, backend, { lowMemory: o.lowMemory }));
  watch.stage("measure");
  const before = await perplexityOf(esm);

  const session: Session = {
    ...{ o, ctx, lesson, spec, judge, model, backend, esm, before, tokenBudget, perplexityOf },
    ...{ data: hashOf(lesson), sha256: await checkpoint.sha256(), curve: [], epochs: [] },
  };
  const done: Done[] = [];
  for (const [m, mode] of o.mode.entries()) {
    watch.stage(mode);
    if (mode === "full") await base.disposeAsync();
    done.push(await runMode(session, mode, folders[m], done[0]));
  }
  watch.stage("write");
  const rows = done.map(({ row }) => row);
  const provenance: Record<string, unknown> = {
    ...await describeRun({ command: "finetune", args: Deno.args, watch, model, opened }),
    ...{
      options: o,
      split: lesson.problem.split,
      rows: lesson.counts,
      classes: lesson.problem.classes,
    },
    ...{ head: kind, headline: judge.headline, before },
    modes: done.map(({ row: { metrics: _, ...row }, settings }) => ({ ...row, settings })),
  };
  for (const [m, folder] of folders.entries()) {
    if (folder === output) continue;
    await writePredictions(new Results(folder, false), lesson, done[m]);
    folder.setRecord({ ...provenance, mode: o.mode[m] });
  }
  const results = new Results(output, o.json);
  await results.write(tables.modesTable(judge.names), rows);
  await results.write(tables.EPOCHS, session.epochs);
  await results.write(tables.CURVE, session.curve);
  if (folders[0] === output) await writePredictions(results, lesson, done[0]);
  const answer = answerOf({ lesson, rows, headline: judge.headline });
  if (o.report) {
    await output.write(
      "report.html",
      renderFinetune({
        ...{ notes, lesson, rows, headline: judge.headline, epochs: session.epochs },
        ...{ curve: session.curve, head: kind, done },
        run: {
          record: provenance,
          input: countText(lesson),
          options: [
            ...[`modes ${o.mode.join(", ")}`, `head ${kind}`, `split ${lesson.problem.split}`],
            `seed ${o.seed}`,
          ].join(", "),
          files: output.files(),
        },
      }),
    );
  }
  output.setRecord(provenance);
  ctx.signal.throwIfAborted();
  const written = folders.filter((folder) => folder !== output).flatMap((folder) =>
    folder.commit()
  );
  written.push(...output.commit());
  for (const { stateFile } of done) stateFile.remove();
  if (o.json) {
    for await (const text of results.json(provenance)) ctx.print(text);
    return;
  }
  const shown = judge.names.filter((name) => SHOWN.includes(name)).slice(0, 2);
  ctx.print(tables.modesText(rows, shown));
  ctx.print(`\n${answer}`);
  const named = written.filter((path) => dirname(path) === output.path);
  const inside = folders.filter((folder) => folder !== output).map(({ path }) => `${path}/`);
  ctx.note(`\nWrote ${[...inside, ...named].join(", ")}`);
}

/** Of the terminal's table, which has no room for all. */
const SHOWN: readonly string[] = ["accuracy", "mcc", "spearman", "micro_f1", "macro_f1"];

/** What all modes of a run share. */
interface Session {
  readonly o: FinetuneFlags;
  readonly ctx: CommandContext;
  readonly lesson: Lesson;
  readonly spec: HeadSpec;
  readonly judge: Judge;
  readonly model: OpenedModel;
  readonly backend: Backend;
  readonly esm: Esm2;
  readonly before?: HeldOutFigures;
  readonly tokenBudget: number;
  /** Of all proteins with their labels and sets. */
  readonly data: string;
  /** Of the model. */
  readonly sha256: string;
  readonly curve: tables.CurveRow[];
  readonly epochs: tables.EpochRow[];
  perplexityOf(esm: Esm2): Promise<HeldOutFigures | undefined>;
}

/** What came of a mode. */
export interface Done {
  readonly row: tables.ModeRow;
  /** Of the test set: probabilities f32[rows, classes] or numbers. */
  readonly predicted: Float32Array;
  readonly confusion?: Confusion;
  readonly perClass?: readonly ClassRow[];
  readonly settings: TeachSettings;
  readonly stateFile: StateFile;
}

async function runMode(
  session: Session,
  mode: Mode,
  folder: OutputDir,
  first: Done | undefined,
): Promise<Done> {
  const { o, ctx, lesson, spec, judge, backend, model, tokenBudget } = session, { signal } = ctx;
  const settings = settingsOf(o, mode, tokenBudget, spec.width);
  const lora = {
    ...{ rank: o.loraRank, alpha: o.loraAlpha, dropout: o.loraDropout, targets: o.loraTargets },
    ...{ rslora: o.rslora, dora: o.dora, baseModel: model.name },
  };
  const optimiser: OptimiserSettings = {
    betas: [0.9, 0.999],
    decay: o.decay,
    decays: (name) => !/(\.bias|norm\.weight|norm_after\.weight|magnitude_vector)$/.test(name),
    ...(o.optimiser === "muon" && { muon: { moves: isInnerMatrix, decay: o.decay } }),
    ...(o.average !== undefined && { average: o.average }),
  };
  const stateFile = StateFile.beside(o.out, {
    ...{ version: VERSION, backend: backend.name, mode, settings, spec, task: lesson.task },
    ...{ model: session.sha256, data: session.data, maxLength: o.maxLength },
    ...{ optimiser: o.optimiser, decay: o.decay, weights: o.classWeights },
    ...(mode === "lora" && { lora }),
  });
  const parts = {
    ...{ checkpoint: model.checkpoint, backend, spec, lesson, optimiser, seed: o.seed },
  };
  await using opened: OpenedLearner & { adapter?: NonNullable<Taught["adapter"]>["start"] } =
    mode === "full"
      ? await openFull(parts)
      : mode === "lora"
      ? await openLora(parts, session.esm, lora)
      : await openFrozen(parts, session.esm);
  const { learner, esm, parameters } = opened;
  const teaching = { lesson, learner, spec, esm, judge };
  const peak = new Peak(backend);
  const total = stepsOf(lesson, settings);
  const curve = new TrainingCurve<tables.CurveStep>(tables.CURVE_ROWS, ({ step }) => step / total);
  let line = { tokens: 0, at: performance.now() }, preparing: Progress | undefined;
  const report = reportSteps<StepReport>(ctx, { total, unit: "steps" }, (steps) => {
    const now = { tokens: steps.at(-1)!.tokens, at: performance.now() };
    const perSecond = 1000 * (now.tokens - line.tokens) / (now.at - line.at);
    line = now;
    return `${mode}: ${stepsText(steps)}, ${formatCount(Math.round(perSecond))} tokens/s`;
  });
  const losses: number[] = [];
  let standing: Standing;
  try {
    standing = await teach(teaching, settings, {
      ...{ stateFile, signal },
      onPrepare(examples) {
        preparing ??= ctx.progress({
          ...{ label: "reading states", unit: "proteins", total: lesson.examples.length },
        });
        preparing.update(examples);
        if (examples === lesson.examples.length) preparing.finish();
      },
      keep: () => curve.rows,
      onStep(step) {
        peak.look();
        curve.add({ mode, ...step });
        report.onStep(step, step.step);
      },
      onEpoch({ epoch, loss, metric, best }) {
        losses.push(loss);
        ctx.note(
          `${mode}, epoch ${epoch} of ${settings.epochs}: validation loss ${loss.toFixed(4)} ` +
            `${sparkline(losses)}, ${judge.headline.replaceAll("_", " ")} ${metric.toFixed(4)}${
              best ? ", the best" : ""
            }`,
        );
      },
      onResume({ steps, epochs, tokens }, kept) {
        line = { tokens, at: performance.now() };
        curve.rows.push(...kept as tables.CurveRow[]);
        losses.push(...epochs.map(({ loss }) => loss));
        report.onResume(steps);
      },
    });
  } catch (error) {
    if (stateFile.isSaved) ctx.note("The state is saved; the same command continues.");
    throw error;
  }
  report.finish();
  session.curve.push(...curve.rows);
  session.epochs.push(...standing.epochs.map((epoch) => ({ mode, ...epoch })));
  const { predicted: raw } = await predict(teaching, "test", settings, signal);
  const predicted = judge.inUnits(raw);
  peak.look();
  const resampling = { resamples: o.bootstrap, seed: o.seed, signal };
  const after = mode === "frozen" ? session.before : await session.perplexityOf(esm);
  const best = standing.epochs.findLast((epoch) => epoch.best)!;
  const row: tables.ModeRow = {
    ...{ mode, head: spec.kind, trained: opened.count, epochs: standing.epochs.length },
    ...{ best: best.epoch, steps: standing.steps, tokens: standing.tokens },
    ...{ seconds: standing.seconds, peakBytes: peak.bytes, validation: best.metric },
    metrics: await judge.metrics(predicted, resampling),
    ...(first && { gain: await judge.gain(predicted, first.predicted, resampling) }),
    ...(session.before && { before: Math.exp(session.before.loss) }),
    ...(after && { after: Math.exp(after.loss) }),
  };
  const arrays = await parameters.read();
  const head: TunedHead = {
    ...{ task: lesson.task, spec, classes: lesson.problem.classes, label: lesson.problem.label },
    ...{ maxLength: o.maxLength, weights: inUnits(arrays, spec, lesson.scale) },
  };
  await writeTaught(folder, {
    ...{ mode, head, checkpoint: model.checkpoint, merge: o.merge },
    model: { name: model.name, sha256: session.sha256 },
    ...(mode === "full" && { weights: arrays }),
    ...(opened.adapter && { adapter: { start: opened.adapter, arrays } }),
    card: cardOf({
      ...{ name: basename(folder.path), row, head, headline: judge.headline, settings },
      ...{ model: model.name, sha256: session.sha256, data: countText(lesson) },
      ...{ split: lesson.problem.split, merge: o.merge },
      ...(mode === "lora" && { lora }),
    }),
  });
  return { row, predicted, ...scoresOf(lesson, judge, predicted), settings, stateFile };
}

/** What a line says of some steps. */
const stepsText = (steps: readonly StepReport[]): string =>
  `loss ${meanOf(steps, ({ loss }) => loss).toFixed(4)}, rate ${
    steps.at(-1)!.rate.toPrecision(2)
  }, gradient ${steps.at(-1)!.norm.toFixed(2)}`;

function settingsOf(
  o: FinetuneFlags,
  mode: Mode,
  tokenBudget: number,
  width: number,
): TeachSettings {
  const { rate, epochs, patience, batch } = USUAL[mode], { learningRate } = o;
  const own = learningRate?.[learningRate.length === 1 ? 0 : o.mode.indexOf(mode)];
  return {
    ...{ epochs: o.epochs ?? epochs, patience: o.patience ?? patience, rate: own ?? rate(width) },
    ...{
      batch: o.batch ?? batch,
      tokenBudget,
      schedule: o.schedule,
      warmUp: o.warmUp,
      clip: o.clip,
    },
    ...{ average: o.average, seed: o.seed },
  };
}

/** Watches how much memory is in use. */
class Peak {
  bytes = 0;

  constructor(readonly backend: Backend) {}

  look(): void {
    const device = this.backend.gpu ? this.backend.liveBytes : 0;
    this.bytes = Math.max(this.bytes, Deno.memoryUsage().rss + device);
  }
}

function scoresOf(
  lesson: Lesson,
  judge: Judge,
  predicted: Float32Array,
): Pick<Done, "confusion" | "perClass"> {
  const { problem: { classes, kind }, task, examples, sets } = lesson;
  if (kind !== "classes") return {};
  const confusion = confusionOfTest(judge.truth("test"), predicted);
  const train = new Float64Array(classes.length);
  for (const p of sets.train) {
    const { targets } = examples[p];
    const labels = task === "residue"
      ? labelledResidues(examples[p]).map((i) => targets[i])
      : [targets[0]];
    for (const k of labels) train[k]++;
  }
  return {
    confusion,
    perClass: classScores(confusion).map((scores, k) => ({
      ...{ ...scores, name: classes[k], train: train[k] },
    })),
  };
}

async function writePredictions(
  results: Results,
  lesson: Lesson,
  { predicted, confusion, perClass }: Done,
): Promise<void> {
  const { classes } = lesson.problem, n = classes.length;
  await results.write(tables.predictions(lesson.problem), predictionsOf(lesson, predicted));
  if (!confusion || !perClass) return;
  await results.write(
    tables.CONFUSION,
    classes.flatMap((label, t) =>
      classes.map((called, c): ConfusionRow => ({
        ...{ label, predicted: called },
        count: confusion.counts[t * n + c],
        share: confusion.counts[t * n + c] / perClass[t].support,
      }))
    ),
  );
  await results.write(tables.CLASSES, perClass);
}

/** The predictions of the test set by row. */
function* predictionsOf(lesson: Lesson, predicted: Float32Array): Generator<PredictionRow> {
  const { problem, task, examples, sets, loss: { outputs } } = lesson, { classes } = problem;
  let at = 0;
  for (const p of sets.test) {
    const { id, residues, labels } = problem.proteins[p];
    const rows = task === "residue" ? labelledResidues(examples[p]) : [0];
    for (const i of rows) {
      const label = problem.kind === "numbers"
        ? labels[i]
        : problem.kind === "sets"
        ? classes.filter((_, k) => labels[k] === 1).join(";") || "none"
        : classes[labels[i]];
      yield {
        id,
        ...(task === "residue" && { position: i + 1, residue: residues[i] }),
        label,
        ...saidOf(problem, predicted.subarray(at, at += outputs)),
      };
    }
  }
}

/** How many rows there are, in words. */
function countText({ task, problem: { classes }, counts, sets }: Lesson): string {
  const of = (set: typeof SETS[number]) =>
    task === "residue"
      ? `${counts[set]} residues of ${sets[set].length} proteins`
      : String(counts[set]);
  return `${classes.length > 0 ? `${classes.length} classes` : "Numbers"}: ${
    of("train")
  } to learn ` +
    `from, ${of("validation")} to choose by, ${of("test")} to test with`;
}

async function readData(
  o: FinetuneFlags,
  ctx: CommandContext,
  notes: string[],
): Promise<Lesson> {
  let progress: Progress | undefined;
  try {
    return await readLesson(o, notes, {
      signal: ctx.signal,
      onProgress(done) {
        progress ??= ctx.progress({ label: "comparing sequences", unit: "proteins" });
        progress.update(done);
      },
    });
  } finally {
    progress?.finish();
  }
}

/** A sequence on which masked residues are asked for. */
interface Measured {
  readonly ids: Int32Array;
  readonly residues: string;
}

/** The proteins that show what a model forgets: of a file, of the test set, or those of the project. */
async function measuredOn(
  { perplexity }: FinetuneFlags,
  { problem: { proteins, isAssay }, sets }: Lesson,
  notes: string[],
): Promise<Measured[]> {
  if (perplexity === "none") return [];
  const found = perplexity !== undefined
    ? parseFasta(await readText(perplexity, { notes }), perplexity)
      .map(({ id, sequence }) => ungapped({ id, residues: sequence }, notes))
    // Variants of one protein say little of others.
    : isAssay
    ? fidelityPanel
    : sets.test.slice(0, MEASURED.proteins).map((p) => proteins[p]);
  return found.map(({ id, residues }) => {
    const read = displayLetters(residues).slice(0, MEASURED.residues);
    return { ids: tokenize({ id, residues: read }, { maxLength: Infinity }), residues: read };
  });
}

/** @throws {UserError} if a target of the adapter matches nothing */
async function checkTargets(
  { loraRank: rank, loraAlpha: alpha, loraTargets: targets }: FinetuneFlags,
  { checkpoint }: OpenedModel,
): Promise<void> {
  const plain = { rank, alpha, targets, baseModel: "", task: null, modelClass: "EsmModel" };
  await newAdapter(checkpoint, { ...plain, kind: "base", name: "adapter", seed: 0 });
}

function hashOf({ problem: { proteins, sets, classes } }: Lesson): string {
  const hash = createHash("sha256").update(JSON.stringify(classes));
  proteins.forEach(({ id, residues, labels }, p) =>
    hash.update(`${id}\n${residues}\n${sets[p]}\n`).update(labels)
  );
  return hash.digest("hex");
}

/** The head of a task. @throws {UserError} if it is none of that task's */
export function headOf(asked: HeadKind | undefined, task: Lesson["task"]): HeadKind {
  const fit: readonly HeadKind[] = task === "residue"
    ? ["token", "mlp"]
    : ["mean", "cls", "attention", "mlp"];
  const head = asked ?? fit[0];
  if (fit.includes(head)) return head;
  throw new UserError(
    `Cannot use --head ${head} as labels of ${
      task === "residue" ? "residues" : "proteins"
    } need one ` +
      `of ${fit.join(", ")}`,
  );
}

function refuse(o: FinetuneFlags): void {
  if (o.sequence !== undefined) {
    throw new UserError(
      `Cannot use --sequence as it is for --apply, which must be given with it: current value is ${
        quote(o.sequence)
      }`,
    );
  }
  if (o.shard !== undefined) {
    throw new UserError("Cannot use --shard as a training is not split: it is for --apply");
  }
  const { learningRate, mode } = o;
  if (o.adapter !== undefined && mode.includes("lora") && !o.merge) {
    throw new UserError(
      "Cannot use --adapter with --mode lora as the new adapter would stand on the other, which its " +
        "files cannot say: --merge writes whole models",
    );
  }
  if (learningRate && learningRate.length > 1 && learningRate.length !== mode.length) {
    throw new UserError(
      `Cannot use --learning-rate as it must have one rate, or one for each of the ${mode.length} ` +
        `modes (${mode.join(", ")}): current count is ${learningRate.length}`,
    );
  }
}
