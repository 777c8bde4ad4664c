/** The optimiser Adam (Kingma & Ba 2015, arXiv:1412.6980) with decoupled decay (arXiv:1711.05101). */
import { type Arrays, zerosLike } from "./arrays.ts";

/** Where and how far a step goes. */
export interface Step {
  /** Counts from 1. */
  readonly step: number;
  /** What a schedule gives for it. */
  readonly learningRate: number;
}

/** Running means of the gradient and of its square. */
export type Moments<A extends Arrays = Arrays> = { readonly first: A; readonly second: A };

/** Moves parameters against gradients; its memory are named arrays and nothing else. */
export interface Optimiser {
  /** The memory before the first step. */
  init<A extends Arrays>(parameters: A): Moments<A>;
  /** One step, in place. Parameters that have no gradient stay as they are. */
  update(parameters: Arrays, gradients: Arrays, state: Moments, step: Step): void;
}

export interface AdamOptions {
  /** Shares of the running means that stay in a step. @default [0.9, 0.999] */
  betas?: readonly [first: number, second: number];
  /** Added to the root of the corrected second moment. @default 1e-8 */
  epsilon?: number;
  /** Share of a weight that decays, times the learning rate, apart from the gradient. @default 0 */
  decay?: number;
  /** Which parameters decay; biases and gains should not. @default all */
  decays?(name: string): boolean;
}

/** Adam as torch's AdamW has it: decay before the step, both moments corrected for their start at zero. */
export function adamw(
  { betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8, decay = 0, decays = () => true }:
    AdamOptions = {},
): Optimiser {
  return {
    init: (parameters) => ({ first: zerosLike(parameters), second: zerosLike(parameters) }),
    update(parameters, gradients, { first, second }, { step, learningRate }) {
      const size = learningRate / (1 - beta1 ** step);
      const correction = 1 / Math.sqrt(1 - beta2 ** step);
      for (const [name, g] of Object.entries(gradients)) {
        const w = parameters[name], m = first[name], v = second[name];
        const kept = decays(name) ? 1 - learningRate * decay : 1;
        for (let i = 0; i < w.length; i++) {
          const slope = g[i];
          const mean = m[i] = m[i] + (1 - beta1) * (slope - m[i]);
          const square = v[i] = v[i] + (1 - beta2) * (slope * slope - v[i]);
          w[i] = w[i] * kept - size * mean / (Math.sqrt(square) * correction + epsilon);
        }
      }
    },
  };
}
