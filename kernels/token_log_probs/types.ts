/** What token log probabilities take and give, on either processor. */

/** Tokens of the alphabet, and the run of them that are the 20 amino acids (`lib/esm2/alphabet.ts`). */
export const VOCABULARY = 33, FIRST_LETTER = 4, LETTERS = 20;

/** Values per row of the result: 20 differences, then the two below. */
export const ROW_VALUES = LETTERS + 2;

/** Places within a row of the result. */
export const ENTROPY = LETTERS, REFERENCE_LOG_PROB = LETTERS + 1;

/** Logits in memory, f32[N, 33]. */
export interface Logits {
  /** f32[N, 33] */
  data: Float32Array;
  /** N */
  rows: number;
}

/** @throws {RangeError} unless choices is u32[R, 2] of (row of the logits, reference token) */
export function validateChoices(choices: Uint32Array, logitRows: number): void {
  if (choices.length % 2 !== 0) {
    throw new RangeError(
      `Cannot gather log probabilities as choices must be pairs: current length is ${choices.length}`,
    );
  }
  for (let i = 0; i < choices.length; i += 2) {
    const row = choices[i], token = choices[i + 1];
    if (row < logitRows && token < VOCABULARY) continue;
    throw new RangeError(
      `Cannot gather log probabilities as row and token must be below ${logitRows} and ` +
        `${VOCABULARY}: current value of choice ${i / 2} is ${row}, ${token}`,
    );
  }
}
