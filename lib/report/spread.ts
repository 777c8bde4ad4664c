import { quantile } from "../stats/bootstrap.ts";

export interface Spread {
  mean: number;
  median: number;
  /** Ends of the middle half. */
  low: number;
  high: number;
  count: number;
}

/** Where values lie; NaN is left out. */
export function spreadOf(values: readonly number[]): Spread {
  const known = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  return {
    mean: known.reduce((a, b) => a + b, 0) / known.length,
    median: quantile(known, 0.5),
    low: quantile(known, 0.25),
    high: quantile(known, 0.75),
    count: known.length,
  };
}
