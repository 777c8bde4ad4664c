/** Where each latent fires over all proteins of a run, in memory that does not grow with them. */
import type { ProteinLatents } from "./encode.ts";

/** Residues shown on either side of a place. */
export const REACH = 10;
const WIDTH = 2 * REACH + 1;
/** Proteins remembered of each latent: five beside the one that is looked at. */
const KEPT = 6;

/** Where a latent fires highest in a protein. */
export interface Place {
  /** Of the run, from 0. */
  protein: number;
  id: string;
  /** From 1. */
  residue: number;
  value: number;
  /** {@linkcode REACH} residues on either side; blank beyond the ends. */
  letters: string;
  /** Activation at each of them, in 255ths of `value`. */
  steps: Uint8Array;
}

export class LatentSurvey {
  /** Residues of each latent, and proteins. */
  readonly active: Uint32Array;
  readonly proteins: Uint32Array;
  /** How many proteins there are of each length. */
  readonly lengths = new Map<number, number>();
  /** Proteins so far. */
  count = 0;
  readonly #best: Float32Array;
  readonly #owner: Uint32Array;
  readonly #residue: Uint32Array;
  readonly #letters: Uint8Array;
  readonly #steps: Uint8Array;
  readonly #ids: string[] = [];
  /** Of the protein in hand. */
  readonly #peak: Float32Array;
  readonly #peakAt: Uint32Array;

  constructor(readonly latents: number) {
    this.active = new Uint32Array(latents);
    this.proteins = new Uint32Array(latents);
    this.#best = new Float32Array(latents * KEPT);
    this.#owner = new Uint32Array(latents * KEPT);
    this.#residue = new Uint32Array(latents * KEPT);
    this.#letters = new Uint8Array(latents * KEPT * WIDTH);
    this.#steps = new Uint8Array(latents * KEPT * WIDTH);
    this.#peak = new Float32Array(latents);
    this.#peakAt = new Uint32Array(latents);
  }

  /** Takes the next protein. */
  add(protein: ProteinLatents): void {
    const { rows, offsets, indices, values } = protein.latents, touched: number[] = [];
    this.lengths.set(rows, (this.lengths.get(rows) ?? 0) + 1);
    for (let row = 0; row < rows; row++) {
      for (let entry = offsets[row]; entry < offsets[row + 1]; entry++) {
        const latent = indices[entry];
        this.active[latent]++;
        if (this.#peak[latent] === 0) touched.push(latent);
        if (values[entry] > this.#peak[latent]) {
          this.#peak[latent] = values[entry];
          this.#peakAt[latent] = row;
        }
      }
    }
    for (const latent of touched) {
      this.proteins[latent]++;
      if (this.#peak[latent] > this.#best[(latent + 1) * KEPT - 1]) this.#keep(latent, protein);
      this.#peak[latent] = 0;
    }
    this.count++;
  }

  /** Latents that fired. */
  get seen(): number {
    return this.proteins.reduce((sum, count) => sum + Number(count > 0), 0);
  }

  /** The largest activation. */
  highest(latent: number): number {
    return this.#best[latent * KEPT];
  }

  /** The proteins where a latent fires highest, the highest first; of equals the first. */
  places(latent: number): Place[] {
    const found: Place[] = [];
    for (let k = latent * KEPT; k < (latent + 1) * KEPT && this.#best[k] > 0; k++) {
      found.push({
        protein: this.#owner[k],
        id: this.#ids[k],
        residue: this.#residue[k],
        value: this.#best[k],
        letters: String.fromCharCode(...this.#letters.subarray(k * WIDTH, (k + 1) * WIDTH)),
        steps: this.#steps.slice(k * WIDTH, (k + 1) * WIDTH),
      });
    }
    return found;
  }

  #keep(latent: number, { id, letters, latents }: ProteinLatents): void {
    const { rows, offsets, indices, values } = latents, first = latent * KEPT;
    const value = this.#peak[latent], row = this.#peakAt[latent];
    let at = first + KEPT - 1;
    while (at > first && value > this.#best[at - 1]) {
      this.#best[at] = this.#best[at - 1];
      this.#owner[at] = this.#owner[at - 1];
      this.#residue[at] = this.#residue[at - 1];
      this.#ids[at] = this.#ids[at - 1];
      this.#letters.copyWithin(at * WIDTH, (at - 1) * WIDTH, at * WIDTH);
      this.#steps.copyWithin(at * WIDTH, (at - 1) * WIDTH, at * WIDTH);
      at--;
    }
    this.#best[at] = value;
    this.#owner[at] = this.count;
    this.#residue[at] = row + 1;
    this.#ids[at] = id;
    for (let k = 0; k < WIDTH; k++) {
      const near = row + k - REACH, isThere = near >= 0 && near < rows;
      let own = 0;
      for (let e = isThere ? offsets[near] : 0; e < (isThere ? offsets[near + 1] : 0); e++) {
        if (indices[e] === latent) own = values[e];
      }
      this.#letters[at * WIDTH + k] = isThere ? letters.charCodeAt(near) : 0x20;
      this.#steps[at * WIDTH + k] = own > 0 ? Math.max(1, Math.round(255 * own / value)) : 0;
    }
  }
}
