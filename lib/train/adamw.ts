/** The optimiser Adam (Kingma & Ba 2015, arXiv:1412.6980) with decoupled decay (arXiv:1711.05101). */
import { adamNumbers, adamwStep } from "../../kernels/adamw/mod.ts";
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
  /**
   * One step, in place. Parameters that have no gradient stay as they are.
   *
   * @param factor of the gradients, which are clipped by it. @default 1
   */
  update(
    parameters: Arrays,
    gradients: Arrays,
    state: Moments,
    step: Step,
    factor?: number,
  ): void;
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
  { betas = [0.9, 0.999], epsilon = 1e-8, decay = 0, decays = () => true }: AdamOptions = {},
): Optimiser {
  return {
    init: (parameters) => ({ first: zerosLike(parameters), second: zerosLike(parameters) }),
    update(parameters, gradients, { first, second }, { step, learningRate }, factor = 1) {
      const numbers = adamNumbers({ betas, epsilon, decay }, { step, rate: learningRate });
      for (const [name, g] of Object.entries(gradients)) {
        adamwStep(parameters[name], g, first[name], second[name], numbers, factor, decays(name));
      }
    },
  };
}
