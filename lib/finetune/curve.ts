/** How a training went, in rows that a page can draw. */
import { meanOf } from "../train/steps_report.ts";
import type { CurveRow } from "./tables.ts";
import type { StepReport } from "./train.ts";
import type { Mode } from "./types.ts";

/** Rows of a training, however many its steps. */
const ROWS = 300;

/** Means of steps. */
export class CurveOf {
  readonly rows: CurveRow[] = [];
  #waiting: StepReport[] = [];
  #since = performance.now();

  /** @param steps of the whole training */
  constructor(readonly mode: Mode, readonly steps: number) {}

  add(report: StepReport): void {
    this.#waiting.push(report);
    const before = this.rows.at(-1);
    if (report.step < ((before?.step ?? 0) + this.steps / ROWS)) return;
    const now = performance.now(), waiting = this.#waiting;
    this.rows.push({
      ...{ mode: this.mode, ...report },
      loss: meanOf(waiting, ({ loss }) => loss),
      norm: meanOf(waiting, ({ norm }) => norm),
      tokensPerSecond: (report.tokens - (before?.tokens ?? 0)) / (now - this.#since) * 1000,
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
