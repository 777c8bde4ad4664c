/** The result in a sentence. */
import type { Finding } from "../../report/page.ts";
import { fixed, percent } from "../../report/client/numbers.js";
import type { Metric, MetricName } from "../evaluate.ts";
import { KIND_NAMES } from "../features.ts";
import { METRIC_NAMES, type ProbeRow, rowName } from "../tables.ts";
import type { Problem } from "../types.ts";

/** What a sentence is made of. */
export interface Answer {
  readonly problem: Pick<Problem, "per" | "kind" | "classes">;
  /** The model's best by the validation set. */
  readonly chosen: ProbeRow;
  /** The baseline that does best on the test set. */
  readonly baseline?: ProbeRow;
  /** By how much the chosen one is better, over the same resampled proteins. */
  readonly gain?: Metric;
  readonly headline: MetricName;
}

/** Statistics that are shares. */
const SHARES: readonly MetricName[] = ["accuracy", "balanced_accuracy", "q3", "exact"];

/** A statistic as people read it. */
export const figureText = (name: MetricName, value: number): string =>
  SHARES.includes(name) ? percent(value, 1) : fixed(value, 3);

/** A statistic with its interval. @param lead before the interval */
export function withInterval(name: MetricName, { value, low, high }: Metric, lead = ""): string {
  const say = (x: number) => figureText(name, x);
  return `${say(value)}${Number.isNaN(low) ? "" : ` (${lead}${say(low)} to ${say(high)})`}`;
}

/** A difference of shares is in points, not in per cent of one of them. */
export function differenceText(name: MetricName, { value, low, high }: Metric): string {
  const isShare = SHARES.includes(name);
  const say = (x: number) => isShare ? fixed(100 * x, 1) : fixed(x, 3);
  const interval = Number.isNaN(low) ? "" : ` (${say(low)} to ${say(high)})`;
  return `${say(value)}${isShare ? " points" : ""}${interval}`;
}

/** How the model's probe stands to the baseline, by the interval of their difference. */
export function standing({ low, high }: Metric): "above" | "below" | "open" {
  if (low > 0) return "above";
  if (high < 0) return "below";
  return "open";
}

/** What the best layer tells, against the best baseline. */
export function answerOf({ problem, chosen, baseline, gain, headline }: Answer): string {
  const own = chosen.metrics[headline]!, name = rowName(chosen);
  const whom = problem.per === "protein" ? "unseen proteins" : "residues of unseen proteins";
  const figure = withInterval(headline, own, "95 % interval ");
  // Latents are many.
  const s = chosen.kind === "sae" ? "" : "s";
  const tells = problem.kind === "numbers"
    ? `predict${s} the numbers of ${whom} with a rank correlation of ${figure}`
    : headline === "balanced_accuracy"
    ? `tell${s} the ${problem.classes.length} classes of ${whom} with a balanced accuracy of ${figure}`
    : `give${s} the right one of ${problem.classes.length} classes for ${figure} of ${whom}`;
  const subject = `${name[0].toUpperCase()}${name.slice(1)} ${tells}`;
  if (!baseline || !gain) return `${subject}; it was compared with no baseline.`;
  const other = baseline.metrics[headline]!;
  const against = `the best baseline, ${baselineName(baseline)}: ${withInterval(headline, other)}`;
  const found = standing(gain);
  return `${subject}, ${
    found === "above" ? "more than" : found === "below" ? "less than" : "not clearly different from"
  } ${against}; on the same proteins the difference is ${differenceText(headline, gain)}.`;
}

/** A baseline in a sentence. */
const baselineName = (row: ProbeRow): string =>
  row.kind === "majority"
    ? "the most common class"
    : row.kind === "random"
    ? `${KIND_NAMES.random} at ${rowName({ kind: "layer", layer: row.layer })}`
    : rowName(row);

/** The answer and how it was found. */
export function finding(answer: Answer, split: string): Finding {
  const { chosen, problem, headline } = answer;
  const others = (["mcc", "macro_f1", "r2"] as const).flatMap((name) => {
    const metric = chosen.metrics[name];
    return metric ? [`${METRIC_NAMES[name]} ${fixed(metric.value, 3)}`] : [];
  });
  const isClasses = problem.kind === "classes";
  return {
    answer: answerOf(answer),
    method:
      `A ${isClasses ? "logistic" : "ridge"} regression on the frozen model; the validation ` +
      `set chose layer and penalty (${isClasses ? METRIC_NAMES[headline] : "R²"} ${
        fixed(chosen.validation, 3)
      } there). On the test set ${others.join(", ")}. Split: ${split}.`,
  };
}
