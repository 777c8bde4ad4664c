/** Which sequences a model sees, and which part of each: drawn one by one, each by its number alone. */
import { philox4x32, type PhiloxKey, philoxKey } from "../../kernels/philox/mod.ts";
import type { Corpus } from "../train/corpus.ts";

/** Sequences to draw from, cluster by cluster, so that no family counts by its size. */
export interface Source {
  readonly corpus: Corpus;
  /** Sequences of each cluster; a sequence of its own where clusters are not known. */
  readonly clusters: readonly Uint32Array[];
  /** How often this source is drawn from, compared with the others. */
  readonly weight: number;
}

/** A sequence, or a window of it. */
export interface Draw {
  /** Which of the draws, from 0. */
  readonly index: number;
  readonly source: number;
  readonly sequence: number;
  /** First residue, 0-based. */
  readonly from: number;
  readonly residues: number;
}

/** Draws with replacement: a source by weight, a cluster of it, a sequence of that, a window. */
export class Sampler {
  readonly #key: PhiloxKey;
  readonly #ends: readonly number[];

  constructor(
    readonly sources: readonly Source[],
    readonly settings: { readonly maxLength: number; readonly seed: number },
  ) {
    this.#key = philoxKey(settings.seed);
    const sum = sources.reduce((all, { weight }) => all + weight, 0);
    let end = 0;
    this.#ends = sources.map(({ weight }) => end += weight / sum);
  }

  draw(index: number): Draw {
    const words = new Uint32Array(4);
    philox4x32(words, index >>> 0, Math.floor(index / 2 ** 32), 0, STREAM, this.#key);
    const [which, cluster, member, window] = Array.from(words, (word) => word / 2 ** 32);
    const at = this.#ends.findIndex((end) => which < end);
    const source = at < 0 ? this.sources.length - 1 : at;
    const { corpus, clusters } = this.sources[source];
    const members = clusters[Math.floor(cluster * clusters.length)];
    const sequence = members[Math.floor(member * members.length)];
    const length = corpus.lengths[sequence], { maxLength } = this.settings;
    const residues = Math.min(length, maxLength);
    return {
      ...{ index, source, sequence, residues },
      from: Math.floor(window * (length - residues + 1)),
    };
  }

  /** Draws from `first` on until they hold so many tokens with `<cls>` and `<eos>`; one at least. */
  batch(first: number, tokens: number): Draw[] {
    const draws: Draw[] = [];
    for (let sum = 0;;) {
      const next = this.draw(first + draws.length);
      sum += next.residues + 2;
      if (draws.length > 0 && sum > tokens) return draws;
      draws.push(next);
    }
  }
}

const STREAM = 103;
