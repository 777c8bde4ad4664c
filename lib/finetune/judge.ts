/** How good predictions are: the statistics of probes, of each set. */
import {
  difference,
  evaluate,
  type Metric,
  type MetricName,
  type Metrics,
  type Truth,
} from "../probe/evaluate.ts";
import { headlineOf, metricsOf } from "../probe/tables.ts";
import type { SetName } from "../probe/types.ts";
import { type Lesson, truthOf } from "./data.ts";

/** Judges predictions of a lesson's sets. */
export class Judge {
  /** The statistic that is chosen and spoken by. */
  readonly headline: MetricName;
  /** All statistics. */
  readonly names: readonly MetricName[];
  readonly #truths = new Map<SetName, Truth>();

  /** @param balanced whether classes weigh the same however many their members */
  constructor(readonly lesson: Lesson, balanced: boolean) {
    this.headline = headlineOf(lesson.problem, balanced);
    this.names = metricsOf(lesson.problem);
  }

  /** What is right. */
  truth(set: SetName): Truth {
    let truth = this.#truths.get(set);
    if (!truth) this.#truths.set(set, truth = truthOf(this.lesson, set));
    return truth;
  }

  /** What the learner says in the units of the labels. */
  inUnits(predicted: Float32Array): Float32Array {
    const { task, scale: { mean, sd } } = this.lesson;
    return task === "regression" ? predicted.map((x) => x * sd + mean) : predicted;
  }

  /** The headline statistic of a set. */
  async metricOf(set: SetName, predicted: Float32Array): Promise<number> {
    const found = await evaluate(this.truth(set), this.inUnits(predicted), {
      ...{ resamples: 0, seed: 0 },
    });
    return found[this.headline]!.value;
  }

  /** All statistics of the test set, with intervals over resampled proteins. */
  metrics(predicted: Float32Array, options: Resampling): Promise<Metrics> {
    return evaluate(this.truth("test"), predicted, options);
  }

  /** By how much one is better than another, over the same resampled proteins. */
  gain(own: Float32Array, other: Float32Array, options: Resampling): Promise<Metric> {
    return difference(this.truth("test"), [own, other], this.headline, options);
  }
}

interface Resampling {
  readonly resamples: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
}
