/** Many proteins at once: means of their scores with bootstrap intervals. */
import { bootstrap, type Interval } from "../stats/bootstrap.ts";
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

/**
 * Means over proteins. Proteins are resampled whole, so that intervals of different metrics belong
 * together.
 */
async function summarise(
  scores: readonly (readonly RangeScores[])[],
  { resamples, seed, signal }: { resamples: number; seed: number; signal?: AbortSignal },
): Promise<Omit<MetricSummary, "predictor">[]> {
  const columns = RANGES.flatMap(({ name }, r) =>
    METRICS.map((metric) => ({
      range: name,
      metric,
      values: scores.map((each) => each[r][metric]),
    }))
  );
  const meanOf = (values: readonly number[], counts?: Uint32Array) => {
    let sum = 0, n = 0;
    values.forEach((value, i) => {
      const times = counts ? counts[i] : 1;
      if (Number.isNaN(value) || times === 0) return;
      sum += times * value;
      n += times;
    });
    return sum / n;
  };
  const intervals = await bootstrap(
    scores.length,
    resamples,
    seed,
    (counts) => columns.map(({ values }) => meanOf(values, counts)),
    { signal },
  );
  return columns.map(({ range, metric, values }, i) => ({
    range,
    metric,
    proteins: values.filter((x) => !Number.isNaN(x)).length,
    mean: meanOf(values),
    interval: intervals[i],
  }));
}
