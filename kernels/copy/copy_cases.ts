/** Shapes shared by test and benchmark, and what they cost. */
export interface CopyCase {
  name: string;
  /** N */
  elements: number;
}

/** Whole workgroups and not, one vector, and more than one workgroup's share. */
export const TEST_CASES: readonly CopyCase[] = [4, 8, 252, 1024, 4096, 4100, 65_540].map(copyCase);

/** Far larger than a cache; the smaller one for devices where that takes long. */
export const BENCH_CASES = { large: copyCase(2 ** 25), small: copyCase(2 ** 22) };

function copyCase(elements: number): CopyCase {
  return { name: `[${elements}]`, elements };
}

/** Read once, written once. */
export function bytes({ elements }: CopyCase): number {
  return 8 * elements;
}

export function flops(_: CopyCase): number {
  return 0;
}
