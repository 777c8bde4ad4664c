/** The result in a sentence. */
import { fixed } from "../../report/client/numbers.js";
import type { Finding } from "../../report/page.ts";
import type { MetricName } from "../../probe/evaluate.ts";
import { differenceText, figureText, standing, withInterval } from "../../probe/report/finding.ts";
import { METRIC_NAMES } from "../../probe/tables.ts";
import type { Lesson } from "../data.ts";
import type { ModeRow } from "../tables.ts";
import type { Mode } from "../types.ts";

/** What a sentence is made of. */
export interface Answer {
  readonly lesson: Pick<Lesson, "task"> & {
    readonly problem: Pick<Lesson["problem"], "classes" | "label" | "split">;
  };
  /** In the order in which they ran; gains are over the first. */
  readonly rows: readonly ModeRow[];
  readonly headline: MetricName;
}

/** What is trained, as a sentence's subject. */
export const MODE_NAMES: Readonly<Record<Mode, string>> = {
  frozen: "the head on the frozen model",
  lora: "the model with a low-rank adapter",
  full: "the fully trained model",
};

const upper = (text: string) => text[0].toUpperCase() + text.slice(1);

/** The mode that the validation set prefers; of equals the first. */
export const bestOf = (rows: readonly ModeRow[]): ModeRow =>
  rows.reduce((best, row) => row.validation > best.validation ? row : best);

/** What the best mode tells, against the first. */
export function answerOf(
  { lesson: { task, problem: { classes } }, rows, headline }: Answer,
): string {
  const best = bestOf(rows),
    figure = withInterval(headline, best.metrics[headline]!, "95 % interval ");
  const whom = task === "residue" ? "residues of unseen proteins" : "unseen proteins";
  const tells = task === "regression"
    ? `predicts the numbers of ${whom} with a rank correlation of ${figure}`
    : headline === "accuracy"
    ? `gives the right one of ${classes.length} classes for ${figure} of ${whom}`
    : `tells the ${classes.length} classes of ${whom} with a ${
      headline === "micro_f1" ? "micro F1" : METRIC_NAMES[headline]
    } of ${figure}`;
  const subject = `${upper(MODE_NAMES[best.mode])} ${tells}`;
  if (rows.length === 1) return `${subject}.`;
  const [first] = rows;
  if (best === first) {
    const others = rows.slice(1);
    return `${subject}, and the validation set prefers it to ${
      others.map(({ mode }) => MODE_NAMES[mode]).join(" and ")
    }; on the test set the difference to it is ${
      others.map(({ mode, gain }) => `of ${mode} ${differenceText(headline, gain!)}`).join(", ")
    }.`;
  }
  const found = standing(best.gain!);
  return `${subject}, ${
    found === "above" ? "more than" : found === "below" ? "less than" : "not clearly different from"
  } ${MODE_NAMES[first.mode]}: ${
    withInterval(headline, first.metrics[headline]!)
  }; on the same proteins ` +
    `the difference is ${differenceText(headline, best.gain!)}.`;
}

/** What training did to masked residues. */
export function forgettingText(rows: readonly ModeRow[]): string {
  const told = rows.filter(({ before, after, mode }) =>
    before !== undefined && after !== undefined && mode !== "frozen"
  );
  if (told.length === 0) return "";
  const of = ({ mode, before, after }: ModeRow) =>
    `${mode === "lora" ? "LoRA" : mode} ${fixed(before!, 2)} → ${fixed(after!, 2)}`;
  return ` The perplexity of masked residues, before and after: ${told.map(of).join(", ")}.`;
}

/** The answer and how it was found. */
export function finding(answer: Answer): Finding {
  const { rows, headline, lesson: { problem } } = answer, best = bestOf(rows);
  const epochs = `${best.best} of ${best.epochs} epoch${best.epochs === 1 ? "" : "s"}`;
  return {
    answer: answerOf(answer),
    method: `The validation set chose ${
      rows.length > 1 ? `the mode and ` : ""
    }the weights after ${epochs} (${METRIC_NAMES[headline]} ${
      figureText(headline, best.validation)
    } there); the test set took no part. Split: ${problem.split}.${forgettingText(rows)}`,
  };
}
