/** What is minimised, as Hugging Face's models for each kind of problem have it, in double precision. */
import type { Task } from "./types.ts";

/** How logits are judged. */
export interface LossSpec {
  readonly task: Task;
  readonly outputs: number;
  /** Factor of each class's loss (of several at once: of its members' loss). @default 1 */
  readonly classWeights?: ArrayLike<number>;
}

const weightOf = ({ classWeights }: LossSpec, k: number) => classWeights ? classWeights[k] : 1;

/**
 * What the sum over rows is divided by to give the mean: rows, or their weights (as torch divides weighted
 * cross-entropies); of several classes at once rows × classes.
 *
 * @param targets of all rows
 */
export function lossUnits(spec: LossSpec, targets: ArrayLike<number>): number {
  if (spec.task === "regression" || spec.task === "multilabel" || !spec.classWeights) {
    return targets.length;
  }
  let sum = 0;
  for (let i = 0; i < targets.length; i++) sum += weightOf(spec, targets[i]);
  return sum;
}

/**
 * Σ loss, in nats or squared units, and dS/d(logits) of S = scale · Σ loss in place of the logits
 * f32[R, outputs].
 *
 * @param targets class or number of each row; of several classes at once 0 or 1 for each entry
 */
export function lossInPlace(
  spec: LossSpec,
  logits: Float32Array,
  targets: ArrayLike<number>,
  scale: number,
): number {
  const { task, outputs } = spec;
  let sum = 0;
  if (task === "regression") {
    for (let r = 0; r < logits.length; r++) {
      const error = logits[r] - targets[r];
      sum += error * error;
      logits[r] = 2 * scale * error;
    }
    return sum;
  }
  if (task === "multilabel") {
    for (let i = 0; i < logits.length; i++) {
      const z = logits[i], y = targets[i], weight = y === 0 ? 1 : weightOf(spec, i % outputs);
      const signed = y === 0 ? z : -z;
      sum += weight * (Math.max(0, signed) + Math.log1p(Math.exp(-Math.abs(z))));
      logits[i] = scale * weight * (1 / (1 + Math.exp(-z)) - y);
    }
    return sum;
  }
  for (let r = 0; r * outputs < logits.length; r++) {
    const own = logits.subarray(r * outputs, (r + 1) * outputs);
    const label = targets[r], weight = weightOf(spec, label);
    let largest = -Infinity, total = 0;
    for (const x of own) largest = Math.max(largest, x);
    for (const x of own) total += Math.exp(x - largest);
    sum += weight * (largest + Math.log(total) - own[label]);
    for (let k = 0; k < outputs; k++) {
      own[k] = scale * weight * (Math.exp(own[k] - largest) / total - Number(k === label));
    }
  }
  return sum;
}

/** What logits say, in their place: probabilities of classes, each for itself where several may be, or numbers. */
export function predictInPlace({ task, outputs }: LossSpec, logits: Float32Array): Float32Array {
  if (task === "regression") return logits;
  if (task === "multilabel") {
    for (let i = 0; i < logits.length; i++) logits[i] = 1 / (1 + Math.exp(-logits[i]));
    return logits;
  }
  for (let at = 0; at < logits.length; at += outputs) {
    const own = logits.subarray(at, at + outputs);
    let largest = -Infinity, total = 0;
    for (const x of own) largest = Math.max(largest, x);
    const powers = Array.from(own, (x) => Math.exp(x - largest));
    for (const power of powers) total += power;
    powers.forEach((power, k) => own[k] = power / total);
  }
  return logits;
}
