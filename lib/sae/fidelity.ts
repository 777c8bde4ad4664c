/** How well an autoencoder stands in for the residual stream that it reads. */
import type { Tensor } from "../backend/types.ts";
import { MASK, TOKENS } from "../esm2/alphabet.ts";
import {
  type Esm2,
  logitsFrom,
  padBatch,
  readStreams,
  type Sequence,
  type Stream,
  type StreamOptions,
  tokenize,
} from "../esm2/mod.ts";
import type { SaeCoder } from "./coder.ts";
import { placeOf } from "./types.ts";

/**
 * What the model predicts with the stream, with its reconstruction, and with zeros in its place: means over
 * residues of −log p of their own letters in nats, softmax over all 33 tokens. `<cls>` and `<eos>` are left
 * as they are and not counted.
 */
export interface Losses {
  /** Residues that were predicted. */
  residues: number;
  /** Of the model's answers, nats a token. */
  crossEntropy: number;
  /** With the reconstruction in place of the stream. */
  crossEntropyReconstructed: number;
  /** With zeros in place of the stream. */
  crossEntropyZero: number;
  /** 1 − (reconstructed − own) / (zero − own): 1 is perfect, 0 no better than zeros. */
  lossRecovered: number;
}

/**
 * Over the residues of some proteins. The losses are of residues that the model sees (as InterProt's
 * validation_metrics.py and InterPLM's fidelity), which it reads off its input: `masked` are of those that it
 * must predict.
 */
export interface Fidelity extends Losses {
  /**
   * Fraction of variance unexplained: Σ |h − ĥ|² / Σ |h − h̄|², h̄ the mean over the residues, in the
   * units of the stream. 0 is perfect; the mean in place of every residue would have 1.
   */
  fvu: number;
  /** Latents above zero, per residue. */
  meanActive: number;
  /** Of residues that are masked, where that was asked for. */
  masked?: Losses;
  /** The same autoencoder on the streams one block before and after, where that was asked for. */
  neighbours?: readonly { readonly depth: number; readonly fvu: number }[];
}

/** How fidelity is measured. */
export interface FidelityOptions extends StreamOptions {
  /** Whether to measure `masked` and `neighbours` too, which takes two more passes. @default false */
  checks?: boolean;
}

/** Every fifth residue is masked at once, and of the five ways to begin these are run. */
const MASK_EVERY = 5, MASK_FROM = [0, 2] as const;

/** Measures an autoencoder on proteins, one after another. */
export async function measureFidelity(
  esm: Esm2,
  coder: SaeCoder,
  proteins: readonly Sequence[],
  { checks = false, ...options }: FidelityOptions = {},
): Promise<Fidelity> {
  const place = placeOf(coder.sae.config), { depth } = coder.sae.config;
  const own = new Unexplained(coder), seen = new LossSums(), masked = new LossSums();
  const neighbours = (checks ? [depth - 1, depth + 1] : [])
    .filter((at) => at >= 1 && at <= esm.config.layers)
    .map((depth) => ({ depth, unexplained: new Unexplained(coder) }));
  const places = [place, ...neighbours.map(({ depth }) => depth)];
  for (const protein of proteins) {
    const batch = padBatch([tokenize(protein, { maxLength: Infinity })]);
    const all = Array.from({ length: batch.width - 2 }, (_, i) => i + 1);
    using owned = new DisposableStack();
    const streams = await readStreams(esm, batch, places, options);
    streams.forEach((hidden) => owned.use(hidden));
    const hidden = streams.get(place)!;
    const reconstruction = await own.add(hidden), answers = { ids: batch.ids, at: all };
    await predict(esm, { place, hidden, batch }, reconstruction, answers, seen, options);
    for (const { depth, unexplained } of neighbours) await unexplained.add(streams.get(depth)!);
    if (!checks) continue;
    for (const from of MASK_FROM) {
      const at = all.filter((token) => (token - 1) % MASK_EVERY === from);
      const ids = batch.ids.slice();
      for (const token of at) ids[token] = MASK;
      const hiding = { ...batch, ids };
      const found = await readStreams(esm, hiding, [place], options);
      using hidden = found.get(place)!;
      const { reconstruction } = await reconstruct(coder, hidden);
      const stream = { place, hidden, batch: hiding };
      await predict(esm, stream, reconstruction, { ids: batch.ids, at }, masked, options);
    }
  }
  return {
    ...seen.means(),
    fvu: own.fraction,
    meanActive: own.active / seen.residues,
    ...(checks && {
      masked: masked.means(),
      neighbours: neighbours.map(({ depth, unexplained }) => ({
        depth,
        fvu: unexplained.fraction,
      })),
    }),
  };
}

async function reconstruct(coder: SaeCoder, hidden: Tensor) {
  const { latents, scale } = await coder.encode(hidden);
  using decoded = await coder.decode(latents, scale);
  return { latents, reconstruction: await decoded.read() };
}

/** Adds what the model predicts of some tokens from the stream, its reconstruction and zeros. */
async function predict(
  esm: Esm2,
  { place, hidden, batch }: Stream,
  reconstruction: Float32Array,
  own: { ids: Int32Array; at: readonly number[] },
  sums: LossSums,
  { signal }: StreamOptions,
): Promise<void> {
  const { backend, config: { dModel } } = esm;
  const stream = await hidden.read();
  const replaced = (values: Float32Array) => {
    const all = stream.slice();
    // Rows of residues: without the first and the last token.
    all.set(values.subarray(dModel, (batch.width - 1) * dModel), dModel);
    return backend.upload("replaced", hidden.shape, all);
  };
  using reconstructed = replaced(reconstruction);
  using zeros = replaced(new Float32Array(stream.length));
  for (const [i, state] of [hidden, reconstructed, zeros].entries()) {
    using logits = await logitsFrom(esm, batch, { place, hidden: state }, { signal });
    sums.add(i, await logits.read(), own);
  }
  sums.residues += own.at.length;
}

/** Summed −log p(own letter), nats: with the stream, the reconstruction, zeros. */
class LossSums {
  residues = 0;
  readonly #sums = [0, 0, 0];

  add(
    kind: number,
    logits: Float32Array,
    { ids, at }: { ids: Int32Array; at: readonly number[] },
  ): void {
    const vocabulary = TOKENS.length;
    for (const t of at) {
      const row = logits.subarray(t * vocabulary, (t + 1) * vocabulary);
      const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      let powers = 0;
      for (const logit of row) powers += Math.exp(logit - largest);
      this.#sums[kind] += Math.log(powers) + largest - row[ids[t]];
    }
  }

  means(): Losses {
    const [own, reconstructed, zero] = this.#sums.map((sum) => sum / this.residues);
    return {
      residues: this.residues,
      crossEntropy: own,
      crossEntropyReconstructed: reconstructed,
      crossEntropyZero: zero,
      lossRecovered: 1 - (reconstructed - own) / (zero - own),
    };
  }
}

/** What an autoencoder leaves unexplained of the streams that it is given, residues only. */
class Unexplained {
  /** Latents above zero so far. */
  active = 0;
  #squares = 0;
  readonly #variance: Variance;

  constructor(readonly coder: SaeCoder) {
    this.#variance = new Variance(coder.sae.config.dModel);
  }

  /** @param hidden f32[T, D] @returns the reconstruction f32[T, D] */
  async add(hidden: Tensor): Promise<Float32Array> {
    const stream = await hidden.read();
    const { latents, reconstruction } = await reconstruct(this.coder, hidden);
    const { dModel } = this.coder.sae.config, tokens = stream.length / dModel;
    const begin = dModel, end = (tokens - 1) * dModel;
    for (let i = begin; i < end; i++) this.#squares += (stream[i] - reconstruction[i]) ** 2;
    this.#variance.add(stream.subarray(begin, end));
    this.active += latents.offsets[tokens - 1] - latents.offsets[1];
    return reconstruction;
  }

  get fraction(): number {
    return this.#squares / this.#variance.sum;
  }
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
