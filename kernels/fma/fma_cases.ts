/** Shapes shared by test and benchmark, and what they cost. */
export interface FmaCase {
  name: string;
  /** N */
  elements: number;
  rounds: number;
}

export const TEST_CASES: readonly FmaCase[] = [
  [16, 1],
  [16, 0],
  [48, 7],
  [4096, 20],
  [4112, 3],
].map(([elements, rounds]) => fmaCase(elements, rounds));

/** Enough threads to fill a large GPU, and few rounds where there is none. */
export const BENCH_CASES = { large: fmaCase(2 ** 22, 8192), small: fmaCase(2 ** 16, 1024) };

function fmaCase(elements: number, rounds: number): FmaCase {
  return { name: `[${elements}] rounds=${rounds}`, elements, rounds };
}

/** Read once, written once. */
export function bytes({ elements }: FmaCase): number {
  return 8 * elements;
}

/** A multiplication and an addition per element and round. */
export function flops({ elements, rounds }: FmaCase): number {
  return 2 * elements * rounds;
}
