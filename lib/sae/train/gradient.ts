/** Loss of a batch and its gradient, given the pre-activations. */
import type { FloatArray } from "../../train/arrays.ts";
import type { Parameters } from "./parameters.ts";
import { topK } from "./top_k.ts";

/** Weight of the dead latents' loss (Gao et al. 2024, arXiv:2406.04093, appendix A.2). */
export const AUX_WEIGHT = 1 / 32;

export interface BatchData<A extends FloatArray> {
  /** Tokens in the batch, B. */
  readonly rows: number;
  /** [B, D]: normalised residual stream minus the input bias. */
  readonly centred: A;
  /** [B, F] */
  readonly preActs: A;
  /** Latents that count as dead, ascending. */
  readonly dead: Uint32Array;
}

export interface BatchLoss {
  /** Σ‖reconstruction − input‖² / (B·D) + AUX_WEIGHT · aux */
  readonly loss: number;
  /** Σ‖reconstruction − input‖² over the batch. */
  readonly squaredError: number;
  /**
   * Σ‖ê − e‖² / Σ‖e‖² over the batch: e is what the k latents leave, ê what the `auxK` largest dead
   * ones make of it; zero where no latent is dead.
   */
  readonly aux: number;
}

/** Computes loss and gradient; holds the scratch memory of one shape of SAE. */
export class SparseGradient<A extends FloatArray = Float32Array> {
  readonly #dModel: number;
  readonly #latents: number;
  readonly #k: number;
  readonly #auxK: number;
  readonly #indices: Uint32Array;
  readonly #values: Float64Array;
  readonly #row: Float64Array;
  #residual = new Float64Array();

  constructor(shape: { dModel: number; latents: number; k: number; auxK: number }) {
    this.#dModel = shape.dModel;
    this.#latents = shape.latents;
    this.#k = shape.k;
    this.#auxK = shape.auxK;
    const most = Math.max(shape.k, shape.auxK);
    this.#indices = new Uint32Array(most);
    this.#values = new Float64Array(most);
    this.#row = new Float64Array(shape.dModel);
  }

  /**
   * Loss of a batch; replaces what is in `gradient`.
   *
   * Only the k largest positive pre-activations of a token carry gradient. In the dead latents' loss
   * the residual e is a constant, and their values keep their sign: with a ReLU, latents that
   * overshoot a small residual turn negative everywhere and never learn again.
   *
   * @param fired u32[F], receives on how many of the batch's tokens each latent is active
   */
  compute(
    weights: Parameters<A>,
    batch: BatchData<A>,
    gradient: Parameters<A>,
    fired: Uint32Array,
  ): BatchLoss {
    for (const part of Object.values(gradient)) part.fill(0);
    fired.fill(0);
    const { rows, centred, preActs, dead } = batch;
    const D = this.#dModel, F = this.#latents, indices = this.#indices, values = this.#values;
    const withAux = dead.length > 0 && this.#auxK > 0, row = this.#row;
    if (withAux && this.#residual.length < rows * D) this.#residual = new Float64Array(rows * D);
    const residual = this.#residual, { inputBias } = gradient;
    const scale = 2 / (rows * D);

    let squaredError = 0;
    for (let n = 0; n < rows; n++) {
      const active = topK(preActs, n * F, F, this.#k, indices, values);
      for (let i = 0; i < active; i++) fired[indices[i]]++;
      squaredError += this.#token(weights, gradient, centred, centred, n * D, active, scale);
      // `row` now holds scale · (reconstruction − input).
      for (let d = 0; d < D; d++) inputBias[d] += row[d];
      if (withAux) { for (let d = 0; d < D; d++) residual[n * D + d] = -row[d] / scale; }
    }
    let aux = 0;
    if (withAux && squaredError > 0) {
      const auxScale = 2 * AUX_WEIGHT / squaredError;
      for (let n = 0; n < rows; n++) {
        const active = topK(preActs, n * F, F, this.#auxK, indices, values, -Infinity, dead);
        aux += this.#token(weights, gradient, centred, residual, n * D, active, auxScale);
      }
      aux /= squaredError;
    }
    // What reaches the input bias through the encoder, for all tokens at once.
    const { encoder } = weights, { latentBias } = gradient;
    for (let f = 0; f < F; f++) {
      const sum = latentBias[f];
      if (sum === 0) continue;
      for (let d = 0; d < D; d++) inputBias[d] -= sum * encoder[f * D + d];
    }
    return { loss: squaredError / (rows * D) + AUX_WEIGHT * aux, squaredError, aux };
  }

  /** One token: decodes the chosen latents, compares with `target`, adds to the gradient. */
  #token(
    weights: Parameters<A>,
    gradient: Parameters<A>,
    centred: FloatArray,
    target: FloatArray,
    begin: number,
    active: number,
    scale: number,
  ): number {
    const D = this.#dModel, row = this.#row, indices = this.#indices, values = this.#values;
    const { decoder } = weights;
    const { encoder: encoderGradient, decoder: decoderGradient, latentBias } = gradient;
    for (let d = 0; d < D; d++) row[d] = -target[begin + d];
    for (let i = 0; i < active; i++) {
      const value = values[i], at = indices[i] * D;
      for (let d = 0; d < D; d++) row[d] += value * decoder[at + d];
    }
    let squares = 0;
    for (let d = 0; d < D; d++) {
      squares += row[d] * row[d];
      row[d] *= scale;
    }
    for (let i = 0; i < active; i++) {
      const value = values[i], at = indices[i] * D;
      let slope = 0;
      for (let d = 0; d < D; d++) {
        slope += row[d] * decoder[at + d];
        decoderGradient[at + d] += value * row[d];
      }
      for (let d = 0; d < D; d++) encoderGradient[at + d] += slope * centred[begin + d];
      latentBias[indices[i]] += slope;
    }
    return squares;
  }
}
