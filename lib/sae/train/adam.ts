/** The Adam optimiser (Kingma & Ba 2015, arXiv:1412.6980) without weight decay. */
import { PARAMETER_NAMES, type Parameters } from "./parameters.ts";

const BETA1 = 0.9, BETA2 = 0.999, EPSILON = 1e-8;

/** Running means of the gradient and of its square. */
export interface Moments {
  readonly first: Parameters;
  readonly second: Parameters;
}

/** Moves the weights against the gradient; `step` counts from 1. */
export function adamStep(
  weights: Parameters,
  gradient: Parameters,
  { first, second }: Moments,
  step: number,
  learningRate: number,
): void {
  const size = learningRate / (1 - BETA1 ** step);
  const correction = 1 / Math.sqrt(1 - BETA2 ** step);
  for (const name of PARAMETER_NAMES) {
    const w = weights[name], g = gradient[name], m = first[name], v = second[name];
    for (let i = 0; i < w.length; i++) {
      const slope = g[i];
      const mean = m[i] = m[i] + (1 - BETA1) * (slope - m[i]);
      const square = v[i] = v[i] + (1 - BETA2) * (slope * slope - v[i]);
      w[i] -= size * mean / (Math.sqrt(square) * correction + EPSILON);
    }
  }
}

/** Shortens the gradient to length `limit` where it is longer; returns its length before. */
export function clip(gradient: Parameters, limit: number): number {
  let squares = 0;
  for (const name of PARAMETER_NAMES) {
    const g = gradient[name];
    for (let i = 0; i < g.length; i++) squares += g[i] * g[i];
  }
  const length = Math.sqrt(squares);
  if (length > limit) {
    const factor = limit / length;
    for (const name of PARAMETER_NAMES) {
      const g = gradient[name];
      for (let i = 0; i < g.length; i++) g[i] *= factor;
    }
  }
  return length;
}

/**
 * The learning rate at a share of the training, 0 … 1: rises linearly over the first `warmUp`, falls
 * linearly to zero over the last `decay`.
 */
export function learningRateAt(
  share: number,
  { learningRate, warmUp, decay }: { learningRate: number; warmUp: number; decay: number },
): number {
  const rise = warmUp > 0 ? share / warmUp : 1;
  const fall = decay > 0 ? (1 - share) / decay : 1;
  return learningRate * Math.max(0, Math.min(1, rise, fall));
}
