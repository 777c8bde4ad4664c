/** Tells people how a training goes. */
import type { CommandContext } from "../../cli/context.ts";
import type { Progress } from "../../cli/progress.ts";
import { formatCount } from "../../cli/units.ts";
import type { StepReport } from "./trainer.ts";

/** Lines of a whole training. */
const LINES = 20;

/** Callbacks that draw the bar, and write averages over each twentieth of the training. */
export function reportSteps(ctx: CommandContext, total: number) {
  let progress: Progress | undefined, steps = 0, loss = 0, fvu = 0, next = total / LINES;
  const begin = (done: number) =>
    progress ??= ctx.progress({ label: "training", unit: "tokens", total, done });
  return {
    onResume(tokens: number) {
      ctx.note(`Continuing after ${formatCount(tokens)} tokens.`);
      begin(tokens);
      next = (Math.floor(tokens * LINES / total) + 1) * total / LINES;
    },
    onStep(report: StepReport, tokens: number) {
      steps++;
      loss += report.loss;
      fvu += report.fvu;
      begin(0).update(tokens);
      if (tokens < next) return;
      begin(0).note(
        `${formatCount(tokens)} tokens: loss ${(loss / steps).toFixed(4)}, ` +
          `fvu ${(fvu / steps).toFixed(4)}, ${report.dead} dead latents`,
      );
      steps = loss = fvu = 0;
      next += total / LINES;
    },
    finish: () => progress?.finish(),
  };
}
