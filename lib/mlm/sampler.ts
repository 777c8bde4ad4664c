/** Which sequences a model sees, and which part of each: drawn one by one, each by its number alone. */
import { philox4x32, type PhiloxKey, philoxKey } from "../../kernels/philox/mod.ts";
import { CLS, EOS } from "../esm2/alphabet.ts";
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
export interface Part {
  readonly source: number;
  readonly sequence: number;
  /** First residue, 0-based. */
  readonly from: number;
  readonly residues: number;
}

/** What is learnt from at once. */
export interface Draw extends Part {
  /** Which of the draws, from 0. */
  readonly index: number;
  /** Parts of other sequences that stand before and after it. */
  readonly before?: Part;
  readonly after?: Part;
  /** Residues of all of them. */
  readonly length: number;
}

export interface SamplerSettings {
  /** A longer sequence gives a window. */
  readonly maxLength: number;
  readonly seed: number;
  /** Share of a sequence that is seen at once, or its bounds: then drawn. @default 1 */
  readonly windows?: number | readonly [least: number, most: number];
  /** Residues of other sequences before and after it, each drawn up to so many. @default 0 */
  readonly flanks?: number;
}

/** Windows by a share are not shorter, where the sequence is not. */
const LEAST_WINDOW = 16;

/**
 * Draws with replacement: a source by weight, a cluster of it, a sequence of that, a window. Windows and
 * flanks keep a model from knowing a domain by how far from `<cls>` it begins: in a protein it begins anywhere.
 */
export class Sampler {
  readonly #key: PhiloxKey;
  readonly #ends: readonly number[];

  constructor(readonly sources: readonly Source[], readonly settings: SamplerSettings) {
    this.#key = philoxKey(settings.seed);
    const sum = sources.reduce((all, { weight }) => all + weight, 0);
    let end = 0;
    this.#ends = sources.map(({ weight }) => end += weight / sum);
  }

  draw(index: number): Draw {
    const { windows = 1, flanks = 0 } = this.settings;
    const [least, most] = typeof windows === "number" ? [windows, windows] : windows;
    const [share, before, after] = this.#numbers(index, PURPOSE.lengths);
    const own = this.#part(index, PURPOSE.itself, (length) => {
      const seen = Math.round(length * (least + share * (most - least)));
      return Math.max(Math.min(length, LEAST_WINDOW), seen);
    });
    if (flanks === 0) return { index, ...own, length: own.residues };
    let room = this.settings.maxLength - own.residues;
    const flank = (purpose: number, drawn: number): Part | undefined => {
      const wanted = Math.min(room, Math.floor(drawn * (flanks + 1)));
      if (wanted === 0) return undefined;
      const part = this.#part(index, purpose, () => wanted);
      room -= part.residues;
      return part;
    };
    const parts = { before: flank(PURPOSE.before, before), after: flank(PURPOSE.after, after) };
    return { index, ...own, ...parts, length: this.settings.maxLength - room };
  }

  /** A part of a sequence: as long as is wanted of what could be seen, where it has so many. */
  #part(index: number, purpose: number, wanted: (length: number) => number): Part {
    const [which, cluster, member, window] = this.#numbers(index, purpose);
    const at = this.#ends.findIndex((end) => which < end);
    const source = at < 0 ? this.sources.length - 1 : at;
    const { corpus, clusters } = this.sources[source];
    const members = clusters[Math.floor(cluster * clusters.length)];
    const sequence = members[Math.floor(member * members.length)];
    const length = corpus.lengths[sequence], seen = Math.min(length, this.settings.maxLength);
    const residues = Math.min(seen, wanted(seen));
    return { source, sequence, residues, from: Math.floor(window * (length - residues + 1)) };
  }

  /** Four numbers in [0, 1). */
  #numbers(index: number, purpose: number): number[] {
    const words = new Uint32Array(4);
    philox4x32(words, index >>> 0, Math.floor(index / 2 ** 32), purpose, STREAM, this.#key);
    return Array.from(words, (word) => word / 2 ** 32);
  }

  /** Token ids of a draw, `<cls>` and `<eos>` around all of it. */
  async tokens({ before, after, length, ...own }: Draw): Promise<Int32Array> {
    const ids = new Int32Array(length + 2);
    ids[0] = CLS;
    ids[length + 1] = EOS;
    let at = 1;
    for (const part of [before, own, after]) {
      if (!part) continue;
      const { corpus } = this.sources[part.source];
      const tokens = await corpus.tokens(part.sequence, part.from, part.residues);
      ids.set(tokens.subarray(1, -1), at);
      at += part.residues;
    }
    return ids;
  }

  /** Draws from `first` on until they hold so many tokens with `<cls>` and `<eos>`; one at least. */
  batch(first: number, tokens: number): Draw[] {
    const draws: Draw[] = [];
    for (let sum = 0;;) {
      const next = this.draw(first + draws.length);
      sum += next.length + 2;
      if (draws.length > 0 && sum > tokens) return draws;
      draws.push(next);
    }
  }
}

/** What numbers are drawn for. */
const PURPOSE = { itself: 0, lengths: 1, before: 2, after: 3 } as const;
const STREAM = 103;
