/** How well an autoencoder stands in for the residual stream that it reads. */
import { type Esm2, padBatch, type Sequence, type TokenBatch, tokenize } from "../esm2/mod.ts";
import { TOKENS } from "../esm2/alphabet.ts";
import type { SaeCoder } from "./coder.ts";
import { StreamTap, type TapOptions } from "./stream_tap.ts";

/**
 * Means over the residues of some proteins; `<cls>` and `<eos>` are left as they are and not counted.
 *
 * Cross-entropies are −log p of each residue's own letter in nats, softmax over all 33 tokens, nothing
 * masked (as InterProt's validation_metrics.py and InterPLM's fidelity).
 */
export interface Fidelity {
  /** Residues that were measured. */
  residues: number;
  /**
   * Fraction of variance unexplained: Σ |h − ĥ|² / Σ |h − h̄|², h̄ the mean over the residues, in the
   * units of the stream. 0 is perfect; the mean in place of every residue would have 1.
   */
  fvu: number;
  /** Latents above zero, per residue. */
  meanActive: number;
  crossEntropy: number;
  /** With the reconstruction in place of the stream. */
  crossEntropyReconstructed: number;
  /** With zeros in place of the stream. */
  crossEntropyZero: number;
  /** 1 − (reconstructed − own) / (zero − own): 1 is perfect, 0 no better than zeros. */
  lossRecovered: number;
}

/** Measures an autoencoder on proteins, one after another. */
export async function measureFidelity(
  esm: Esm2,
  coder: SaeCoder,
  proteins: readonly Sequence[],
  options: TapOptions = {},
): Promise<Fidelity> {
  await using tap = new StreamTap(esm, coder.sae.config);
  const { dModel } = coder.sae.config;
  const variance = new Variance(dModel);
  const entropy = [0, 0, 0];
  let unexplained = 0, active = 0, residues = 0;
  for (const protein of proteins) {
    const batch = padBatch([tokenize(protein, { maxLength: Infinity })]);
    using hidden = await tap.read(batch, options);
    const { latents, scale } = await coder.encode(hidden);
    using decoded = await coder.decode(latents, scale);
    const stream = await hidden.read(), reconstruction = await decoded.read();
    // Rows of residues: without the first and the last token.
    const begin = dModel, end = (batch.width - 1) * dModel;
    const replaced = (values: Float32Array) => {
      const all = stream.slice();
      all.set(values.subarray(begin, end), begin);
      return esm.backend.upload("replaced", hidden.shape, all);
    };
    for (let i = begin; i < end; i++) unexplained += (stream[i] - reconstruction[i]) ** 2;
    variance.add(stream.subarray(begin, end));
    active += latents.offsets[batch.width - 1] - latents.offsets[1];
    residues += batch.width - 2;
    using reconstructed = replaced(reconstruction);
    using zeros = replaced(new Float32Array(stream.length));
    for (const [i, state] of [hidden, reconstructed, zeros].entries()) {
      using logits = await tap.logits(batch, state, options.signal);
      entropy[i] += crossEntropy(await logits.read(), batch);
    }
  }
  const [own, reconstructed, zero] = entropy.map((sum) => sum / residues);
  return {
    residues,
    fvu: unexplained / variance.sum,
    meanActive: active / residues,
    crossEntropy: own,
    crossEntropyReconstructed: reconstructed,
    crossEntropyZero: zero,
    lossRecovered: 1 - (reconstructed - own) / (zero - own),
  };
}

/** Sum over the residues of one sequence of −log p(own letter), nats. */
function crossEntropy(logits: Float32Array, { ids, width }: TokenBatch): number {
  const vocabulary = TOKENS.length;
  let sum = 0;
  for (let t = 1; t < width - 1; t++) {
    const row = logits.subarray(t * vocabulary, (t + 1) * vocabulary);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    let powers = 0;
    for (const logit of row) powers += Math.exp(logit - largest);
    sum += Math.log(powers) + largest - row[ids[t]];
  }
  return sum;
}

/** Σ |x − x̄|² of vectors that come in pieces. */
class Variance {
  #count = 0;
  readonly #mean: Float64Array;
  #sum = 0;

  constructor(readonly width: number) {
    this.#mean = new Float64Array(width);
  }

  /** Welford's update, which does not cancel where means are large. */
  add(rows: Float32Array): void {
    for (let begin = 0; begin < rows.length; begin += this.width) {
      this.#count++;
      for (let d = 0; d < this.width; d++) {
        const value = rows[begin + d], before = value - this.#mean[d];
        this.#mean[d] += before / this.#count;
        this.#sum += before * (value - this.#mean[d]);
      }
    }
  }

  get sum(): number {
    return this.#sum;
  }
}
