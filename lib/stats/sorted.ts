/** Observations put in order once, so that resamples of them (counts) need no sorting of their own. */

/** Values with their ascending order. */
export interface Sorted {
  readonly values: Float64Array;
  /** Index of the smallest value, of the next, … */
  readonly order: Uint32Array;
}

/** Sorts once. @throws {RangeError} if a value is NaN, which has no rank */
export function sorted(values: ArrayLike<number>): Sorted {
  const copy = Float64Array.from(values);
  const bad = copy.findIndex(Number.isNaN);
  if (bad >= 0) throw new RangeError(`Cannot rank values as none must be NaN: index ${bad} is`);
  const order = Uint32Array.from(copy, (_, i) => i).sort((a, b) => copy[a] - copy[b] || a - b);
  return { values: copy, order };
}

/** How often each observation counts; without it, once. */
export type Counts = ArrayLike<number> | undefined;

export function totalCount(n: number, counts: Counts): number {
  if (!counts) return n;
  let total = 0;
  for (let i = 0; i < n; i++) total += counts[i];
  return total;
}

/**
 * Ranks from 1, ties at their mean rank; an observation that counts k times is k tied ones.
 *
 * @param into array to fill instead of a new one
 */
export function ranks(
  { values, order }: Sorted,
  counts?: Counts,
  into: Float64Array = new Float64Array(values.length),
): Float64Array {
  let before = 0;
  for (let i = 0; i < order.length;) {
    let end = i, here = 0;
    for (; end < order.length && values[order[end]] === values[order[i]]; end++) {
      here += counts ? counts[order[end]] : 1;
    }
    const rank = before + (here + 1) / 2;
    for (; i < end; i++) into[order[i]] = rank;
    before += here;
  }
  return into;
}

/** The middle value; the mean of both middle ones for an even number. NaN for none. */
export function median({ values, order }: Sorted, counts?: Counts): number {
  const total = totalCount(values.length, counts);
  if (total === 0) return NaN;
  const low = Math.ceil(total / 2), high = Math.floor(total / 2) + 1;
  let seen = 0, lower = NaN;
  for (let at = 0; at < order.length; at++) {
    const i = order[at];
    seen += counts ? counts[i] : 1;
    if (Number.isNaN(lower) && seen >= low) lower = values[i];
    if (seen >= high) return (lower + values[i]) / 2;
  }
  return lower;
}
