/** What an evaluation or a training found, in a sentence. */
import type { Finding } from "../../report/page.ts";
import type { HeldOutFigures } from "../held_out.ts";
import { perplexityText } from "../tables.ts";

/** Baselines by name in sentences. */
export const BASELINE_NAMES = {
  unigram: "the letters' frequencies",
  neighbours: "the neighbouring letters",
  composition: "the protein's own composition",
} as const;

type Means = HeldOutFigures;

/** The baseline that does best, and its mean loss. */
export function bestBaseline(means: Means): { name: keyof typeof BASELINE_NAMES; loss: number } {
  const names = Object.keys(BASELINE_NAMES) as (keyof typeof BASELINE_NAMES)[];
  const name = names.reduce((a, b) => means[b] < means[a] ? b : a);
  return { name, loss: means[name] };
}

const perplexity = (loss: number) => perplexityText(loss, 1);

/** Which is as good as a guess among so many letters, and what simple statistics give. */
export function evaluationFinding(means: Means, proteins: number): Finding {
  const best = bestBaseline(means), gain = best.loss - means.loss;
  const whom = proteins === 1 ? "the protein" : `${proteins} proteins`;
  const beside = `${perplexity(best.loss)} letters by ${BASELINE_NAMES[best.name]}`;
  return {
    answer: gain > 0
      ? `A hidden residue of ${whom} is narrowed down to ${
        perplexity(means.loss)
      } letters, against ${beside}.`
      : `The model says hidden residues of ${whom} no better than simple statistics: ${
        perplexity(means.loss)
      } letters, against ${beside}.`,
    method: `Perplexity over ${means.asked} hidden residues; ${
      (100 * means.right).toFixed(1)
    }\u202f% of the likeliest letters are right. Baselines count the other proteins, or the rest of the same one.`,
  };
}

/** What a training has reached on sequences that it did not see. */
export function trainingFinding(
  tokens: number,
  after: Means | undefined,
  before: Means | undefined,
): Finding {
  if (!after) {
    return {
      answer: `Trained on ${tokens.toLocaleString("en")} tokens; no sequences were held out.`,
    };
  }
  const best = bestBaseline(after);
  const came = before ? `, from ${perplexity(before.loss)}` : "";
  return {
    answer: `After ${tokens.toLocaleString("en")} tokens the perplexity of held-out residues is ${
      perplexity(after.loss)
    }${came}, where ${BASELINE_NAMES[best.name]} ${
      best.name === "composition" ? "gives" : "give"
    } ${perplexity(best.loss)}.`,
    method: after.loss < best.loss
      ? `On ${after.asked} hidden residues; ${
        (100 * after.right).toFixed(1)
      }\u202f% of the likeliest letters are right.`
      : `On ${after.asked} hidden residues; simple statistics still do as well or better.`,
  };
}
