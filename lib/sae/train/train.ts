/** Trains an SAE on what a stream of buffers of activations gives. */
import { SaveTimer } from "../../train/save_timer.ts";
import type { StateFile } from "../../train/state_file.ts";
import type { SaeConfig } from "../types.ts";
import type { Crop, Cursor, Feed } from "../../train/feed.ts";
import { geometricMedian, normaliseRow, spread } from "./normalise.ts";
import { initialParameters } from "./parameters.ts";
import { permutation, STREAM } from "../../train/random.ts";
import {
  type DenseProduct,
  newState,
  type StepReport,
  Trainer,
  type TrainerSettings,
  type TrainerState,
} from "./trainer.ts";

/** Tokens of the first buffer that say where the input bias starts. */
const MEDIAN_TOKENS = 8192;
export interface TrainSettings extends TrainerSettings {
  readonly dModel: number;
  readonly latents: number;
  readonly normalisation: SaeConfig["normalisation"];
  /** Tokens of one step. */
  readonly batch: number;
  readonly seed: number;
}

export interface TrainSource {
  readonly feed: Feed;
  /** f32[N, D] of all tokens of the crops, always the same for the same crops. */
  activations(crops: readonly Crop[]): Promise<Float32Array>;
}

export interface TrainOptions {
  readonly stateFile?: StateFile;
  readonly signal?: AbortSignal;
  /** Hears of every step, with the tokens so far. */
  readonly onStep?: (report: StepReport, tokens: number) => void;
  /** Hears where a stopped run is continued. */
  readonly onResume?: (tokens: number) => void;
}

export interface Trained {
  readonly state: TrainerState;
  /** What one unit of the training data is in the residual stream; 1 with z-score. */
  readonly unit: number;
  /** Whole passes over the training sequences. */
  readonly epochs: number;
}

/** Where a training stands: the trainer's state, and what of the data it has seen. */
export interface TrainingState {
  readonly trainer: TrainerState;
  /** What one unit of the training data is in the residual stream. */
  readonly unit: number;
  /** Where the present buffer begins. */
  readonly cursor: Cursor;
  /** Number of the present buffer. */
  readonly buffer: number;
  /** Tokens that were seen before it. */
  readonly before: number;
  /** Its batches that are done. */
  readonly batches: number;
}

export function saveState(file: StateFile, { trainer, ...where }: TrainingState): void {
  const { steps, tokens, ...arrays } = trainer;
  file.save({ ...where, steps, tokens }, arrays);
}

/** Fills `trainer`, a state of the right shape, from the file and gives the rest, where there is one. */
export function loadState(
  file: StateFile,
  trainer: TrainerState,
): Omit<TrainingState, "trainer"> | undefined {
  const { steps: _s, tokens: _t, ...arrays } = trainer;
  const values = file.load<Omit<TrainingState, "trainer"> & Pick<TrainerState, "steps" | "tokens">>(
    arrays,
  );
  if (!values) return undefined;
  const { steps, tokens, ...where } = values;
  Object.assign(trainer, { steps, tokens });
  return where;
}

/**
 * Trains until `settings.tokens` tokens are seen.
 *
 * Activations are computed one buffer of sequences at a time, shuffled, and cut into batches of
 * nearly equal size. When the signal fires the state is saved before the error is thrown; a later call
 * with the same arguments continues there and ends with the same weights.
 */
export async function train(
  source: TrainSource,
  settings: TrainSettings,
  dense: DenseProduct,
  { stateFile, signal, onStep, onResume }: TrainOptions = {},
): Promise<Trained> {
  const { dModel, latents, normalisation, seed } = settings;
  const state = newState(initialParameters(latents, new Float32Array(dModel), seed));
  const trainer = new Trainer(state, settings, dense);
  const found = stateFile && loadState(stateFile, state);
  if (found) onResume?.(state.tokens);
  let cursor: Cursor = found?.cursor ?? { epoch: 0, position: 0 };
  let { buffer, before, batches: done, unit } = found ??
    { buffer: 0, before: 0, batches: 0, unit: 1 };
  const timer = new SaveTimer(() => {
    const now: TrainingState = { trainer: state, unit, cursor, buffer, before, batches: done };
    if (stateFile && state.steps > 0) saveState(stateFile, now);
  });
  try {
    while (state.tokens < settings.tokens) {
      const { crops, cursor: after } = source.feed.next(cursor);
      const x = await source.activations(crops);
      const rows = permutation(x.length / dModel, seed, STREAM.shuffle, buffer)
        .subarray(0, settings.tokens - before);
      if (state.steps === 0) {
        if (normalisation === "none") unit = spread(x, dModel);
        const sample = gather(x, rows.subarray(0, MEDIAN_TOKENS), settings, unit);
        state.weights.inputBias.set(geometricMedian(sample, dModel));
      }
      const batches = batchCount(rows.length, settings.batch);
      while (done < batches) {
        signal?.throwIfAborted();
        const batch = gather(x, part(rows, done, batches), settings, unit);
        const report = await trainer.step(batch);
        done++;
        onStep?.(report, state.tokens);
        await timer.saveIfDue();
      }
      cursor = after;
      before = state.tokens;
      buffer++;
      done = 0;
      if (buffer === 1) await timer.save();
    }
    await timer.save();
  } catch (error) {
    if (signal?.aborted) await timer.save();
    throw error;
  }
  return { state, unit, epochs: cursor.epoch };
}

function batchCount(rows: number, batch: number): number {
  return Math.max(1, Math.round(rows / batch));
}

/** Batch `i` of `count`; sizes differ by one at most. */
function part(rows: Uint32Array, i: number, count: number): Uint32Array {
  const at = (piece: number) => Math.floor(piece * rows.length / count);
  return rows.subarray(at(i), at(i + 1));
}

function gather(
  x: Float32Array,
  rows: Uint32Array,
  { dModel, normalisation }: TrainSettings,
  unit: number,
): Float32Array {
  const out = new Float32Array(rows.length * dModel);
  rows.forEach((row, i) =>
    normaliseRow(x, row * dModel, out, i * dModel, dModel, normalisation, unit)
  );
  return out;
}
