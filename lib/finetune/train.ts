/** Teaches a learner: epochs of steps, a validation after each, the best kept; stopped and continued at will. */
import type { Esm2 } from "../esm2/mod.ts";
import { assign, copyOf } from "../train/arrays.ts";
import type { Parameters } from "../train/parameters.ts";
import { permutation } from "../train/random.ts";
import { constant, cosine, linear, type Schedule } from "../train/schedule.ts";
import { SaveTimer } from "../train/save_timer.ts";
import type { StateFile } from "../train/state_file.ts";
import type { SetName } from "../probe/types.ts";
import type { Lesson } from "./data.ts";
import { type Asked, askedOf, type Learner } from "./learner.ts";
import { lossInPlace, lossUnits, predictInPlace } from "./loss.ts";
import type { Judge } from "./judge.ts";
import type { HeadSpec } from "./types.ts";

/** How the learning rate moves. */
export const SCHEDULES = ["linear", "cosine", "constant"] as const;

/** How a learner is taught. */
export interface TeachSettings {
  /** Passes over the training set, at most. */
  readonly epochs: number;
  /** Proteins of a step. */
  readonly batch: number;
  /** Tokens that run together. */
  readonly tokenBudget: number;
  /** Largest learning rate. */
  readonly rate: number;
  readonly schedule: typeof SCHEDULES[number];
  /** Share of the steps over which the rate rises. */
  readonly warmUp: number;
  /** Longest gradient. */
  readonly clip: number;
  /** Epochs without a better validation after which it ends. */
  readonly patience: number;
  /** Share of the running mean of the weights that stays in a step: that mean is judged and kept. */
  readonly average?: number;
  readonly seed: number;
}

/** What a step did. */
export interface StepReport {
  readonly step: number;
  readonly epoch: number;
  /** Tokens that were learnt from so far, without padding. */
  readonly tokens: number;
  /** Mean over the step's rows. */
  readonly loss: number;
  /** Length of the gradient before it was clipped. */
  readonly norm: number;
  readonly rate: number;
}

/** What a pass over the training set came to. */
export interface EpochReport {
  /** Counts from 1. */
  readonly epoch: number;
  readonly step: number;
  readonly tokens: number;
  /** Mean over the epoch's steps. */
  readonly trainLoss: number;
  /** Of the validation set. */
  readonly loss: number;
  /** Of the validation set: what it is chosen by. */
  readonly metric: number;
  /** Whether it is the best so far. */
  readonly best: boolean;
}

/** Where a training stands; goes through JSON. */
export interface Standing {
  steps: number;
  tokens: number;
  /** Sum of the losses of the present epoch's steps. */
  lossOfEpoch: number;
  epochs: EpochReport[];
  /** Seconds of training, of all runs that it took. */
  seconds: number;
  /** Whether it ended before all epochs, for want of better validations. */
  stopped: boolean;
}

/** Who looks on. */
export interface TeachWatch {
  readonly stateFile?: StateFile;
  readonly signal?: AbortSignal;
  /** Hears of how many examples the states are known, before the first step of a head alone. */
  onPrepare?(examples: number): void;
  onStep?(report: StepReport): void;
  onEpoch?(report: EpochReport): void;
  /** What is kept of the way here, through JSON, beside the state. */
  keep?(): unknown;
  /** Hears where a stopped run is continued, and what it had kept. */
  onResume?(standing: Standing, kept: unknown): void;
}

/** Batches of a step, whose draws are told apart. */
const MOST_BATCHES = 4096;

/** Tells apart what is drawn of one seed. */
const ORDER = 112;

/** What a training is of. */
export interface Teaching {
  readonly lesson: Lesson;
  readonly learner: Learner;
  readonly spec: HeadSpec;
  readonly esm: Esm2;
  readonly judge: Judge;
}

/** Steps of a whole training. */
export const stepsOf = ({ sets: { train } }: Lesson, { batch, epochs }: TeachSettings): number =>
  Math.ceil(train.length / batch) * epochs;

/**
 * Teaches until the epochs are over or validations get no better, and puts back the best weights.
 *
 * When the signal fires the state is saved before the error is thrown; a later call with the same arguments
 * continues there, and ends with the same weights on the same backend.
 */
export async function teach(
  teaching: Teaching,
  settings: TeachSettings,
  { stateFile, signal, onPrepare, onStep, onEpoch, keep, onResume }: TeachWatch = {},
): Promise<Standing> {
  const { lesson, learner } = teaching, { parameters } = learner;
  const { train } = lesson.sets, perEpoch = Math.ceil(train.length / settings.batch);
  const total = stepsOf(lesson, settings), schedule = scheduleOf(settings);
  const best = copyOf(await parameters.read());
  const start = await parameters.memory();
  const state = stateFile?.load<Standing & { kept?: unknown }>({ ...start, best });
  const { kept, ...standing }: Standing & { kept?: unknown } = state ??
    { steps: 0, tokens: 0, lossOfEpoch: 0, epochs: [], seconds: 0, stopped: false };
  if (state) {
    await parameters.load(start);
    onResume?.(standing, kept);
  }
  let since = performance.now();
  await learner.prepare({ tokenBudget: settings.tokenBudget, signal, onProgress: onPrepare });
  const clock = () => {
    const now = performance.now();
    standing.seconds += (now - since) / 1000;
    since = now;
  };
  const timer = new SaveTimer(async () => {
    clock();
    stateFile?.save({ ...standing, kept: keep?.() }, {
      ...await parameters.memory(),
      best,
    });
  });
  const isOver = () => standing.stopped || standing.epochs.length >= settings.epochs;
  try {
    while (!isOver()) {
      signal?.throwIfAborted();
      const epoch = standing.epochs.length, step = standing.steps - epoch * perEpoch;
      const order = permutation(train.length, settings.seed, ORDER, epoch);
      const members = Array.from(
        order.subarray(step * settings.batch, (step + 1) * settings.batch),
        (i) => train[i],
      );
      const { loss, tokens } = await gradientsOf(
        ...[teaching, members, settings, standing.steps, signal] as const,
      );
      const rate = settings.rate * schedule((standing.steps + 1) / (total + 1));
      const { norm } = await parameters.step({
        ...{ step: standing.steps + 1, rate, clip: settings.clip },
      });
      standing.steps++;
      standing.tokens += tokens;
      standing.lossOfEpoch += loss;
      onStep?.({
        ...{ step: standing.steps, epoch: epoch + 1, tokens: standing.tokens, loss, norm, rate },
      });
      if (step + 1 === perEpoch) {
        await withAverage(parameters, settings, async () => {
          const report = await validated(teaching, standing, perEpoch, settings, signal);
          standing.epochs.push(report);
          if (report.best) assign(best, await parameters.read());
        });
        standing.lossOfEpoch = 0;
        const report = standing.epochs.at(-1)!;
        const since = standing.epochs.length - 1 -
          standing.epochs.findLastIndex((one) => one.best);
        standing.stopped = since >= settings.patience;
        onEpoch?.(report);
      }
      await timer.saveIfDue();
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
    }
    if (!state || standing.steps > state.steps) await timer.save();
  } catch (error) {
    if (signal?.aborted && standing.steps > 0) await timer.save();
    throw error;
  }
  const memory = await parameters.memory();
  assign(memory.weights, best);
  await parameters.load(memory);
  return standing;
}

/** Runs with the running mean of the weights in their place, where one is kept. */
async function withAverage(
  parameters: Parameters,
  { average }: TeachSettings,
  run: () => Promise<void>,
): Promise<void> {
  if (average === undefined) return await run();
  const own = copyOf(await parameters.read()), memory = await parameters.memory();
  assign(memory.weights, await parameters.readAverage());
  await parameters.load(memory);
  try {
    await run();
  } finally {
    assign(memory.weights, own);
    await parameters.load(memory);
  }
}

/** Judges the validation set at the end of an epoch. */
async function validated(
  teaching: Teaching,
  standing: Standing,
  perEpoch: number,
  settings: TeachSettings,
  signal?: AbortSignal,
): Promise<EpochReport> {
  const { loss, predicted } = await predict(teaching, "validation", settings, signal);
  const metric = await teaching.judge.metricOf("validation", predicted);
  const before = standing.epochs.findLast((one) => one.best);
  return {
    ...{ epoch: standing.epochs.length + 1, step: standing.steps, tokens: standing.tokens },
    ...{ trainLoss: standing.lossOfEpoch / perEpoch, loss, metric },
    best: !before || isBetter({ metric, loss }, before),
  };
}

/** By the metric; of equals, and where it is undefined, by the loss. */
function isBetter(own: { metric: number; loss: number }, other: { metric: number; loss: number }) {
  if (Number.isNaN(own.metric) || Number.isNaN(other.metric)) return own.loss < other.loss;
  return own.metric > other.metric || own.metric === other.metric && own.loss < other.loss;
}

function scheduleOf({ schedule, warmUp }: TeachSettings): Schedule {
  if (schedule === "cosine") return cosine(1, { warmUp });
  return schedule === "constant" ? constant(1, warmUp) : linear(1, { warmUp, decay: 1 - warmUp });
}

/** Batches of some examples, by length. */
function batchesOf(
  { lesson: { examples }, esm, spec }: Teaching,
  numbers: readonly number[],
  tokenBudget: number,
): Asked[] {
  const rows = numbers.map((number) => examples[number].ids);
  return esm.planBatches(rows, tokenBudget)
    .map((batch) => askedOf(examples, numbers, batch, spec.per));
}

/** Adds the gradient of the mean over all rows of a step, however they are batched; gives that mean. */
async function gradientsOf(
  teaching: Teaching,
  members: readonly number[],
  { tokenBudget }: TeachSettings,
  step: number,
  signal?: AbortSignal,
): Promise<{ loss: number; tokens: number }> {
  const { learner, lesson: { loss: spec } } = teaching;
  const batches = batchesOf(teaching, members, tokenBudget);
  const units = batches.reduce((sum, { targets }) => sum + lossUnits(spec, targets), 0);
  let loss = 0, tokens = 0;
  for (const [b, asked] of batches.entries()) {
    signal?.throwIfAborted();
    loss += await learner.learn(asked, 1 / units, (step * MOST_BATCHES + b) >>> 0);
    tokens += asked.batch.lengths.reduce((sum, length) => sum + length, 0);
  }
  return { loss: loss / units, tokens };
}

/**
 * What a learner says of a set, by example in the order of the set: probabilities f32[rows, classes] or
 * numbers, as they are learnt; and the mean loss.
 */
export async function predict(
  teaching: Teaching,
  set: SetName,
  { tokenBudget }: Pick<TeachSettings, "tokenBudget">,
  signal?: AbortSignal,
  onProgress: (proteins: number) => void = () => {},
): Promise<{ predicted: Float32Array; loss: number }> {
  const { learner, lesson: { loss: spec, sets }, spec: { per } } = teaching;
  const found = new Map<number, Float32Array>();
  let loss = 0, units = 0;
  for (const asked of batchesOf(teaching, sets[set], tokenBudget)) {
    signal?.throwIfAborted();
    const logits = await learner.logits(asked);
    loss += lossInPlace(spec, logits.slice(), asked.targets, 1);
    units += lossUnits(spec, asked.targets);
    predictInPlace(spec, logits);
    const { batch, numbers, residues } = asked;
    let at = 0;
    numbers.forEach((number, b) => {
      const rows = per === "protein"
        ? 1
        : residues!.filter((row) => Math.floor(row / batch.width) === b).length;
      found.set(number, logits.subarray(at, at += rows * spec.outputs));
    });
    onProgress(found.size);
  }
  const parts = sets[set].map((number) => found.get(number)!);
  const predicted = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    predicted.set(part, at);
    at += part.length;
  }
  return { predicted, loss: loss / units };
}
