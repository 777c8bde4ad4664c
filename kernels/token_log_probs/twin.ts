/** Token log probabilities on the CPU, the path without a real GPU. */
import {
  ENTROPY,
  FIRST_LETTER,
  LETTERS,
  type Logits,
  REFERENCE_LOG_PROB,
  ROW_VALUES,
  validateChoices,
  VOCABULARY,
} from "./types.ts";

/**
 * What chosen rows of logits say of the 20 amino acids against a reference token.
 *
 * logits   f32[N, 33]
 * choices  u32[R, 2]   row of the logits, reference token
 * result   f32[R, 22]  log p(a) − log p(reference) of the letters L A G V … W C (tokens 4..23), then
 *                      the entropy among these letters in nats, then log p(reference), whose softmax
 *                      is over all 33 tokens
 *
 * @throws {RangeError} if a choice lies outside the logits
 */
export function tokenLogProbs({ data, rows }: Logits, choices: Uint32Array): Float32Array {
  validateChoices(choices, rows);
  const count = choices.length / 2;
  const out = new Float32Array(count * ROW_VALUES);
  for (let i = 0; i < count; i++) {
    const base = choices[2 * i] * VOCABULARY, at = i * ROW_VALUES;
    const reference = data[base + choices[2 * i + 1]];
    let largest = -Infinity, largestLetter = -Infinity;
    for (let t = 0; t < VOCABULARY; t++) {
      largest = Math.max(largest, data[base + t]);
      if (isLetter(t)) largestLetter = Math.max(largestLetter, data[base + t]);
    }
    let all = 0, letters = 0, weighted = 0;
    for (let t = 0; t < VOCABULARY; t++) {
      const logit = data[base + t];
      all += Math.exp(logit - largest);
      if (!isLetter(t)) continue;
      // From the letters' own largest: far below another token their powers would all underflow.
      const shifted = logit - largestLetter, power = Math.exp(shifted);
      letters += power;
      weighted += power * shifted;
      // Both logarithms have the same normaliser, so it is never computed here.
      out[at + t - FIRST_LETTER] = logit - reference;
    }
    out[at + ENTROPY] = Math.log(letters) - weighted / letters;
    out[at + REFERENCE_LOG_PROB] = reference - largest - Math.log(all);
  }
  return out;
}

const isLetter = (token: number) => token >= FIRST_LETTER && token < FIRST_LETTER + LETTERS;
