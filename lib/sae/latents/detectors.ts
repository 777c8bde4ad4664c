/** Which letters, and which ends of a protein, a latent detects. */
import type { ProteinLatents } from "../encode/encode.ts";
import { AMINO_ACIDS } from "../../variants/letters.ts";

/** Residues beside the latent's own that are looked at: −3 is three before it. */
const REACH = 3;
const OFFSETS = 2 * REACH + 1;
const LETTERS = AMINO_ACIDS.length;

/** How well "the latent is active" tells a letter. */
export interface Detection {
  /** One-letter code of an amino acid. */
  letter: string;
  /** Where the letter stands, from the active residue. */
  offset: number;
  /** Active residues with the letter there, of all active ones that have a residue there. */
  precision: number;
  /** The same, of all residues with the letter there. */
  recall: number;
  /** Harmonic mean of precision and recall. */
  f1: number;
  /** Precision over the letter's frequency. */
  enrichment: number;
}

/** One latent over all residues. */
export interface LatentProfile {
  /** 0-based. */
  latent: number;
  /** Residues where it is active. */
  active: number;
  /** Proteins where it is active anywhere. */
  proteins: number;
  /** Over the residues where it is active. */
  meanActivation: number;
  /** The largest. */
  maxActivation: number;
  /** The letter at the residue itself with the largest F1. */
  letter: Detection;
  /** The same at any of the neighbours, the residue itself excluded. */
  neighbour?: Detection;
  /** Share of the active residues that are the first, and the last, of a protein. */
  firstShare: number;
  /** The same of the last. */
  lastShare: number;
  /** Mean place along the protein, 0 at the first residue and 1 at the last. */
  meanPlace: number;
}

/** How often one latent is active at one letter. */
export interface LetterCount {
  /** 0-based. */
  latent: number;
  /** One-letter code of an amino acid. */
  letter: string;
  /** Residues with that letter where it is active. */
  active: number;
  /** Of all residues where it is active. */
  precision: number;
  /** Of all residues with that letter. */
  recall: number;
  /** Precision over the letter's frequency. */
  enrichment: number;
  /** Over the residues where it is active. */
  meanActivation: number;
}

/** What a latent was counted at, as a page draws it: everything else follows from these. */
export interface LatentCounts {
  /** u32[letters]: its active residues of each letter. */
  letters: Uint32Array;
  /** For each offset from −3 to 3 the letter with the largest F1: its place, and how often it stands there. */
  best: { column: number; both: number; active: number }[];
}

/** How often letters stand at the offsets of residues. */
export interface LetterTotals {
  /** u32[offsets, letters] */
  letters: Uint32Array;
  /** u32[offsets]: residues that have a residue there. */
  residues: Uint32Array;
}

/** Tables of what was counted. */
export type DetectorState = readonly (Float64Array | Float32Array | Uint32Array)[];

/** Counts latents against letters, protein by protein. */
export class DetectorCounts {
  /** Residues, proteins. */
  readonly #totals = new Float64Array(2);
  readonly #active: Uint32Array;
  readonly #proteins: Uint32Array;
  readonly #sum: Float64Array;
  readonly #max: Float32Array;
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;
  readonly #place: Float64Array;
  /** u32[F, offsets, letters] */
  readonly #both: Uint32Array;
  /** Activations by letter at the residue itself, f64[F, letters]. */
  readonly #letterSum: Float64Array;
  /** Residues with each letter at each offset, u32[offsets, letters], and with any residue there. */
  readonly #letters = new Uint32Array(OFFSETS * LETTERS);
  readonly #neighbours = new Uint32Array(OFFSETS);
  /** u32[F, offsets]: active residues that have a residue there. */
  readonly #activeNeighbours: Uint32Array;

  /** Starts with nothing counted. @param threshold activations at or below it do not count */
  constructor(readonly latents: number, readonly threshold = 0) {
    this.#active = new Uint32Array(latents);
    this.#proteins = new Uint32Array(latents);
    this.#sum = new Float64Array(latents);
    this.#max = new Float32Array(latents);
    this.#first = new Uint32Array(latents);
    this.#last = new Uint32Array(latents);
    this.#place = new Float64Array(latents);
    this.#both = new Uint32Array(latents * OFFSETS * LETTERS);
    this.#letterSum = new Float64Array(latents * LETTERS);
    this.#activeNeighbours = new Uint32Array(latents * OFFSETS);
  }

  /** Residues counted so far. */
  get residues(): number {
    return this.#totals[0];
  }

  /** Proteins counted so far. */
  get proteins(): number {
    return this.#totals[1];
  }

  /** All that was counted so far, for {@link include}; shared with what is counted on. */
  state(): DetectorState {
    return this.#tables();
  }

  /** Counts what others counted of as many latents. @throws {TypeError} if it is of another size */
  include(state: DetectorState): void {
    for (const [i, own] of this.#tables().entries()) {
      const { length } = state[i] ?? [];
      if (length !== own.length) {
        throw new TypeError(
          `state must be of ${this.latents} latents: a table has ${length} values, not ${own.length}`,
        );
      }
      const isMost = own === this.#max;
      for (let at = 0; at < length; at++) {
        own[at] = isMost ? Math.max(own[at], state[i][at]) : own[at] + state[i][at];
      }
    }
  }

  /** Counts one protein. */
  add({ letters, latents: { offsets, indices, values } }: ProteinLatents): void {
    const columns = Int8Array.from(letters, (letter) => AMINO_ACIDS.indexOf(letter));
    const length = columns.length, seen = new Set<number>();
    this.#totals[0] += length;
    this.#totals[1]++;
    for (let r = 0; r < length; r++) {
      const from = Math.max(0, REACH - r), to = Math.min(OFFSETS, length - r + REACH);
      for (let o = from; o < to; o++) {
        const column = columns[r + o - REACH];
        this.#neighbours[o]++;
        if (column >= 0) this.#letters[o * LETTERS + column]++;
      }
      for (let i = offsets[r]; i < offsets[r + 1]; i++) {
        const value = values[i], latent = indices[i];
        if (value <= this.threshold) continue;
        seen.add(latent);
        this.#active[latent]++;
        this.#sum[latent] += value;
        this.#max[latent] = Math.max(this.#max[latent], value);
        this.#place[latent] += length > 1 ? r / (length - 1) : 0.5;
        if (r === 0) this.#first[latent]++;
        if (r === length - 1) this.#last[latent]++;
        if (columns[r] >= 0) this.#letterSum[latent * LETTERS + columns[r]] += value;
        for (let o = from; o < to; o++) {
          const column = columns[r + o - REACH];
          this.#activeNeighbours[latent * OFFSETS + o]++;
          if (column >= 0) this.#both[(latent * OFFSETS + o) * LETTERS + column]++;
        }
      }
    }
    for (const latent of seen) this.#proteins[latent]++;
  }

  /** Latents that are active anywhere. */
  profiles(): LatentProfile[] {
    const found: LatentProfile[] = [];
    for (let latent = 0; latent < this.latents; latent++) {
      const active = this.#active[latent];
      if (active === 0) continue;
      const neighbours = Array.from({ length: OFFSETS }, (_, o) => o)
        .filter((o) => o !== REACH).map((o) => this.#best(latent, o))
        .filter(({ f1 }) => f1 > 0)
        .sort((a, b) => b.f1 - a.f1);
      found.push({
        latent,
        active,
        proteins: this.#proteins[latent],
        meanActivation: this.#sum[latent] / active,
        maxActivation: this.#max[latent],
        letter: this.#best(latent, REACH),
        ...(neighbours.length > 0 && { neighbour: neighbours[0] }),
        firstShare: this.#first[latent] / active,
        lastShare: this.#last[latent] / active,
        meanPlace: this.#place[latent] / active,
      });
    }
    return found;
  }

  /** Of all residues. */
  totals(): LetterTotals {
    return { letters: this.#letters.slice(), residues: this.#neighbours.slice() };
  }

  /** Of one latent. */
  counts(latent: number): LatentCounts {
    const own = (latent * OFFSETS + REACH) * LETTERS;
    return {
      letters: this.#both.slice(own, own + LETTERS),
      best: Array.from({ length: OFFSETS }, (_, o) => {
        const column = AMINO_ACIDS.indexOf(this.#best(latent, o).letter);
        return {
          column,
          both: this.#both[(latent * OFFSETS + o) * LETTERS + column],
          active: this.#activeNeighbours[latent * OFFSETS + o],
        };
      }),
    };
  }

  /** Letters at which each latent is ever active. */
  *letterCounts(): Generator<LetterCount> {
    for (let latent = 0; latent < this.latents; latent++) {
      for (let column = 0; column < LETTERS; column++) {
        const active = this.#both[(latent * OFFSETS + REACH) * LETTERS + column];
        if (active === 0) continue;
        const { letter, precision, recall, enrichment } = this.#detection(latent, REACH, column);
        const meanActivation = this.#letterSum[latent * LETTERS + column] / active;
        yield { latent, letter, active, precision, recall, enrichment, meanActivation };
      }
    }
  }

  #tables(): DetectorState {
    return [
      ...[this.#totals, this.#active, this.#proteins, this.#sum, this.#max, this.#first],
      ...[this.#last, this.#place, this.#both, this.#letterSum, this.#letters, this.#neighbours],
      this.#activeNeighbours,
    ];
  }

  /** The letter with the largest F1; the first of equals. */
  #best(latent: number, offset: number): Detection {
    let best = this.#detection(latent, offset, 0);
    for (let column = 1; column < LETTERS; column++) {
      const one = this.#detection(latent, offset, column);
      if (one.f1 > best.f1) best = one;
    }
    return best;
  }

  #detection(latent: number, offset: number, column: number): Detection {
    const both = this.#both[(latent * OFFSETS + offset) * LETTERS + column];
    const active = this.#activeNeighbours[latent * OFFSETS + offset];
    const having = this.#letters[offset * LETTERS + column];
    const precision = both / active;
    return {
      letter: AMINO_ACIDS[column],
      offset: offset - REACH,
      precision,
      recall: both / having,
      f1: active + having === 0 ? 0 : 2 * both / (active + having),
      enrichment: precision / (having / this.#neighbours[offset]),
    };
  }
}
