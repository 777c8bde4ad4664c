/** How scores agree with measurements, in many resamples: in the order of the scores, so that few walks do. */
import { auc, matthews, matthewsOfCounts } from "./classification.ts";
import { pearson } from "./correlation.ts";
import { ndcg } from "./ndcg.ts";
import { type Counts, median, type Sorted } from "./sorted.ts";

/** Of ranks by score: twice the rank, less n + 1, so that they are whole numbers whose mean is 0. */
interface RankSums {
  /** Σ of their squares. */
  squares: number;
  /** Σ of those of positives. */
  positiveRanks: number;
  positives: number;
}

/** Stretches of equal values that are longer than one, as [begin, end) pairs one after another. */
function tiesOf({ values, order }: Sorted): Uint32Array {
  const found: number[] = [];
  for (let begin = 0; begin < order.length;) {
    let end = begin + 1;
    while (end < order.length && values[order[end]] === values[order[begin]]) end++;
    if (end > begin + 1) found.push(begin, end);
    begin = end;
  }
  return Uint32Array.from(found);
}

/**
 * Scored and measured observations in the order of their scores, so that a resample is walked from end to
 * end. Counts of a resample are in that order, too, and their sum is the number of observations.
 */
export class Agreement {
  readonly #score: Sorted;
  readonly #measured: Sorted;
  readonly #ties: { score: Uint32Array; measured: Uint32Array };
  /** 1 positive, 0 negative, NaN where it is not known. */
  readonly #labels?: Float64Array;
  /** Whether it is known of all. */
  readonly #isLabelled: boolean;
  /** Where it is not. */
  readonly #none: Float64Array;
  /** By score, as in {@linkcode RankSums}; of the last resample. */
  readonly #ranks: Float64Array;

  /** @param share of the best-scored that NDCG looks at */
  constructor(
    { values, order }: Sorted,
    measured: Sorted,
    labels: ArrayLike<number> | undefined,
    readonly share: number,
  ) {
    const place = new Uint32Array(order.length);
    order.forEach((i, k) => place[i] = k);
    this.#score = {
      values: Float64Array.from(order, (i) => values[i]),
      order: place.slice().sort(),
    };
    this.#measured = {
      values: Float64Array.from(order, (i) => measured.values[i]),
      order: Uint32Array.from(measured.order, (i) => place[i]),
    };
    this.#ties = { score: tiesOf(this.#score), measured: tiesOf(this.#measured) };
    this.#labels = labels && Float64Array.from(order, (i) => labels[i]);
    this.#isLabelled = this.#labels?.every((label) => !Number.isNaN(label)) ?? false;
    this.#none = new Float64Array(this.#isLabelled ? 0 : order.length);
    this.#ranks = new Float64Array(order.length);
  }

  /** Spearman, Pearson, AUC, MCC at the median score, NDCG: as the functions of those names give them. */
  statistics(counts: Uint32Array): number[] {
    const byScore = this.#rankScores(counts), byMeasured = this.#rankMeasured(counts);
    const spearman = byMeasured.products / Math.sqrt(byScore.squares * byMeasured.squares);
    return [
      Math.max(-1, Math.min(1, spearman)),
      // Ranks are whole numbers, so that they tell equal values without rounding.
      byScore.squares * byMeasured.squares === 0
        ? NaN
        : pearson(this.#score.values, this.#measured.values, counts),
      ...this.#ofLabels(counts, byScore),
      ndcg(this.#score, this.#measured, this.share, counts),
    ];
  }

  /** Ranks by score, ties at their mean rank. */
  #rankScores(counts: Uint32Array): RankSums {
    const ranks = this.#ranks, n = ranks.length, ties = this.#ties.score;
    const labels = this.#isLabelled ? this.#labels! : this.#none;
    let before = 0, squares = 0, positiveRanks = 0, positives = 0;
    for (let tie = 0, i = 0; i < n; tie += 2) {
      const begin = tie < ties.length ? ties[tie] : n;
      for (; i < begin; i++) {
        const count = counts[i], rank = 2 * before + count - n, positive = count * labels[i];
        ranks[i] = rank;
        squares += count * rank * rank;
        positiveRanks += positive * rank;
        positives += positive;
        before += count;
      }
      if (tie === ties.length) break;
      const end = ties[tie + 1];
      let here = 0, positive = 0;
      for (let k = begin; k < end; k++) {
        here += counts[k];
        positive += counts[k] * labels[k];
      }
      const rank = 2 * before + here - n;
      ranks.fill(rank, begin, end);
      squares += here * rank * rank;
      positiveRanks += positive * rank;
      positives += positive;
      before += here;
      i = end;
    }
    return { squares, positiveRanks, positives };
  }

  /** Σ of the squares of ranks by measured value, and of their products with those by score. */
  #rankMeasured(counts: Uint32Array): { squares: number; products: number } {
    const ranks = this.#ranks, n = ranks.length, ties = this.#ties.measured;
    const { order } = this.#measured;
    let before = 0, squares = 0, products = 0;
    for (let tie = 0, i = 0; i < n; tie += 2) {
      const begin = tie < ties.length ? ties[tie] : n;
      for (; i < begin; i++) {
        const at = order[i], count = counts[at], rank = 2 * before + count - n;
        squares += count * rank * rank;
        products += count * rank * ranks[at];
        before += count;
      }
      if (tie === ties.length) break;
      const end = ties[tie + 1];
      let here = 0, others = 0;
      for (let k = begin; k < end; k++) {
        here += counts[order[k]];
        others += counts[order[k]] * ranks[order[k]];
      }
      const rank = 2 * before + here - n;
      squares += here * rank * rank;
      products += rank * others;
      before += here;
      i = end;
    }
    return { squares, products };
  }

  /** AUC and MCC: observations without a label count zero times. */
  #ofLabels(counts: Uint32Array, { positiveRanks, positives }: RankSums): [number, number] {
    const labels = this.#labels, n = counts.length;
    if (!labels) return [NaN, NaN];
    if (!this.#isLabelled) return agreementOfLabels(this.#score, labels, counts);
    const wins = (positiveRanks + positives * (n - positives)) / 2;
    const area = wins / (positives * (n - positives));
    if (Number.isNaN(area)) return [NaN, NaN];
    const { values } = this.#score, middle = median(this.#score, counts);
    let tn = 0, fn = 0;
    for (let i = 0; values[i] < middle; i++) {
      const positive = counts[i] * labels[i];
      fn += positive;
      tn += counts[i] - positive;
    }
    const tp = positives - fn;
    return [area, matthewsOfCounts({ tp, tn, fp: n - tp - tn - fn, fn })];
  }
}

/** AUC and MCC of the observations with a label, called positive at or above their median score; NaN of one kind only. */
export function agreementOfLabels(
  score: Sorted,
  labels: ArrayLike<number>,
  counts: Counts,
): [auc: number, mcc: number] {
  const known = Array.prototype.some.call(labels, Number.isNaN)
    ? Uint32Array.from(labels, (label, i) => Number.isNaN(label) ? 0 : counts?.[i] ?? 1)
    : counts;
  const area = auc(score, labels, known);
  // Without both labels neither statistic says anything.
  if (Number.isNaN(area)) return [NaN, NaN];
  const middle = median(score, known);
  return [area, matthews(labels, (i) => score.values[i] >= middle, known)];
}
