import { type Counts, ranks, type Sorted } from "./sorted.ts";

/** Pearson's correlation; NaN for fewer than two values or where one side is constant. */
export function pearson(x: ArrayLike<number>, y: ArrayLike<number>, counts?: Counts): number {
  const n = x.length;
  let total = 0, meanX = 0, meanY = 0;
  for (let i = 0; i < n; i++) {
    const c = counts ? counts[i] : 1;
    total += c;
    meanX += c * x[i];
    meanY += c * y[i];
  }
  meanX /= total;
  meanY /= total;
  let xx = 0, yy = 0, xy = 0;
  for (let i = 0; i < n; i++) {
    const c = counts ? counts[i] : 1, dx = x[i] - meanX, dy = y[i] - meanY;
    xx += c * dx * dx;
    yy += c * dy * dy;
    xy += c * dx * dy;
  }
  // Rounding can carry the quotient past ±1.
  return total < 2 ? NaN : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** Spearman's rank correlation with mean ranks for ties (SciPy's `spearmanr`). */
export function spearman(x: Sorted, y: Sorted, counts?: Counts): number {
  return pearson(ranks(x, counts), ranks(y, counts), counts);
}
