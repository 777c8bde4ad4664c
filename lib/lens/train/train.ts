/** Trains the maps of a tuned lens; each layer's is apart from the others. */
import { adamw, type Moments } from "../../train/adamw.ts";
import { clipByGlobalNorm } from "../../train/arrays.ts";
import { linear } from "../../train/schedule.ts";
import { SaveTimer } from "../../train/save_timer.ts";
import type { ArrayTree, StateFile } from "../../train/state_file.ts";
import type { Corpus } from "../../train/corpus.ts";
import type { Cursor, Feed } from "../../train/feed.ts";
import { identityLens, type TunedLens } from "../tuned.ts";
import { hideResidues, type StateReader } from "./states.ts";
import type { LensStep } from "./step.ts";

export interface TrainSettings {
  readonly layers: number;
  readonly dModel: number;
  /** Of the whole training, hidden or not. */
  readonly tokens: number;
  /** Share of the residues that are hidden, and learnt from. */
  readonly hidden: number;
  readonly learningRate: number;
  /** Shares of the training over which the learning rate rises and falls. */
  readonly warmUp: number;
  readonly decay: number;
  /** Longest gradient of a layer's step. */
  readonly clip: number;
  readonly seed: number;
  /** Tokens that run together. */
  readonly tokenBudget: number;
}

export interface TrainOptions {
  readonly stateFile?: StateFile;
  readonly signal?: AbortSignal;
  /** Hears of every step: mean loss over layers, tokens so far. */
  readonly onStep?: (loss: number, tokens: number) => void;
  /** Hears where a stopped run is continued. */
  readonly onResume?: (tokens: number) => void;
}

export interface TrainedLens {
  readonly lens: TunedLens;
  readonly steps: number;
  readonly tokens: number;
  /** Hidden residues that were learnt from. */
  readonly residues: number;
}

const OPTIMISER = adamw();

type LayerArrays = { matrix: Float32Array; bias: Float32Array };

interface Where {
  cursor: Cursor;
  steps: number;
  tokens: number;
  residues: number;
}

/**
 * Trains until `settings.tokens` tokens are seen; a buffer of the feed is a step. When the signal fires the
 * state is saved before the error is thrown; a later call with the same arguments continues there and ends
 * with the same weights.
 */
export async function trainLens(
  { corpus, feed, reader, step }: {
    corpus: Corpus;
    feed: Feed;
    reader: StateReader;
    step: LensStep;
  },
  settings: TrainSettings,
  { stateFile, signal, onStep, onResume }: TrainOptions = {},
): Promise<TrainedLens> {
  const { layers, dModel, hidden, seed, tokenBudget } = settings;
  const lens = identityLens(layers, dModel);
  const weights = lens.matrices.map((matrix, l): LayerArrays => ({ matrix, bias: lens.biases[l] }));
  const moments = weights.map((arrays) => OPTIMISER.init(arrays));
  const arrays = treeOf(weights, moments);
  const schedule = linear(settings.learningRate, settings);
  const found = stateFile?.load<Where>(arrays);
  let where: Where = found ??
    { cursor: { epoch: 0, position: 0 }, steps: 0, tokens: 0, residues: 0 };
  if (found) onResume?.(where.tokens);
  const timer = new SaveTimer(() => {
    if (where.steps > 0) stateFile?.save(where, arrays);
  });
  try {
    while (where.tokens < settings.tokens) {
      signal?.throwIfAborted();
      const { crops, cursor } = feed.next(where.cursor);
      const round = where.steps;
      const inputs = await hideResidues(corpus, crops, { share: hidden, seed, round });
      const states = await reader.read(inputs, { tokenBudget, signal });
      const tokens = crops.reduce((sum, { residues }) => sum + residues, 0);
      // The middle of the step's tokens, so that neither first nor last step has rate zero.
      const share = Math.min(1, (where.tokens + tokens / 2) / settings.tokens);
      const at = { step: where.steps + 1, learningRate: schedule(share) };
      let loss = 0;
      const gradients: LayerArrays[] = [];
      for (let layer = 0; layer < layers; layer++) {
        const result = await step.run(states.layers[layer], states.last, weights[layer]);
        gradients.push(result.gradient);
        loss += result.loss / layers;
      }
      // All layers move together, or none where it is stopped between.
      gradients.forEach((gradient, layer) => {
        clipByGlobalNorm({ ...gradient }, settings.clip);
        OPTIMISER.update({ ...weights[layer] }, { ...gradient }, moments[layer], at);
      });
      const residues = inputs.reduce((sum, { tokens }) => sum + tokens.length, 0);
      where = {
        ...{ cursor, steps: where.steps + 1, tokens: where.tokens + tokens },
        residues: where.residues + residues,
      };
      onStep?.(loss, where.tokens);
      if (where.steps === 1) await timer.save();
      else await timer.saveIfDue();
      // Ctrl-C is heard only when the event loop turns.
      await new Promise((resolve) => setTimeout(resolve));
    }
    await timer.save();
  } catch (error) {
    if (signal?.aborted) await timer.save();
    throw error;
  }
  return { lens, steps: where.steps, tokens: where.tokens, residues: where.residues };
}

function treeOf(
  weights: readonly LayerArrays[],
  moments: readonly Moments<LayerArrays>[],
): ArrayTree {
  return Object.fromEntries(
    weights.map((own, layer) => [
      `layer ${layer}`,
      {
        weights: { ...own },
        first: { ...moments[layer].first },
        second: { ...moments[layer].second },
      },
    ]),
  );
}
