/** How often each of many unbiased integers is drawn. */
import { multiplyHigh, philox4x32, type PhiloxKey } from "./philox.ts";
import { BLOCK_WORDS, MOST_BLOCKS, philoxWords } from "./words.ts";

/**
 * Adds `draws` unbiased integers in 0 … counts.length − 1 to their counts. A draw takes one of the four words
 * of a counter by multiply-high with rejection, as `PhiloxStream.below` does; a rejected word leads to the
 * same one of the next attempt's counter.
 *
 * Draw i is word ⌊i / 4⌋ mod 4 of the counter (trial, 4 ⌊i / 16⌋ + i mod 4, attempt, stream).
 */
export function tallyBelow(
  counts: Uint32Array,
  draws: number,
  { trial, stream, key }: { trial: number; stream: number; key: PhiloxKey },
): void {
  const bound = counts.length, unfair = (0x1_0000_0000 - bound) % bound;
  const fill = philoxWords(), blocks = Math.ceil(draws / BLOCK_WORDS);
  const again = new Uint32Array(4);
  for (let firstBlock = 0; firstBlock < blocks; firstBlock += MOST_BLOCKS) {
    const first = firstBlock * BLOCK_WORDS;
    const counter = { trial, firstBlock, stream };
    const words = fill(Math.min(MOST_BLOCKS, blocks - firstBlock), counter, key);
    const rejected = tally(words, Math.min(words.length, draws - first), counts, unfair);
    for (const i of rejected) {
      const draw = Math.floor((first + i) / BLOCK_WORDS) * 4 + i % 4, which = i >>> 2 & 3;
      for (let attempt = 1;; attempt++) {
        philox4x32(again, trial, draw, attempt, stream, key);
        if (Math.imul(again[which], bound) >>> 0 < unfair) continue;
        counts[multiplyHigh(again[which], bound)]++;
        break;
      }
    }
  }
}

/** Counts words that are fair. @returns which were not */
function tally(words: Uint32Array, length: number, counts: Uint32Array, unfair: number): number[] {
  const bound = counts.length, rejected: number[] = [];
  // The upper half of word · bound is exact in doubles up to bounds of 2^21: the product then has 53 bits.
  const share = bound / 0x1_0000_0000, isExact = bound <= 2 ** 21;
  for (let i = 0; i < length; i++) {
    const word = words[i];
    if (Math.imul(word, bound) >>> 0 < unfair) rejected.push(i);
    else counts[isExact ? (word * share) >>> 0 : multiplyHigh(word, bound)]++;
  }
  return rejected;
}
