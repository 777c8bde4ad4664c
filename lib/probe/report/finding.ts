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
  readonly headline: MetricName;
}

/** A statistic as people read it. */
export const figureText = (name: MetricName, value: number): string =>
  ["accuracy", "balanced_accuracy", "q3"].includes(name) ? percent(value, 1) : fixed(value, 3);

function withInterval(name: MetricName, { value, low, high }: Metric, lead = ""): string {
  const say = (x: number) => figureText(name, x);
  return `${say(value)}${Number.isNaN(low) ? "" : ` (${lead}${say(low)} to ${say(high)})`}`;
}

/** How the model's probe stands to the baseline, by their intervals alone. */
export function standing(own: Metric, other: Metric): "above" | "below" | "open" {
  if (own.low > other.high) return "above";
  if (own.high < other.low) return "below";
  return "open";
}

/** What the best layer tells, against the best baseline. */
export function answerOf({ problem, chosen, baseline, headline }: Answer): string {
  const own = chosen.metrics[headline]!, name = rowName(chosen);
  const whom = problem.per === "protein" ? "unseen proteins" : "residues of unseen proteins";
  const figure = withInterval(headline, own, "95 % interval ");
  const tells = problem.kind === "numbers"
    ? `predicts the numbers of ${whom} with a rank correlation of ${figure}`
    : headline === "balanced_accuracy"
    ? `tells the ${problem.classes.length} classes of ${whom} with a balanced accuracy of ${figure}`
    : `gives the right one of ${problem.classes.length} classes for ${figure} of ${whom}`;
  const subject = `${name[0].toUpperCase()}${name.slice(1)} ${tells}`;
  if (!baseline) return `${subject}; it was compared with no baseline.`;
  const other = baseline.metrics[headline]!;
  const against = `the best baseline, ${baselineName(baseline)}: ${withInterval(headline, other)}`;
  const found = standing(own, other);
  return `${subject}, ${
    found === "above" ? "more than" : found === "below" ? "less than" : "not clearly different from"
  } ${against}.`;
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
