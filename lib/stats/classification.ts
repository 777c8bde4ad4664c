import type { Counts, Sorted } from "./sorted.ts";

/**
 * Area under the ROC curve: the chance that a positive scores above a negative, ties counting half
 * (Mann–Whitney). NaN without both classes.
 *
 * @param positive 1 for positives, 0 for negatives
 */
export function auc(
  { values, order }: Sorted,
  positive: ArrayLike<number>,
  counts?: Counts,
): number {
  let negativesBelow = 0, positives = 0, wins = 0;
  for (let i = 0; i < order.length;) {
    let end = i, tiedPositive = 0, tiedNegative = 0;
    for (; end < order.length && values[order[end]] === values[order[i]]; end++) {
      const c = counts ? counts[order[end]] : 1;
      if (positive[order[end]]) tiedPositive += c;
      else tiedNegative += c;
    }
    wins += tiedPositive * (negativesBelow + tiedNegative / 2);
    negativesBelow += tiedNegative;
    positives += tiedPositive;
    i = end;
  }
  return wins / (positives * negativesBelow);
}

/**
 * Matthews correlation of two yes/no labels; 0 where one of them has one value only (scikit-learn's
 * convention).
 */
export function matthews(
  truth: ArrayLike<number>,
  called: (i: number) => boolean,
  counts?: Counts,
): number {
  let tp = 0, tn = 0, fp = 0, fn = 0;
  for (let i = 0; i < truth.length; i++) {
    const c = counts ? counts[i] : 1;
    if (truth[i]) called(i) ? tp += c : fn += c;
    else called(i) ? fp += c : tn += c;
  }
  return matthewsOfCounts({ tp, tn, fp, fn });
}

/** The same of true and false, positives and negatives. */
export function matthewsOfCounts(
  { tp, tn, fp, fn }: Record<"tp" | "tn" | "fp" | "fn", number>,
): number {
  const product = Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
  return product === 0 ? 0 : (tp * tn - fp * fn) / product;
}
