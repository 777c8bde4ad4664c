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
