/** Trains all weights of a model on masked residues. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { Backend } from "../backend/types.ts";
import { Esm2 } from "../esm2/mod.ts";
import { EMBEDDING, LiveWeights, type WeightArrays, weightShapes } from "../esm2/trainable.ts";
import { assign, copyOf } from "../train/arrays.ts";
import { EarlyStop, type StopStanding, type StopVerdict } from "../train/early_stop.ts";
import { openParameters } from "../train/parameters.ts";
import { SaveTimer } from "../train/save_timer.ts";
import { cosine, linear } from "../train/schedule.ts";
import type { StateFile } from "../train/state_file.ts";
import { corrupt, type Corrupted, type Corruption, IGNORED } from "./corrupt.ts";
import { addGradients, type BatchLoss, type GradientSink, lossOf } from "./loss.ts";
import type { Draw, Sampler } from "./sampler.ts";

/** Forms of the schedule. */
export const SCHEDULES = ["linear", "cosine"] as const;

/** Checks of a whole training that may be stopped early. */
const CHECKS = 20;

/** How a model is trained. */
export interface TrainSettings {
  /** Tokens to see, `<cls>` and `<eos>` included. */
  readonly tokens: number;
  /** Tokens of a step. */
  readonly batch: number;
  /** Tokens that run together. */
  readonly tokenBudget: number;
  readonly corruption: Corruption;
  /** Matrices of the blocks and the head's dense layer by Muon; all else by Adam. */
  readonly muon: boolean;
  /** Of Muon's matrices. */
  readonly matrixRate: number;
  /** Of the rest, or of all. */
  readonly learningRate: number;
  readonly decay: number;
  /** How rates fall after their rise: linearly at the end, or by half a cosine all the way. */
  readonly schedule: typeof SCHEDULES[number];
  /** Share of the training over which rates rise. */
  readonly warmUp: number;
  /** Share over which they fall, of a linear schedule. */
  readonly cooling: number;
  /** Share of the running mean of the weights that stays in a step; the mean is what is kept. @default none */
  readonly average?: number;
  /**
   * Stops after so many checks ({@linkcode CHECKS} in a training) without a better one; the weights of the best
   * are kept then. @default never
   */
  readonly patience?: number;
  readonly clip: number;
  readonly betas: readonly [number, number];
  readonly seed: number;
}

/** What a step did. */
export interface StepReport {
  readonly step: number;
  /** Mean −log p of the asked tokens, nats. */
  readonly loss: number;
  /** Length of the gradient before it was clipped. */
  readonly norm: number;
  /** Share of the largest rate. */
  readonly rate: number;
  readonly tokens: number;
}

export interface TrainOptions {
  readonly stateFile?: StateFile;
  readonly signal?: AbortSignal;
  onStep?(report: StepReport): void;
  /** The loss of weights on what is not trained on, for {@linkcode TrainSettings.patience}. */
  check?(weights: WeightArrays): Promise<number>;
  /** Hears of a check. */
  onCheck?(loss: number, verdict: StopVerdict): void;
  /** What is kept of the way here, through JSON, beside the state. */
  keep?(): unknown;
  /** Hears where a stopped run is continued, and what it had kept. */
  onResume?(tokens: number, kept: unknown): void;
}

/** Where a training stands. */
interface Progress {
  steps: number;
  /** Sequences that were drawn. */
  draws: number;
  tokens: number;
  /** Checks that were made, and how the last stand. */
  checks: number;
  standing: StopStanding;
}

/** What Muon moves: matrices between vectors of the stream, not the tied embedding. */
const isMatrix = (name: string, shape: readonly number[]) =>
  shape.length === 2 && name !== EMBEDDING;

/**
 * Trains until the tokens are seen, in place.
 *
 * When the signal fires the state is saved before the error is thrown; a later call with the same
 * arguments continues there and ends with the same weights on the same backend.
 *
 * @param weights of the start; those of the end when it is done
 */
export async function trainMaskedModel(
  config: Esm2Config,
  weights: WeightArrays,
  invFreq: Float32Array,
  sampler: Sampler,
  settings: TrainSettings,
  backend: Backend,
  { stateFile, signal, onStep, check, onCheck, keep, onResume }: TrainOptions = {},
): Promise<Progress> {
  const shapes: ReadonlyMap<string, readonly number[]> = weightShapes(config);
  await using parameters = await openParameters(backend, shapes, weights, {
    betas: settings.betas,
    decay: settings.decay,
    decays: (name) => shapes.get(name)!.length > 1,
    ...(settings.muon && { muon: { moves: isMatrix, decay: settings.decay } }),
    average: settings.average,
  });
  const { patience } = settings, stopsEarly = patience !== undefined && check !== undefined;
  /** The best weights so far, where a training may be stopped. */
  const best: WeightArrays = stopsEarly ? copyOf(await parameters.readAverage()) : {};
  const start = stateFile && await parameters.memory();
  const resumed = start && stateFile.load<Progress & { kept?: unknown }>({ ...start, best });
  const none = { steps: 0, draws: 0, tokens: 0, checks: 0, standing: { since: 0 } };
  const { kept, ...progress } = resumed ?? { ...none, kept: undefined };
  if (progress.steps > 0) {
    await parameters.load(start!);
    onResume?.(progress.tokens, kept);
  }
  const { warmUp, cooling } = settings;
  const schedule = settings.schedule === "cosine"
    ? cosine(1, { warmUp })
    : linear(1, { warmUp, decay: cooling });
  const stop = new EarlyStop(patience ?? Infinity, { standing: progress.standing });
  /** Checks the weights where it is time to. @returns whether to stop */
  const isOver = async () => {
    if (!stopsEarly || progress.tokens < (progress.checks + 1) * settings.tokens / CHECKS) {
      return false;
    }
    const weights = await parameters.readAverage(), loss = await check!(weights);
    progress.checks = Math.floor(progress.tokens * CHECKS / settings.tokens);
    const verdict = stop.see(loss);
    onCheck?.(loss, verdict);
    if (verdict === "better") assign(best, weights);
    return verdict === "stop";
  };

  const source = new LiveWeights((name) => parameters.tensor(name));
  await using esm = Esm2.ofWeights(source, { config, backend, invFreq });
  const timer = new SaveTimer(async () => {
    if (progress.steps === 0) return;
    const arrays = { ...await parameters.memory(), best };
    stateFile?.save({ ...progress, kept: keep?.() }, arrays);
  });
  try {
    // A run that was killed between its last check and its end must not train on.
    while (progress.tokens < settings.tokens && stop.standing.since < stop.patience) {
      signal?.throwIfAborted();
      const draws = sampler.batch(progress.draws, settings.batch);
      const corrupted = await Promise.all(draws.map((draw) => hide(draw, sampler, settings)));
      using found = await gradientsOf(esm, corrupted, settings.tokenBudget, parameters);
      const done = draws.reduce((sum, { length }) => sum + length + 2, 0);
      if (found.losses.length > 0) {
        // The first step moves too: it is the share that is done after it.
        const rate = schedule(Math.min(1, (progress.tokens + done) / settings.tokens));
        const step = progress.steps + 1;
        const { norm, alongside } = await parameters.step({
          ...{ step, clip: settings.clip },
          rate: rate * settings.learningRate,
          matrixRate: rate * settings.matrixRate,
          alongside: found.losses.map(({ losses }) => losses),
        });
        const asked = found.losses.reduce((sum, own) => sum + own.asked, 0);
        const loss = found.losses.reduce((sum, own, i) => sum + lossOf(alongside[i], own.asked), 0);
        progress.steps = step;
        onStep?.({ step, loss: loss / asked, norm, rate, tokens: progress.tokens + done });
      }
      progress.draws += draws.length;
      progress.tokens += done;
      if (await isOver()) break;
      await timer.saveIfDue();
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
    }
    await timer.save();
  } catch (error) {
    if (signal?.aborted) await timer.save();
    throw error;
  }
  assign(weights, stop.standing.best === undefined ? await parameters.readAverage() : best);
  return progress;
}

async function hide(
  draw: Draw,
  sampler: Sampler,
  { corruption, seed }: TrainSettings,
): Promise<Corrupted> {
  return corrupt(await sampler.tokens(draw), corruption, {
    seed,
    sequence: draw.index >>> 0,
    draw: Math.floor(draw.index / 2 ** 32),
  });
}

/** Adds the gradient of the mean over all asked tokens of the step, however they are batched. */
async function gradientsOf(
  esm: Esm2,
  corrupted: readonly Corrupted[],
  tokenBudget: number,
  into: GradientSink,
): Promise<{ losses: readonly BatchLoss[] } & Disposable> {
  const all = corrupted.reduce(
    (sum, { labels }) => sum + labels.filter((label) => label !== IGNORED).length,
    0,
  );
  using owned = new DisposableStack();
  const losses: BatchLoss[] = [];
  const rows = corrupted.map(({ ids }) => ids);
  for (const batch of esm.planBatches(rows, tokenBudget)) {
    const labels = new Int32Array(batch.size * batch.width).fill(IGNORED);
    batch.members.forEach((member, b) => labels.set(corrupted[member].labels, b * batch.width));
    const found = await addGradients(esm, batch, labels, 1 / all, into);
    if (!found) continue;
    owned.use(found.losses);
    losses.push(found);
  }
  const kept = owned.move();
  return { losses, [Symbol.dispose]: () => kept.dispose() };
}
