/** The one place where the assertion library is named, plus the numeric comparison tests share. */
import assert, { strictEqual as equal } from "node:assert/strict";

// By these names: under Deno the short ones (`equal`, `deepEqual`) are the loose comparisons even here.
export { deepStrictEqual as deepEqual, match, ok, rejects, throws } from "node:assert/strict";
export { assert, equal };

export interface Tolerance {
  /** Absolute part of the tolerance, in the unit of the values. */
  atol?: number;
  /** Relative part: allowed error is `atol + rtol · |expected|`. */
  rtol?: number;
}

/**
 * Fails unless every element agrees within `atol + rtol · |expected|`; NaN agrees only with NaN.
 * The message lists the five worst elements with both values.
 */
export function allClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol = 0, rtol = 0 }: Tolerance,
  label = "values",
): void {
  equal(actual.length, expected.length, `${label}: lengths differ`);
  const bad: { i: number; excess: number }[] = [];
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i], e = expected[i];
    if (Object.is(a, e) || a === e) continue;
    const excess = Math.abs(a - e) - (atol + rtol * Math.abs(e));
    if (!(excess <= 0)) bad.push({ i, excess: Number.isNaN(excess) ? Infinity : excess });
  }
  if (bad.length === 0) return;
  bad.sort((x, y) => y.excess - x.excess);
  const worst = bad.slice(0, 5).map(({ i }) => `[${i}] ${actual[i]} expected ${expected[i]}`);
  assert.fail(
    `${label}: ${bad.length} of ${actual.length} differ by more than ${atol} + ${rtol}·|expected|\n  ` +
      worst.join("\n  "),
  );
}

/** Largest absolute difference of two equally long arrays. */
export function maxAbsDiff(a: ArrayLike<number>, b: ArrayLike<number>): number {
  equal(a.length, b.length, "lengths differ");
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i] - b[i]);
    if (!(d <= worst)) worst = d;
  }
  return worst;
}
