/** How well scores order what an assay measured (ProteinGym `performance_DMS_benchmarks.py`). */
import {
  bootstrapMeans,
  type Interval,
  intervalsOf,
  resample,
  type ResampleOptions,
  type ResampleRange,
} from "../stats/bootstrap.ts";
import { Agreement, agreementOfLabels } from "../stats/agreement.ts";
import { pearson, spearman } from "../stats/correlation.ts";
import { evenGroups } from "../stats/even_groups.ts";
import { ndcg } from "../stats/ndcg.ts";
import { type Sorted, sorted } from "../stats/sorted.ts";

/** Statistics in the order of tables. */
export const STATISTICS = ["spearman", "pearson", "auc", "mcc", "ndcg10"] as const;
/** One of {@linkcode STATISTICS}. */
export type Statistic = typeof STATISTICS[number];

export const STATISTIC_LABELS: Record<Statistic, string> = {
  spearman: "Spearman",
  pearson: "Pearson",
  auc: "AUC",
  mcc: "MCC",
  ndcg10: "NDCG@10 %",
};

export const STATISTIC_MEANINGS: Record<Statistic, string> = {
  spearman: "rank correlation, ties at their mean rank",
  pearson: "linear correlation",
  auc: "chance that a functional variant scores above one that is not",
  mcc: "Matthews correlation, variants at or above the median score called functional",
  ndcg10: "how much of the measured value the best-scored tenth collects, 1 is ideal",
};

/** Scored and measured variants; row i of each belongs together. */
export interface Samples {
  /** The model's, one a variant. */
  scores: readonly number[];
  /** The assay's. */
  measured: readonly number[];
  /** 1 functional, 0 not, {@linkcode NO_LABEL} where it is not known; absent without any label. */
  functional?: readonly number[];
}

/** What `functional` has for a variant that the assay does not call either way. */
export const NO_LABEL = NaN;

/** How scores agree with an assay. */
export interface Performance {
  /** Which variants: all, singles, multiples, or a region. */
  group: string;
  /** How many have both. */
  variants: number;
  /** How many of them the assay calls functional or not: AUC and MCC are of these. */
  labelled: number;
  /** By statistic; NaN where it is not defined. */
  values: Record<Statistic, number>;
  /** 95 % percentile bootstrap intervals. */
  intervals?: Record<Statistic, Interval>;
}

/** How intervals are made. */
export interface EvaluateOptions {
  /** Bootstrap resamples; 0 for none. */
  resamples: number;
  /** Of the resamples. */
  seed: number;
  /** Stops the work when it fires; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears of the resamples done. */
  onProgress?: (done: number) => void;
}

/** The part of the best-scored variants that NDCG looks at. */
const TOP_SHARE = 0.1;

/**
 * Statistics of one group with intervals. AUC and MCC are of the variants with a label, NaN without
 * any or with one kind only; MCC calls functional what scores at least their median, as ProteinGym
 * does.
 */
export async function evaluate(
  group: string,
  samples: Samples,
  { resamples, seed, signal, onProgress }: EvaluateOptions,
): Promise<Performance> {
  const { functional } = samples, n = samples.scores.length;
  const { score, measured } = sortedSamples(samples);
  const labelled = functional?.filter((label) => !Number.isNaN(label)).length ?? 0;
  const found = {
    group,
    variants: n,
    labelled,
    values: named(statistics(score, measured, functional)),
  };
  if (resamples === 0 || n < 2) return found;
  const asked = { resamples, seed, signal, onProgress };
  const values = await resampleTogether(samples, asked, { score, measured });
  return { ...found, intervals: named(intervalsOf(values)) };
}

/** What a thread beside this one is asked. */
export interface ResampleRequest {
  samples: Samples;
  range: ResampleRange;
  seed: number;
}

/** Both sides of samples in their order. */
interface SortedSamples {
  score: Sorted;
  measured: Sorted;
}

const sortedSamples = ({ scores, measured }: Samples): SortedSamples => ({
  score: sorted(scores),
  measured: sorted(measured),
});

/** Values of the statistics in some resamples, by statistic. */
export function resampleStatistics(
  { samples, range, seed }: ResampleRequest,
  options?: ResampleOptions,
  { score, measured }: SortedSamples = sortedSamples(samples),
): Promise<number[][]> {
  const { scores, functional } = samples;
  const agreement = new Agreement(score, measured, functional, TOP_SHARE);
  return resample(
    scores.length,
    range,
    seed,
    (counts) => agreement.statistics(counts),
    options,
  );
}

/** Drawn variants that are worth a thread: half a second's. */
const WORTH_A_THREAD = 10_000_000;

/**
 * The same of all resamples, shared out among as many threads as are worth it. A resample is its number's
 * alone, so that it does not matter who makes it.
 */
export async function resampleTogether(
  samples: Samples,
  { resamples, seed, signal, onProgress }: EvaluateOptions,
  order: SortedSamples = sortedSamples(samples),
  threads = navigator.hardwareConcurrency,
): Promise<number[][]> {
  const worth = Math.floor(resamples * samples.scores.length / WORTH_A_THREAD);
  const count = Math.max(1, Math.min(threads, worth));
  const [own, ...others] = evenGroups(resamples, count).map(([begin, end]): ResampleRequest => ({
    ...{ samples, range: { begin, end }, seed },
  }));
  using threadsOfOthers = new DisposableStack();
  const asked = others.map((request) =>
    // Where there can be no thread, this one does its part.
    inThread(request, threadsOfOthers).catch(() => resampleStatistics(request, { signal }, order))
  );
  const heard = onProgress && ((done: number) => onProgress(done * count));
  const first = resampleStatistics(own, { signal, onProgress: heard }, order);
  const parts = await Promise.all([first, ...asked]);
  return parts[0].map((_, statistic) => parts.flatMap((values) => values[statistic]));
}

function inThread(request: ResampleRequest, stack: DisposableStack): Promise<number[][]> {
  const answer = Promise.withResolvers<number[][]>();
  const worker = new Worker(new URL("./resample_worker.ts", import.meta.url), { type: "module" });
  stack.defer(() => worker.terminate());
  worker.onmessage = ({ data }: MessageEvent<number[][]>) => answer.resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    answer.reject(new Error(event.message));
  };
  worker.postMessage(request);
  return answer.promise;
}

function statistics(
  score: Sorted,
  measured: Sorted,
  functional: ArrayLike<number> | undefined,
): number[] {
  return [
    spearman(score, measured),
    pearson(score.values, measured.values),
    ...(functional ? agreementOfLabels(score, functional, undefined) : [NaN, NaN]),
    ndcg(score, measured, TOP_SHARE),
  ];
}

function named<T>(list: readonly T[]): Record<Statistic, T> {
  return Object.fromEntries(STATISTICS.map((name, i) => [name, list[i]])) as Record<Statistic, T>;
}

/** A statistic of a group of variants over several proteins. */
export interface ProteinMean {
  group: string;
  statistic: Statistic;
  /** For how many it is defined. */
  proteins: number;
  mean: number;
  /** 95 % percentile interval of the mean over resampled proteins. */
  interval?: Interval;
}

/** Means over proteins of the groups that several of them have. */
export async function summarisePerformance(
  proteins: readonly (readonly Performance[])[],
  options: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<ProteinMean[]> {
  const found: ProteinMean[] = [];
  for (const group of new Set(proteins.flat().map(({ group }) => group))) {
    const own = proteins.flatMap((groups) => groups.filter((each) => each.group === group));
    if (own.length < 2) continue;
    const columns = STATISTICS.map((name) => own.map(({ values }) => values[name]));
    const means = await bootstrapMeans(columns, options);
    STATISTICS.forEach((statistic, i) => {
      const { count, mean, interval } = means[i];
      if (count > 0) found.push({ group, statistic, proteins: count, mean, interval });
    });
  }
  return found;
}
