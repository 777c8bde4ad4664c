/** How good predictions are, with what resampled proteins make of it. */
import { auc } from "../stats/classification.ts";
import { bootstrap, type Interval } from "../stats/bootstrap.ts";
import {
  accuracy,
  balancedAccuracy,
  type Confusion,
  confusionOf,
  macroF1,
  matthewsOf,
} from "../stats/confusion.ts";
import { pearson, spearman } from "../stats/correlation.ts";
import { type Sorted, sorted } from "../stats/sorted.ts";

/** Statistics of classes. */
export const CLASS_METRICS = [
  "accuracy",
  "balanced_accuracy",
  "macro_f1",
  "mcc",
  "auc",
] as const;
/** Of residues also one that is a mean over proteins. */
export const RESIDUE_METRICS = [...CLASS_METRICS, "q3"] as const;
/** Statistics of numbers. */
export const NUMBER_METRICS = ["spearman", "pearson", "r2", "rmse"] as const;

/** Statistics of several classes at once, each called where its probability is above one half. */
export const SET_METRICS = ["micro_f1", "macro_f1", "auc", "exact"] as const;

/** Any of them. */
export type MetricName =
  | typeof RESIDUE_METRICS[number]
  | typeof NUMBER_METRICS[number]
  | typeof SET_METRICS[number];

/** A statistic and its 95 % bootstrap interval over proteins. */
export interface Metric extends Interval {
  /** Of the test set. */
  readonly value: number;
}

/** Statistics by name. */
export type Metrics = Partial<Record<MetricName, Metric>>;

/** Rows with their truth, and of which protein each is. */
export interface Truth {
  /** Class or number of each row; of sets 0 or 1 for each class. */
  readonly labels: Float64Array;
  /** Rows of each protein, one after another. */
  readonly rows: readonly number[];
  /** 0 for numbers. */
  readonly classes: number;
  /** Whether rows are residues. */
  readonly isResidue: boolean;
  /** Whether a row may have several of the classes. @default false */
  readonly isSets?: boolean;
}

/** The most probable class of each row; of equals the first. */
export function calledOf(probabilities: Float32Array, classes: number): Uint32Array {
  return Uint32Array.from({ length: probabilities.length / classes }, (_, r) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (probabilities[r * classes + k] > probabilities[r * classes + best]) best = k;
    }
    return best;
  });
}

/** A column of values in ascending order, with what belongs to each: read from first to last. */
interface Ranked {
  sorted: Sorted;
  positive: Uint8Array;
  /** Of which protein. */
  protein: Uint32Array;
}

/**
 * Statistics of the test set, with intervals over resampled proteins.
 *
 * @param predicted f32[n, classes] of probabilities, or f32[n] of numbers
 */
export async function evaluate(
  truth: Truth,
  predicted: Float32Array,
  { resamples, seed, signal }: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<Metrics> {
  const { rows } = truth, names = namesOf(truth), statistics = statisticsOf(truth, predicted);
  const values = statistics(), nothing = { low: NaN, high: NaN };
  const intervals = resamples === 0 ? [] : await bootstrap(
    rows.length,
    resamples,
    seed,
    statistics,
    { signal },
  );
  return Object.fromEntries(
    names.map((name, i) => [name, { value: values[i], ...intervals[i] ?? nothing }]),
  );
}

/**
 * How much better some predictions are than others of the same rows, by one statistic, with an interval
 * over resampled proteins: the same proteins for both, so that what is hard for both does not count.
 */
export async function difference(
  truth: Truth,
  [own, other]: readonly [own: Float32Array, other: Float32Array],
  name: MetricName,
  { resamples, seed, signal }: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<Metric> {
  const at = namesOf(truth).indexOf(name);
  const [first, second] = [statisticsOf(truth, own), statisticsOf(truth, other)];
  const apart = (counts?: Uint32Array) => [first(counts)[at] - second(counts)[at]];
  const [value] = apart();
  if (resamples === 0) return { value, low: NaN, high: NaN };
  const [interval] = await bootstrap(truth.rows.length, resamples, seed, apart, { signal });
  return { value, ...interval };
}

const namesOf = ({ classes, isResidue, isSets }: Truth): readonly MetricName[] =>
  isSets
    ? SET_METRICS
    : classes === 0
    ? NUMBER_METRICS
    : isResidue
    ? RESIDUE_METRICS
    : CLASS_METRICS;

/** All statistics of the rows, each protein as often as `counts` says. */
function statisticsOf(truth: Truth, predicted: Float32Array): (counts?: Uint32Array) => number[] {
  const proteinOf = Uint32Array.from(truth.rows.flatMap((count, p) => Array(count).fill(p)));
  if (truth.isSets) return setStatistics(truth, predicted, proteinOf);
  return truth.classes === 0
    ? numberStatistics(truth, predicted, proteinOf)
    : classStatistics(truth, predicted, proteinOf);
}

function classStatistics(
  truth: Truth,
  probabilities: Float32Array,
  proteinOf: Uint32Array,
): (counts?: Uint32Array) => number[] {
  const { classes, labels, rows } = truth, called = calledOf(probabilities, classes);
  const size = classes * classes;
  // A confusion of each protein: those of a resample are added up.
  const own = new Uint32Array(rows.length * size);
  labels.forEach((label, r) => own[proteinOf[r] * size + label * classes + called[r]]++);
  const areas = areasUnder(classes, proteinOf, probabilities, (r, k) => labels[r] === k);
  return (counts) => {
    const confusion = { classes, counts: new Float64Array(size) };
    let shares = 0, proteins = 0;
    for (let p = 0; p < rows.length; p++) {
      const times = counts ? counts[p] : 1;
      if (times === 0) continue;
      let right = 0;
      for (let c = 0; c < size; c++) {
        const n = own[p * size + c];
        confusion.counts[c] += times * n;
        if (c % (classes + 1) === 0) right += n;
      }
      shares += times * right / rows[p];
      proteins += times;
    }
    return [
      accuracy(confusion),
      balancedAccuracy(confusion),
      macroF1(confusion),
      matthewsOf(confusion),
      areas(counts),
      ...(truth.isResidue ? [shares / proteins] : []),
    ];
  };
}

/** Mean over the classes of the areas under their ROC curves, each against the rest. */
function areasUnder(
  classes: number,
  proteinOf: Uint32Array,
  probabilities: Float32Array,
  has: (row: number, k: number) => boolean,
): (counts?: Uint32Array) => number {
  const rows = proteinOf.length, weights = new Float64Array(rows);
  const ranked = Array.from(
    { length: classes },
    (_, k) => rank(rows, proteinOf, (r) => probabilities[r * classes + k], (r) => has(r, k)),
  );
  return (counts) =>
    meanOfDefined(ranked.map(({ sorted, positive, protein }) => {
      if (!counts) return auc(sorted, positive);
      for (let i = 0; i < weights.length; i++) weights[i] = counts[protein[i]];
      return auc(sorted, positive, weights);
    }));
}

function meanOfDefined(values: readonly number[]): number {
  const defined = values.filter((value) => !Number.isNaN(value));
  return defined.reduce((sum, value) => sum + value, 0) / defined.length;
}

/** Of several classes at once, each called where its probability is above one half. */
function setStatistics(
  { classes, labels }: Truth,
  probabilities: Float32Array,
  proteinOf: Uint32Array,
): (counts?: Uint32Array) => number[] {
  const areas = areasUnder(
    classes,
    proteinOf,
    probabilities,
    (r, k) => labels[r * classes + k] === 1,
  );
  return (counts) => {
    const right = new Float64Array(classes), called = right.slice(), members = right.slice();
    let exact = 0, all = 0;
    proteinOf.forEach((protein, r) => {
      const times = counts ? counts[protein] : 1;
      let isExact = true;
      for (let k = 0; k < classes; k++) {
        const is = labels[r * classes + k] === 1, call = probabilities[r * classes + k] > 0.5;
        if (is) members[k] += times;
        if (call) called[k] += times;
        if (is && call) right[k] += times;
        if (is !== call) isExact = false;
      }
      if (isExact) exact += times;
      all += times;
    });
    const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
    // Of a class that neither is nor was called nothing is known.
    const f1 = (right: number, calls: number, of: number) =>
      calls + of === 0 ? NaN : 2 * right / (calls + of);
    return [
      f1(sum(right), sum(called), sum(members)),
      meanOfDefined(Array.from(right, (n, k) => f1(n, called[k], members[k]))),
      areas(counts),
      exact / all,
    ];
  };
}

function rank(
  count: number,
  proteinOf: Uint32Array,
  valueOf: (row: number) => number,
  isPositive: (row: number) => boolean,
): Ranked {
  const { order, values } = sorted(Float64Array.from({ length: count }, (_, r) => valueOf(r)));
  return {
    sorted: {
      values: Float64Array.from(order, (r) => values[r]),
      order: Uint32Array.from(order, (_, i) => i),
    },
    positive: Uint8Array.from(order, (r) => Number(isPositive(r))),
    protein: Uint32Array.from(order, (r) => proteinOf[r]),
  };
}

function numberStatistics(
  { labels }: Truth,
  predicted: Float32Array,
  proteinOf: Uint32Array,
): (counts?: Uint32Array) => number[] {
  const truth = sorted(labels),
    guess = sorted(predicted),
    weights = new Float64Array(labels.length);
  return (counts) => {
    if (counts) { for (let r = 0; r < labels.length; r++) weights[r] = counts[proteinOf[r]]; }
    const own = counts ? weights : undefined;
    const { r2, rmse } = errorsOf(labels, predicted, own);
    return [
      spearman(truth, guess, own),
      pearson(labels, predicted, own),
      r2,
      rmse,
    ];
  };
}

/** R² against the mean of the rows themselves, and the root of the mean squared error. */
export function errorsOf(
  labels: ArrayLike<number>,
  predicted: ArrayLike<number>,
  weights?: ArrayLike<number>,
): { r2: number; rmse: number } {
  let total = 0, mean = 0;
  for (let r = 0; r < labels.length; r++) {
    const w = weights ? weights[r] : 1;
    total += w;
    mean += w * labels[r];
  }
  mean /= total;
  let residual = 0, spread = 0;
  for (let r = 0; r < labels.length; r++) {
    const w = weights ? weights[r] : 1;
    residual += w * (labels[r] - predicted[r]) ** 2;
    spread += w * (labels[r] - mean) ** 2;
  }
  return { r2: 1 - residual / spread, rmse: Math.sqrt(residual / total) };
}

/** The confusion of all rows. */
export const confusionOfTest = (
  { labels, classes }: Truth,
  probabilities: Float32Array,
): Confusion => confusionOf(classes, labels, calledOf(probabilities, classes));
