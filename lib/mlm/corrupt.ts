/** Which residues a masked language model must say, and what it sees instead of them. */
import { philox4x32, philoxKey } from "../../kernels/philox/mod.ts";
import { MASK } from "../esm2/alphabet.ts";

/** Label of a token that is not asked for, as in torch. */
export const IGNORED = -100;

/** First and last id of the 20 amino acids. */
const FIRST_LETTER = 4, LETTERS = 20;
/** Ids that Hugging Face's collator draws from: all of them. */
const ALL_IDS = 33;

/** How residues are chosen and hidden. */
export interface Corruption {
  /**
   * Share of residues that are asked for, or its bounds: each sequence then draws a share between them.
   * @default 0.15
   */
  share?: number | readonly [least: number, most: number];
  /** Share of these that become `<mask>`. @default 0.8 */
  masked?: number;
  /** Share of these that become a random letter; the others stay as they are. @default 0.1 */
  replaced?: number;
  /**
   * `residues`: a random letter is one of the 20. `hf`: any of the 33 tokens, as Hugging Face's collator
   * draws, so that 13 of 33 are no amino acid.
   * @default residues
   */
  letters?: "residues" | "hf";
}

/** A sequence as the model sees it, and what it is asked. */
export interface Corrupted {
  /** Token ids, of the length that came in. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** The true id where it is asked for, else {@linkcode IGNORED}. */
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Tokens that are never asked for: all but letters. */
const isResidue = (id: number) => id >= FIRST_LETTER && id <= 28;

/**
 * Hides residues of a sequence as BERT does (Devlin et al. 2019): each is chosen on its own with
 * probability `share`; of the chosen most become `<mask>`, some a random letter, some stay. Other tokens
 * are never chosen. What is drawn is a function of seed, sequence, draw and place alone.
 *
 * @param row token ids, which stay as they are
 * @param sequence which of the corpus
 * @param draw how often it has been drawn before
 */
export function corrupt(
  row: Int32Array,
  { share = 0.15, masked = 0.8, replaced = 0.1, letters = "residues" }: Corruption,
  { seed, sequence, draw }: { seed: number; sequence: number; draw: number },
): Corrupted {
  const ids = row.slice() as Int32Array<ArrayBuffer>;
  const labels = new Int32Array(row.length).fill(IGNORED);
  const words = new Uint32Array(4), key = philoxKey(seed);
  const uniform = (word: number) => word / 2 ** 32;
  let chosen = share as number;
  if (typeof share === "object") {
    philox4x32(words, sequence, draw, 0, STREAM_SHARE, key);
    chosen = share[0] + uniform(words[0]) * (share[1] - share[0]);
  }
  for (let t = 0; t < row.length; t++) {
    if (!isResidue(row[t])) continue;
    philox4x32(words, sequence, draw, t, STREAM_PLACE, key);
    if (uniform(words[0]) >= chosen) continue;
    labels[t] = row[t];
    const kind = uniform(words[1]);
    if (kind < masked) ids[t] = MASK;
    else if (kind < masked + replaced) {
      // The bias of 2^32 by 20 or 33 is below 1e-8.
      ids[t] = letters === "hf"
        ? Math.floor(uniform(words[2]) * ALL_IDS)
        : FIRST_LETTER + Math.floor(uniform(words[2]) * LETTERS);
    }
  }
  return { ids, labels };
}

/** Independent streams of one seed. */
const STREAM_PLACE = 101, STREAM_SHARE = 102;
