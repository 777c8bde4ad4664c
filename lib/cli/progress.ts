/** Progress on stderr: one redrawn line on a terminal, otherwise a plain line now and then. */
import { printable } from "../errors.ts";
import { formatBytes, formatCount, formatDuration } from "./units.ts";

export interface ProgressInit {
  label: string;
  /** The count at the end; without it there is no bar and no remaining time. */
  total?: number;
  /** `bytes` are shown as MB or GB; any other unit is written as it is. */
  unit?: string;
  /** The count to start from, such as the bytes of a resumed download. */
  done?: number;
  silent?: boolean;
}

export interface ProgressOutput {
  write(text: string): void;
  terminal: boolean;
  columns(): number;
  /** Milliseconds on any clock that only goes forward. */
  now(): number;
}

/** Where progress goes unless a test says otherwise. */
const stderrOutput: ProgressOutput = {
  write: (text) => {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  },
  terminal: Deno.stderr.isTerminal(),
  columns: () => {
    try {
      return Deno.consoleSize().columns;
    } catch {
      return 80;
    }
  },
  now: () => performance.now(),
};

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;
const BAR_WIDTH = 24;

export class Progress {
  #init: ProgressInit;
  #out: ProgressOutput;
  #start: number;
  #first: number;
  #done: number;
  #shown: number;
  #open: boolean;

  constructor(init: ProgressInit, out: ProgressOutput = stderrOutput) {
    this.#init = { ...init, label: printable(init.label) };
    this.#out = out;
    this.#first = this.#done = init.done ?? 0;
    this.#start = out.now();
    // A terminal is drawn at once; a log gets its first line only when the work takes a while.
    this.#shown = out.terminal ? -Infinity : this.#start;
    this.#open = !init.silent;
    this.#draw();
  }

  /** Sets how much is done, and the total where it became known only now. */
  update(done: number, total: number | undefined = this.#init.total): void {
    // A restart from zero must not count as negative speed.
    if (done < this.#done) {
      this.#first = done;
      this.#start = this.#out.now();
    }
    this.#done = done;
    this.#init = { ...this.#init, total };
    this.#draw();
  }

  add(count: number): void {
    this.update(this.#done + count);
  }

  /** Writes a line of its own without tearing the bar. */
  note(text: string): void {
    if (!this.#open) return;
    const line = printable(text);
    this.#out.write(this.#out.terminal ? `\r\x1b[K${line}\n` : `${line}\n`);
    this.#shown = -Infinity;
    if (this.#out.terminal) this.#draw();
  }

  /** Ends the display; the last state stays visible. */
  finish(): void {
    if (!this.#open) return;
    this.#write(true);
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.finish();
  }

  #draw(): void {
    if (!this.#open) return;
    const wait = this.#out.terminal ? REDRAW_MS : PLAIN_LINE_MS;
    if (this.#out.now() - this.#shown < wait) return;
    this.#write(false);
  }

  #write(last: boolean): void {
    this.#shown = this.#out.now();
    if (!this.#out.terminal) return this.#out.write(`${this.#text(false, last)}\n`);
    const line = this.#text(true, last).slice(0, Math.max(10, this.#out.columns() - 1));
    this.#out.write(`\r\x1b[K${line}${last ? "\n" : ""}`);
  }

  #text(bar: boolean, last: boolean): string {
    const { label, total, unit } = this.#init;
    const seconds = (this.#out.now() - this.#start) / 1000;
    const rate = seconds > 0 ? (this.#done - this.#first) / seconds : 0;
    const parts = [label];
    if (total !== undefined && total > 0) {
      const share = Math.min(1, this.#done / total);
      const filled = Math.round(share * BAR_WIDTH);
      if (bar) parts.push(`[${"#".repeat(filled)}${"-".repeat(BAR_WIDTH - filled)}]`);
      parts.push(`${Math.floor(share * 100)}%`.padStart(4));
    }
    parts.push(
      unit === "bytes"
        ? total === undefined
          ? formatBytes(this.#done)
          : `${formatBytes(this.#done)} of ${formatBytes(total)}`
        : `${formatCount(this.#done)}${total === undefined ? "" : `/${formatCount(total)}`}` +
          (unit ? ` ${unit}` : ""),
    );
    if (rate > 0) parts.push(unit === "bytes" ? `${formatBytes(rate)}/s` : `${formatRate(rate)}/s`);
    if (last) parts.push(`in ${formatDuration(seconds)}`);
    else if (rate > 0 && total !== undefined && total > this.#done) {
      parts.push(`${formatDuration((total - this.#done) / rate)} left`);
    }
    return parts.join("  ");
  }
}

function formatRate(rate: number): string {
  return rate >= 100 ? formatCount(Math.round(rate)) : rate.toPrecision(2);
}
