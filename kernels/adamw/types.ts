/** What AdamW takes, on either processor. */

/** Numbers of either precision. */
export type Floats = Float32Array | Float64Array;

/** Settings of AdamW (Loshchilov & Hutter, arXiv:1711.05101). */
export interface AdamSettings {
  /** Shares of the running means that stay in a step. */
  readonly betas: readonly [first: number, second: number];
  /** Added to the root of the corrected second moment. */
  readonly epsilon: number;
  /** Share of a weight that decays, times the rate. */
  readonly decay: number;
}

/** Where a step stands and how far it goes. */
export interface AdamStep {
  /** Counts from 1. */
  readonly step: number;
  /** Learning rate. */
  readonly rate: number;
}

/** The numbers of a step that are the same for all weights. */
export interface AdamNumbers {
  /** The rate over what the first moment has of its full size. */
  readonly size: number;
  /** One over the root of what the second moment has of its full size. */
  readonly correction: number;
  /** Share of the new gradient in the first moment. */
  readonly firstShare: number;
  /** Share of its square in the second. */
  readonly secondShare: number;
  /** Added to the root of the corrected second moment. */
  readonly epsilon: number;
  /** What stays of a weight that decays. */
  readonly kept: number;
}

/** The numbers of a step. */
export function adamNumbers(
  { betas: [first, second], epsilon, decay }: AdamSettings,
  { step, rate }: AdamStep,
): AdamNumbers {
  return {
    size: rate / (1 - first ** step),
    correction: 1 / Math.sqrt(1 - second ** step),
    firstShare: 1 - first,
    secondShare: 1 - second,
    epsilon,
    kept: 1 - rate * decay,
  };
}

/** Elements of a block: those of one are all moved or not, and decay or not. */
export const BLOCK = 256;

/** Bit of a block's flag: it is moved. */
export const MOVES = 1;
/** Bit of a block's flag: its weights decay. */
export const DECAYS = 2;

/** Added to the length of a gradient before it divides, as torch has it. */
export const CLIP_EPSILON = 1e-6;
