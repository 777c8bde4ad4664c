/** What the pooling of rows takes, on either processor. */

/** How the rows of a range become one: their weighted mean, or the largest value of each column. */
export type RowPool = "mean" | "largest";

/** Rows `begin` to `end` (exclusive) of a matrix. */
export type RowRange = readonly [begin: number, end: number];

/** @throws {RangeError} unless every range has a row and lies within the matrix */
export function validateRanges(ranges: readonly RowRange[], rows: number): void {
  const wrong = ranges.find(([begin, end]) => !(begin >= 0 && begin < end && end <= rows));
  if (!wrong) return;
  throw new RangeError(
    `Cannot pool rows as a range must have a row and lie in 0..${rows}: ` +
      `current value is ${wrong.join("..")}`,
  );
}

/** @throws {RangeError} unless there is a weight for every row */
export function validateWeights(weights: ArrayLike<number> | undefined, rows: number): void {
  if (!weights || weights.length === rows) return;
  throw new RangeError(
    `Cannot pool rows as there must be ${rows} weights: current value is ${weights.length}`,
  );
}
