/** Tells people how a training goes. */
import type { CommandContext } from "../cli/context.ts";
import type { Progress } from "../cli/progress.ts";
import { formatCount } from "../cli/units.ts";

/** Lines of a whole training. */
const LINES = 20;

/**
 * Callbacks that draw the bar, and write a line over each twentieth of the training.
 *
 * @param say what a line says of the steps since the one before
 */
export function reportSteps<Report>(
  ctx: CommandContext,
  { total, unit }: { total: number; unit: string },
  say: (reports: readonly Report[]) => string,
) {
  let progress: Progress | undefined, next = total / LINES, reports: Report[] = [];
  const begin = (done: number) =>
    progress ??= ctx.progress({ label: "training", unit, total, done });
  return {
    onResume(done: number) {
      ctx.note(`Continuing after ${formatCount(done)} ${unit}.`);
      begin(done);
      next = (Math.floor(done * LINES / total) + 1) * total / LINES;
    },
    onStep(report: Report, done: number) {
      reports.push(report);
      begin(0).update(Math.min(done, total));
      if (done < next) return;
      begin(0).note(`${formatCount(done)} ${unit}: ${say(reports)}`);
      reports = [];
      while (next <= done) next += total / LINES;
    },
    finish: () => progress?.finish(),
  };
}

/** Mean of a number of each report. */
export const meanOf = <Report>(
  reports: readonly Report[],
  of: (report: Report) => number,
): number => reports.reduce((sum, report) => sum + of(report), 0) / reports.length;
