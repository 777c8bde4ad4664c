/** The one place that names the library of probability distributions. */
import jStat from "npm:jstat@1.9.6";
import { mean, standardDeviation } from "./moments.ts";

/**
 * One-sample t-test, alternative "the mean is less than `expected`": SciPy's
 * `ttest_1samp(values, expected, alternative="less")`.
 *
 * @returns the p-value; NaN when all values equal `expected`
 */
export function tTestMeanLess(values: ArrayLike<number>, expected: number): number {
  const n = values.length;
  const t = (mean(values) - expected) / (standardDeviation(values, 1) / Math.sqrt(n));
  if (t === Infinity) return 1;
  if (t === -Infinity) return 0;
  return jStat.studentt.cdf(t, n - 1);
}
