/** Many proteins at once: means of their scores with bootstrap intervals. */
import { bootstrapMeans, type Interval } from "../stats/bootstrap.ts";
import { RANGES, type RangeScores } from "./types.ts";

/** What is averaged over proteins. */
export const METRICS = ["precisionL", "precisionL2", "precisionL5", "auc"] as const;
/** One of {@linkcode METRICS}. */
export type Metric = typeof METRICS[number];

/** One figure over proteins. */
export interface MetricSummary {
  /** The method, or the baseline's name. */
  predictor: string;
  /** Which separations. */
  range: RangeScores["range"];
  /** Which figure. */
  metric: Metric;
  /** Proteins for which it is defined. */
  proteins: number;
  /** Over the proteins where it is defined. */
  mean: number;
  /** 95 % percentile interval of the mean over resampled proteins. */
  interval: Interval;
}

/** One predictor's scores of every protein that it has scores for. */
export interface PredictorScores {
  predictor: string;
  scores: readonly (readonly RangeScores[])[];
}

/** Means over proteins of every predictor that scores at least two. */
export async function summariseAll(
  all: readonly PredictorScores[],
  options: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<MetricSummary[]> {
  const found: MetricSummary[] = [];
  for (const { predictor, scores } of all) {
    if (scores.length < 2) continue;
    for (const each of await summarise(scores, options)) found.push({ predictor, ...each });
  }
  return found;
}

/** Means over proteins. */
async function summarise(
  scores: readonly (readonly RangeScores[])[],
  options: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<Omit<MetricSummary, "predictor">[]> {
  const columns = RANGES.flatMap(({ name: range }, r) =>
    METRICS.map((metric) => ({ range, metric, values: scores.map((each) => each[r][metric]) }))
  );
  const means = await bootstrapMeans(columns.map(({ values }) => values), options);
  return columns.map(({ range, metric }, i) => {
    const { count: proteins, mean, interval } = means[i];
    return { range, metric, proteins, mean, interval };
  });
}
