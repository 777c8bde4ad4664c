/** One SAE in training: its weights, the optimiser's memory, and the step that changes both. */
import { adamw, type Moments } from "../../train/adamw.ts";
import { clipByGlobalNorm, zerosLike } from "../../train/arrays.ts";
import { linear, type Schedule } from "../../train/schedule.ts";
import { SparseGradient } from "./gradient.ts";
import { normaliseRows, type Parameters, removeParallel } from "./parameters.ts";

export interface TrainerSettings {
  readonly k: number;
  /** How many dead latents learn from a token's residual; 0: none. */
  readonly auxK: number;
  /** A latent that has not been active on this many tokens counts as dead. */
  readonly deadAfter: number;
  readonly learningRate: number;
  /** Shares of the training over which the learning rate rises and falls. */
  readonly warmUp: number;
  readonly decay: number;
  /** Longest gradient of a step. */
  readonly clip: number;
  /** Tokens of the whole training. */
  readonly tokens: number;
}

/** All that a step reads and changes; saving it whole saves the training. */
export interface TrainerState {
  readonly weights: Parameters;
  /** The optimiser's memory. */
  readonly moments: Moments<Parameters>;
  /** u32[F]: tokens since each latent was active, at most 2^32 − 1. */
  readonly idle: Uint32Array;
  steps: number;
  tokens: number;
}

const OPTIMISER = adamw();

export function newState(weights: Parameters): TrainerState {
  const idle = new Uint32Array(weights.latentBias.length);
  return { weights, moments: OPTIMISER.init(weights), idle, steps: 0, tokens: 0 };
}

export interface StepReport {
  readonly loss: number;
  readonly aux: number;
  /** Fraction of variance unexplained: Σ‖x̂ − x‖² / Σ‖x − mean of the batch‖², as trained on. */
  readonly fvu: number;
  readonly dead: number;
}

/** Computes [N, D] · encoderᵀ + latentBias and hands it on. */
export interface DenseProduct {
  with<R>(
    centred: Float32Array,
    weights: Parameters,
    use: (preActs: Float32Array) => R,
  ): Promise<R>;
}

export class Trainer {
  readonly #gradient: Parameters;
  readonly #sparse: SparseGradient;
  readonly #fired: Uint32Array;
  readonly #schedule: Schedule;

  constructor(
    readonly state: TrainerState,
    readonly settings: TrainerSettings,
    readonly dense: DenseProduct,
  ) {
    const { inputBias: { length: dModel }, latentBias: { length: latents } } = state.weights;
    this.#gradient = zerosLike(state.weights);
    this.#sparse = new SparseGradient({ dModel, latents, k: settings.k, auxK: settings.auxK });
    this.#fired = new Uint32Array(latents);
    this.#schedule = linear(settings.learningRate, settings);
  }

  /** Latents that have not been active for long, ascending. */
  dead(): Uint32Array {
    const { idle } = this.state, found: number[] = [];
    for (let f = 0; f < idle.length; f++) if (idle[f] >= this.settings.deadAfter) found.push(f);
    return Uint32Array.from(found);
  }

  /**
   * One step on a batch, which is left centred.
   *
   * @param batch f32[B, D], normalised
   */
  async step(batch: Float32Array): Promise<StepReport> {
    const { state, settings } = this, { weights } = state, { inputBias } = weights;
    const dModel = inputBias.length, rows = batch.length / dModel;
    const variance = centre(batch, inputBias);
    const dead = this.dead();
    const loss = await this.dense.with(batch, weights, (preActs) =>
      this.#sparse.compute(
        weights,
        { rows, centred: batch, preActs, dead },
        this.#gradient,
        this.#fired,
      ));
    removeParallel(this.#gradient.decoder, weights.decoder, dModel);
    clipByGlobalNorm(this.#gradient, settings.clip);
    // The middle of the step's tokens, so that neither first nor last step has rate zero.
    const share = (state.tokens + rows / 2) / settings.tokens;
    state.steps++;
    state.tokens += rows;
    const learningRate = this.#schedule(share);
    OPTIMISER.update(weights, this.#gradient, state.moments, { step: state.steps, learningRate });
    normaliseRows(weights.decoder, dModel);
    for (let f = 0; f < this.#fired.length; f++) {
      state.idle[f] = this.#fired[f] > 0 ? 0 : Math.min(state.idle[f] + rows, 2 ** 32 - 1);
    }
    return {
      loss: loss.loss,
      aux: loss.aux,
      fvu: variance > 0 ? loss.squaredError / variance : 0,
      dead: dead.length,
    };
  }
}

/** Subtracts the bias from every row; gives Σ‖row − mean row‖². */
function centre(batch: Float32Array, bias: Float32Array): number {
  const dModel = bias.length, rows = batch.length / dModel;
  const sum = new Float64Array(dModel);
  let squares = 0;
  for (let at = 0; at < batch.length; at += dModel) {
    for (let d = 0; d < dModel; d++) {
      const value = batch[at + d] -= bias[d];
      sum[d] += value;
      squares += value * value;
    }
  }
  return squares - sum.reduce((total, s) => total + s * s, 0) / rows;
}
