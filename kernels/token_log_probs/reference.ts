/** Token log probabilities as they are defined: double precision, no haste. */
import { FIRST_LETTER, LETTERS, type Logits, ROW_VALUES, VOCABULARY } from "./types.ts";

/** log softmax of one row of logits over some of its tokens. */
function logSoftmax(values: number[]): number[] {
  const largest = Math.max(...values);
  const sum = values.reduce((total, x) => total + Math.exp(x - largest), 0);
  return values.map((x) => x - largest - Math.log(sum));
}

/** Per choice: log p(a) − log p(reference) of 20 letters, entropy over the letters, log p(reference). */
export function tokenLogProbsReference({ data }: Logits, choices: Uint32Array): Float64Array {
  const out: number[] = [];
  for (let i = 0; i < choices.length; i += 2) {
    const row = [...data.subarray(choices[i] * VOCABULARY, (choices[i] + 1) * VOCABULARY)];
    const all = logSoftmax(row), reference = all[choices[i + 1]];
    const letters = all.slice(FIRST_LETTER, FIRST_LETTER + LETTERS);
    const amongLetters = logSoftmax(row.slice(FIRST_LETTER, FIRST_LETTER + LETTERS));
    const entropy = -amongLetters.reduce((sum, x) => sum + Math.exp(x) * x, 0);
    out.push(...letters.map((x) => x - reference), entropy, reference);
  }
  if (out.length !== choices.length / 2 * ROW_VALUES) throw new Error("a row is incomplete");
  return Float64Array.from(out);
}
