/** Shapes shared by test and benchmark, and what they cost. */
import { PhiloxStream } from "../philox/mod.ts";
import { type Logits, ROW_VALUES, VOCABULARY } from "./types.ts";

export interface LogProbsCase {
  name: string;
  /** Rows of the logits. */
  logitRows: number;
  /** Rows that are chosen. */
  chosen: number;
}

export const TEST_CASES: readonly LogProbsCase[] = [
  [1, 1],
  [2, 1],
  [3, 7],
  [31, 31],
  [63, 64],
  [65, 63],
  [127, 257],
  [1024, 5],
].map(([logitRows, chosen]) => ({ name: `${chosen} of [${logitRows}, 33]`, logitRows, chosen }));

/** A batch of masked sequences, and every residue of a long protein. */
export const BENCH_CASES: readonly LogProbsCase[] = [16, 1022, 16384].map((rows) => ({
  name: `[${rows}, 33]`,
  logitRows: rows,
  chosen: rows,
}));

/** Least traffic: chosen rows in, choices in, results out. */
export function bytes({ chosen }: LogProbsCase): number {
  return 4 * chosen * (VOCABULARY + 2 + ROW_VALUES);
}

/** Two exponentials with an addition each, a product and a difference, per token or letter. */
export function flops({ chosen }: LogProbsCase): number {
  return chosen * (3 * VOCABULARY + 6 * 20);
}

/** Logits spread as a trained model's are, between −spread and spread. */
export function randomLogits(rows: number, seed: number, spread: number): Logits {
  const stream = new PhiloxStream(seed);
  const data = Float32Array.from(
    { length: rows * VOCABULARY },
    (_, i) => spread * (stream.below(1 << 24, i, 0) / (1 << 23) - 1),
  );
  return { data, rows };
}

/** Rows with repeats and every reference token. */
export function randomChoices({ logitRows, chosen }: LogProbsCase, seed: number): Uint32Array {
  const stream = new PhiloxStream(seed);
  return Uint32Array.from(
    { length: 2 * chosen },
    (_, i) => i % 2 === 0 ? stream.below(logitRows, i, 1) : (i >> 1) % VOCABULARY,
  );
}
