/** What of the model's answer is explained: a number read from the logits of some tokens. */
import { quote, UserError } from "../errors.ts";
import { tokenOf } from "../variants/letters.ts";
import type { Substitution } from "../variants/types.ts";

/** Tokens of the alphabet. */
const VOCABULARY = 33;

/** One token whose logits are read: log p(plus) − log p(minus), or log p(plus) alone. */
export interface Read {
  /** Token of the sequence, `<cls>` is 0. */
  token: number;
  /** Letters as tokens of the alphabet. */
  plus: number;
  /** Token whose log probability or logit is subtracted. */
  minus?: number;
}

/** The sum of its reads. */
export type Metric = readonly Read[];

/** How a metric is made of a mutation. */
export type MetricKind =
  | { kind: "difference" }
  | { kind: "wild-type" }
  | { kind: "mutant" }
  | { kind: "pair"; plus: string; minus: string };

/** Names that {@link parseMetric} knows besides pairs of letters. */
export const METRICS = ["difference", "wild-type", "mutant"] as const;

/**
 * Reads `difference` (log p(mutant) − log p(wild type)), `wild-type` or `mutant` (log p of that letter),
 * or a pair of letters such as `L-A` (log p(L) − log p(A)).
 *
 * @throws {UserError} for anything else
 */
export function parseMetric(text: string, flag = "--metric"): MetricKind {
  const name = METRICS.find((each) => each === text);
  if (name) return { kind: name };
  const pair = /^([A-Z])-([A-Z])$/i.exec(text);
  const [plus, minus] = pair?.slice(1).map((letter) => letter.toUpperCase()) ?? [];
  if (pair && tokenOf(plus) !== undefined && tokenOf(minus) !== undefined) {
    return { kind: "pair", plus, minus };
  }
  throw new UserError(
    `Cannot read ${flag} as it must be one of ${METRICS.join(", ")} or two letters such as L-A: ` +
      `current value is ${quote(text)}`,
  );
}

/** The metric of a variant: summed over its substitutions. */
export function metricOf(substitutions: readonly Substitution[], metric: MetricKind): Metric {
  return substitutions.map(({ position, from, to }) => {
    const read = (plus: string, minus?: string) => ({
      token: position,
      plus: tokenOf(plus)!,
      ...(minus !== undefined && { minus: tokenOf(minus)! }),
    });
    if (metric.kind === "pair") return read(metric.plus, metric.minus);
    if (metric.kind === "wild-type") return read(from);
    return metric.kind === "mutant" ? read(to) : read(to, from);
  });
}

/**
 * The metric's value.
 *
 * @param logits f32[reads, 33], one row per read
 */
export function metricValue(metric: Metric, logits: Float32Array): number {
  return metric.reduce((sum, { plus, minus }, i) => {
    const row = logits.subarray(i * VOCABULARY, (i + 1) * VOCABULARY);
    // Both logarithms of a difference have the same normaliser.
    return sum + (minus === undefined ? row[plus] - logSum(row) : row[plus] - row[minus]);
  }, 0);
}

/** Whether the metric is a sum of differences of logits, so that its gradient is the same everywhere. */
export const isLinear = (metric: Metric): boolean =>
  metric.every(({ minus }) => minus !== undefined);

/** d metric / d logits, f32[reads, 33]. */
export function metricGradient(metric: Metric, logits: Float32Array): Float32Array {
  const gradient = new Float32Array(metric.length * VOCABULARY);
  metric.forEach(({ plus, minus }, i) => {
    const at = i * VOCABULARY;
    if (minus === undefined) {
      const row = logits.subarray(at, at + VOCABULARY), normaliser = logSum(row);
      row.forEach((logit, t) => gradient[at + t] = -Math.exp(logit - normaliser));
    } else {
      gradient[at + minus] -= 1;
    }
    gradient[at + plus] += 1;
  });
  return gradient;
}

function logSum(row: Float32Array): number {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (const logit of row) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}
