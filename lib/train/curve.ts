/** How a training goes, in so many rows that a page can draw them, and in a line of a terminal. */
import { meanOf } from "./steps_report.ts";

/** What every training says of a step. */
export interface StepFigures {
  /** Tokens seen so far. */
  readonly tokens: number;
  readonly loss: number;
  /** Length of the gradient before it is clipped. */
  readonly norm: number;
}

/** A step, or the last of some with their means, and how fast they went. */
export type CurveRowOf<Step> = Step & { readonly tokensPerSecond: number };

/** Gathers steps into rows: means of as many as it takes. */
export class TrainingCurve<Step extends StepFigures> {
  readonly rows: CurveRowOf<Step>[] = [];
  #waiting: Step[] = [];
  #since = performance.now();

  /**
   * @param most rows of the whole training
   * @param shareOf how much of it is done after a step
   */
  constructor(readonly most: number, readonly shareOf: (step: Step) => number) {}

  add(step: Step): void {
    this.#waiting.push(step);
    // A hair's breadth, since a share of a third and two thirds need not add up.
    if (this.shareOf(step) * this.most < this.rows.length + 1 - 1e-9) return;
    const waiting = this.#waiting, now = performance.now();
    const seen = step.tokens - (this.rows.at(-1)?.tokens ?? 0);
    this.rows.push({
      ...step,
      loss: meanOf(waiting, ({ loss }) => loss),
      norm: meanOf(waiting, ({ norm }) => norm),
      tokensPerSecond: seen / (now - this.#since) * 1000,
    });
    this.#waiting = [];
    this.#since = now;
  }
}

/** Heights of a small curve. */
const BARS = "▁▂▃▄▅▆▇█";
/** Its longest. */
const MOST_BARS = 24;

/** A curve in a line: the last values between their least and largest. */
export function sparkline(values: readonly number[]): string {
  const shown = values.slice(-MOST_BARS).filter(Number.isFinite);
  const least = Math.min(...shown), most = Math.max(...shown);
  return shown.map((value) => {
    const share = most > least ? (value - least) / (most - least) : 0;
    return BARS[Math.round(share * (BARS.length - 1))];
  }).join("");
}
