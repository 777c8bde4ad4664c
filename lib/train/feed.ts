/** Which sequences training sees, in which order and which part of each. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { permutation, STREAM } from "./random.ts";

/** A window of a sequence. */
export interface Crop {
  readonly sequence: number;
  /** First residue, 0-based. */
  readonly from: number;
  readonly residues: number;
}

/** Where in the order of sequences training is. */
export interface Cursor {
  /** Passes over all training sequences that are complete. */
  epoch: number;
  /** Sequences of the present pass that are done. */
  position: number;
}

export interface FeedSettings {
  /** Residues of a sequence that are used; a longer one gives a random window in each epoch. */
  readonly maxLength: number;
  /** Tokens of one buffer. */
  readonly bufferTokens: number;
  /** Tokens that a sequence gives besides its residues: 2 where `<cls>` and `<eos>` count. */
  readonly extraTokens: number;
  readonly seed: number;
}

/** Splits sequences 0 … count − 1 at random; `share` of them, rounded up, are held out. */
export function splitSequences(
  count: number,
  share: number,
  seed: number,
): { training: Uint32Array; heldOut: Uint32Array } {
  const order = permutation(count, seed, STREAM.heldOut);
  const held = Math.ceil(share * count);
  return { training: order.slice(held).sort(), heldOut: order.slice(0, held) };
}

/** Draws buffers of sequences: every sequence once per epoch, each epoch in another order. */
export class Feed {
  #epoch = -1;
  #order = new Uint32Array();

  /** @param lengths residues of every sequence, also of those not in `training` */
  constructor(
    readonly training: Uint32Array,
    readonly lengths: Uint32Array,
    readonly settings: FeedSettings,
  ) {}

  /** Tokens of one epoch. */
  get epochTokens(): number {
    const { maxLength, extraTokens } = this.settings;
    let sum = 0;
    for (const s of this.training) sum += Math.min(this.lengths[s], maxLength) + extraTokens;
    return sum;
  }

  /** The sequences of the next buffer, and where the one after it begins. */
  next({ epoch, position }: Cursor): { crops: Crop[]; cursor: Cursor } {
    const { bufferTokens, extraTokens } = this.settings;
    const crops: Crop[] = [];
    for (let tokens = 0; tokens < bufferTokens;) {
      const crop = this.#crop(this.#sequence(epoch, position), epoch);
      // A buffer of one sequence is better than none.
      if (crops.length > 0 && tokens + crop.residues + extraTokens > bufferTokens) break;
      tokens += crop.residues + extraTokens;
      crops.push(crop);
      if (++position === this.training.length) {
        position = 0;
        epoch++;
      }
    }
    return { crops, cursor: { epoch, position } };
  }

  #sequence(epoch: number, position: number): number {
    if (epoch !== this.#epoch) {
      this.#order = permutation(this.training.length, this.settings.seed, STREAM.order, epoch);
      this.#epoch = epoch;
    }
    return this.training[this.#order[position]];
  }

  #crop(sequence: number, epoch: number): Crop {
    const length = this.lengths[sequence], { maxLength, seed } = this.settings;
    if (length <= maxLength) return { sequence, from: 0, residues: length };
    const random = new PhiloxStream(seed, STREAM.crop);
    return {
      sequence,
      from: random.below(length - maxLength + 1, sequence, epoch),
      residues: maxLength,
    };
  }
}
