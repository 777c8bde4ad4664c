/** Predictions in words. */
import { calledOf } from "../probe/evaluate.ts";
import type { PredictionRow } from "../probe/tables.ts";
import type { Problem } from "../probe/types.ts";

/** What is said of rows, as tables have it. @param probabilities of one row, or the number */
export function saidOf(
  { kind, classes }: Pick<Problem, "kind" | "classes">,
  probabilities: Float32Array,
): Pick<PredictionRow, "predicted" | "probabilities"> {
  if (kind === "numbers") return { predicted: probabilities[0], probabilities: [] };
  const predicted = kind === "sets"
    ? classes.filter((_, k) => probabilities[k] > 0.5).join(";") || "none"
    : classes[calledOf(probabilities, classes.length)[0]];
  return { predicted, probabilities: Array.from(probabilities) };
}
