/** Trains all weights of a model on masked residues. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { Backend } from "../backend/types.ts";
import { Esm2, planBatches } from "../esm2/mod.ts";
import { ArrayWeights, EMBEDDING, type WeightArrays, weightShapes } from "../esm2/trainable.ts";
import { adamw, type Moments } from "../train/adamw.ts";
import { clipByGlobalNorm } from "../train/arrays.ts";
import { Muon } from "../train/muon.ts";
import { linear } from "../train/schedule.ts";
import type { StateFile } from "../train/state_file.ts";
import { corrupt, type Corrupted, type Corruption, IGNORED } from "./corrupt.ts";
import { addGradients } from "./loss.ts";
import type { Draw, Sampler } from "./sampler.ts";

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
  /** Shares of the training over which rates rise and fall. */
  readonly warmUp: number;
  readonly cooling: number;
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
  /** What is kept of the way here, through JSON, beside the state. */
  keep?(): unknown;
  /** Hears where a stopped run is continued, and what it had kept. */
  onResume?(tokens: number, kept: unknown): void;
}

/** How often the state is saved. */
const SAVE_MS = 60_000;

/** Where a training stands. */
interface Progress {
  steps: number;
  /** Sequences that were drawn. */
  draws: number;
  tokens: number;
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
  { stateFile, signal, onStep, keep, onResume }: TrainOptions = {},
): Promise<Progress> {
  const shapes: ReadonlyMap<string, readonly number[]> = weightShapes(config);
  const matrices = new Map(
    [...shapes].filter(([name, shape]) => settings.muon && isMatrix(name, shape)),
  );
  const pick = (wanted: boolean) => (arrays: WeightArrays): WeightArrays =>
    Object.fromEntries(Object.entries(arrays).filter(([name]) => matrices.has(name) === wanted));
  const ofMuon = pick(true), ofAdam = pick(false);
  const adam = adamw({
    betas: settings.betas,
    decay: settings.decay,
    decays: (name) => shapes.get(name)!.length > 1,
  });
  await using muon = new Muon(matrices, backend, { decay: settings.decay });
  const moments: Moments<WeightArrays> = adam.init(ofAdam(weights));
  const momentum = muon.init(ofMuon(weights));
  const arrays = { weights, ...moments, momentum };
  const { kept, ...progress } = stateFile?.load<Progress & { kept?: unknown }>(arrays) ??
    { steps: 0, draws: 0, tokens: 0 };
  if (progress.steps > 0) onResume?.(progress.tokens, kept);
  const schedule = linear(1, { warmUp: settings.warmUp, decay: settings.cooling });

  using source = new ArrayWeights(config, weights, backend);
  await using esm = Esm2.ofWeights(source, { invFreq });
  let saved = performance.now();
  const save = () => {
    if (progress.steps > 0) stateFile?.save({ ...progress, kept: keep?.() }, arrays);
    saved = performance.now();
  };
  try {
    while (progress.tokens < settings.tokens) {
      signal?.throwIfAborted();
      const draws = sampler.batch(progress.draws, settings.batch);
      const corrupted = await Promise.all(draws.map((draw) => hide(draw, sampler, settings)));
      const gradients: WeightArrays = {};
      const { loss, asked } = await gradientsOf(esm, corrupted, settings.tokenBudget, gradients);
      const done = draws.reduce((sum, { residues }) => sum + residues + 2, 0);
      if (asked > 0) {
        const norm = clipByGlobalNorm(gradients, settings.clip, 1e-6);
        // The first step moves too: it is the share that is done after it.
        const rate = schedule(Math.min(1, (progress.tokens + done) / settings.tokens));
        const step = progress.steps + 1;
        adam.update(weights, ofAdam(gradients), moments, {
          step,
          learningRate: rate * settings.learningRate,
        });
        await muon.update(weights, ofMuon(gradients), momentum, {
          step,
          learningRate: rate * settings.matrixRate,
        });
        source.changed();
        progress.steps = step;
        onStep?.({ step, loss: loss / asked, norm, rate, tokens: progress.tokens + done });
      }
      progress.draws += draws.length;
      progress.tokens += done;
      if (performance.now() - saved > SAVE_MS) save();
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
    }
    save();
  } catch (error) {
    if (signal?.aborted) save();
    throw error;
  }
  return progress;
}

async function hide(
  { index, source, sequence, from, residues }: Draw,
  { sources }: Sampler,
  { corruption, seed }: TrainSettings,
): Promise<Corrupted> {
  const row = await sources[source].corpus.tokens(sequence, from, residues);
  return corrupt(row, corruption, {
    seed,
    sequence: index >>> 0,
    draw: Math.floor(index / 2 ** 32),
  });
}

/** Of the mean over all asked tokens of the step, however they are batched. */
async function gradientsOf(
  esm: Esm2,
  corrupted: readonly Corrupted[],
  tokenBudget: number,
  into: WeightArrays,
): Promise<{ loss: number; asked: number }> {
  const all = corrupted.reduce(
    (sum, { labels }) => sum + labels.filter((label) => label !== IGNORED).length,
    0,
  );
  let loss = 0;
  const rows = corrupted.map(({ ids }) => ids);
  for (const batch of planBatches(rows, esm.config, esm.backend.tensorLimit, tokenBudget)) {
    const labels = new Int32Array(batch.size * batch.width).fill(IGNORED);
    batch.members.forEach((member, b) => labels.set(corrupted[member].labels, b * batch.width));
    loss += (await addGradients(esm, batch, labels, 1 / all, into)).loss;
  }
  return { loss, asked: all };
}
