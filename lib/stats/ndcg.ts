import { type Counts, type Sorted, totalCount } from "./sorted.ts";

/**
 * Normalised discounted cumulative gain of the best-scored share (ProteinGym's NDCG@10 %).
 *
 * The gain of an observation is its measured value scaled to 0..1 (min–max over all), its discount
 * log2(rank + 1), for ranks up to ⌊share · n⌋. Tied scores share the discounts of their ranks, as in
 * scikit-learn, so that the result does not hang on the order of the input. NaN when no rank counts
 * or all values are equal.
 */
export function ndcg(score: Sorted, truth: Sorted, share: number, counts?: Counts): number {
  const n = totalCount(score.values.length, counts);
  const last = Math.floor(n * share);
  const [low, high] = extremes(truth, counts);
  if (last < 1 || !(high > low)) return NaN;
  const gain = (i: number) => (truth.values[i] - low) / (high - low);
  const discounts = cumulativeDiscounts(last);
  return dcg(score, gain, discounts, counts) / dcg(truth, gain, discounts, counts);
}

/** Smallest and largest value that counts. */
function extremes({ values, order }: Sorted, counts?: Counts): [number, number] {
  const counted = (i: number) => !counts || counts[i] > 0;
  const first = order.find(counted), last = order.findLast(counted);
  return first === undefined ? [NaN, NaN] : [values[first], values[last!]];
}

/** Those of the largest number of ranks so far: resamples ask for the same again and again. */
let discounts = new Float64Array(1);

/** Sum of 1 / log2(rank + 1) over ranks 1..r, at r. */
function cumulativeDiscounts(last: number): Float64Array {
  if (discounts.length <= last) {
    const sums = new Float64Array(last + 1);
    for (let rank = 1; rank <= last; rank++) sums[rank] = sums[rank - 1] + 1 / Math.log2(rank + 1);
    discounts = sums;
  }
  return discounts.subarray(0, last + 1);
}

function dcg(
  { values, order }: Sorted,
  gain: (i: number) => number,
  discounts: Float64Array,
  counts?: Counts,
): number {
  const last = discounts.length - 1;
  let rank = 0, sum = 0;
  for (let i = order.length - 1; i >= 0 && rank < last;) {
    const value = values[order[i]];
    let here = 0, gains = 0;
    do {
      const at = order[i], c = counts ? counts[at] : 1;
      here += c;
      gains += c * gain(at);
      i--;
    } while (i >= 0 && values[order[i]] === value);
    const end = Math.min(last, rank + here);
    // Of none nothing is gained; to branch for them costs more.
    sum += gains / Math.max(1, here) * (discounts[end] - discounts[rank]);
    rank += here;
  }
  return sum;
}
