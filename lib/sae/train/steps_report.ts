/** Tells people how a training goes. */
import type { Progress } from "../../cli/progress.ts";
import { formatCount } from "../../cli/units.ts";
import type { StepReport } from "./trainer.ts";

/** Lines of a whole training. */
const LINES = 20;

/** Callbacks that draw the bar, and write averages over each twentieth of the training. */
export function reportSteps(progress: Progress, total: number) {
  let steps = 0, loss = 0, fvu = 0, next = total / LINES;
  return {
    onResume(tokens: number) {
      progress.update(tokens);
      next = (Math.floor(tokens * LINES / total) + 1) * total / LINES;
    },
    onStep(report: StepReport, tokens: number) {
      steps++;
      loss += report.loss;
      fvu += report.fvu;
      progress.update(tokens);
      if (tokens < next) return;
      progress.note(
        `${formatCount(tokens)} tokens: loss ${(loss / steps).toFixed(4)}, ` +
          `fvu ${(fvu / steps).toFixed(4)}, ${report.dead} dead latents`,
      );
      steps = loss = fvu = 0;
      next += total / LINES;
    },
  };
}
