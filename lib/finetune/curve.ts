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
