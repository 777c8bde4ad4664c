/** How the learning rate moves with the share of a training that is done, 0 … 1. */

/** The learning rate at a share. */
export type Schedule = (share: number) => number;

const clamp = (value: number) => Math.max(0, Math.min(1, value));
const rise = (share: number, warmUp: number) => warmUp > 0 ? share / warmUp : 1;

/** The same all the way, after a linear rise over the first `warmUp` of the training. */
export const constant = (rate: number, warmUp = 0): Schedule => linear(rate, { warmUp });

/** Rises linearly over the first `warmUp`, falls linearly to zero over the last `decay`. */
export function linear(
  rate: number,
  { warmUp = 0, decay = 0 }: { warmUp?: number; decay?: number },
): Schedule {
  return (share) => {
    const fall = decay > 0 ? (1 - share) / decay : 1;
    return rate * clamp(Math.min(rise(share, warmUp), fall));
  };
}

/** Rises linearly over the first `warmUp`, then falls by half a cosine to `floor` of the rate. */
export function cosine(
  rate: number,
  { warmUp = 0, floor = 0 }: { warmUp?: number; floor?: number } = {},
): Schedule {
  return (share) => {
    if (share < warmUp) return rate * rise(share, warmUp);
    const done = warmUp < 1 ? clamp((share - warmUp) / (1 - warmUp)) : 0;
    return rate * (floor + (1 - floor) * (1 + Math.cos(Math.PI * done)) / 2);
  };
}

/** How steps are counted: Hugging Face's first step of a warm-up is at its beginning, with a rate of 0. */
export type StepCounting = "hf" | "plus_one";

/**
 * The share of the largest rate in each step (from 0), by numbers of steps: a linear rise over `warmUp` of
 * `steps`, then a fall to zero, as Hugging Face's schedules of these names.
 */
export function stepRates(
  form: "linear" | "cosine",
  { steps, warmUp, counting = "hf" }: {
    steps: number;
    warmUp: number;
    /** @default hf */
    counting?: StepCounting;
  },
): (step: number) => number {
  const share = steps > 0 ? warmUp / steps : 0, first = counting === "hf" ? 0 : 1;
  const schedule = form === "linear"
    ? linear(1, { warmUp: share, decay: 1 - share })
    : cosine(1, { warmUp: share });
  return (step) => schedule((step + first) / steps);
}
