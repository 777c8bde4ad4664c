/** The report of hidden residues: of an evaluation, or of a training. */
import type { Piece } from "../../report/bundle.ts";
import { histogram, letterBars, lines } from "../../report/figures/mod.ts";
import { type Content, markup } from "../../report/markup.ts";
import {
  frame,
  panel,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
} from "../../report/page.ts";
import { roundUp } from "../../report/scale.ts";
import { meansOf } from "../evaluate.ts";
import type { HeldOutFigures } from "../held_out.ts";
import { type LossRow, perplexityText } from "../tables.ts";
import { BASELINE_NAMES, bestBaseline, evaluationFinding, trainingFinding } from "./finding.ts";
import script from "./page.js" with { type: "text" };

const PAGE: Piece = { name: "page.js", script, uses: [histogram, letterBars, lines] };

/** Proteins in the table. */
export const MOST_LISTED = 20;

export interface EvaluationReport {
  notes: readonly string[];
  all: LossRow;
  letters: readonly LossRow[];
  /** Of every protein: nats a residue better than the best baseline of all. */
  gains: readonly number[];
  /** Those that are listed: the first ones. */
  proteins: readonly LossRow[];
  run: RunFacts;
}

/** Renders the page of an evaluation. */
export function renderEvaluation(
  { notes, all, letters, gains, proteins, run }: EvaluationReport,
): string {
  const means = meansOf(all);
  return reportPage({
    ...{ name: nameOf(gains.length, proteins), about: "hidden residues", context: contextOf(run) },
    finding: evaluationFinding(means, gains.length),
    cautions: notes,
    body: summaryView({
      letters: letters.map((row) => ({ letter: row.name, ...meansOf(row) })),
      gains,
      bin: roundUp(Math.max(0.02, spread(gains) / 20)),
    }, [
      panel({
        span: 5,
        title: "Perplexity of hidden residues",
        body: compare([["the model", means.loss]], means),
        caption: "As good as a guess among so many letters.",
      }),
      panel({
        span: 7,
        title: "Letter by letter",
        controls:
          markup`<span class="key"><span><i style="--c:var(--blue)"></i>model</span><span><i style="--c:var(--orange)"></i>frequency</span></span>`,
        body: frame("letters", "grow"),
        caption: "Geometric mean of the true letter's probability; line: 1 in 20.",
      }),
      gains.length > 2 && panel({
        span: 5,
        title: "Protein by protein",
        body: frame("gains", "grow"),
        caption: `Against ${BASELINE_NAMES[bestBaseline(means).name]}, the best baseline over all.`,
      }),
      panel({
        span: gains.length > 2 ? 7 : 12,
        title: gains.length > proteins.length
          ? `The first ${proteins.length} proteins`
          : "Proteins",
        body: markup`<div class="scroll"><table>${
          tableHead(["Protein", "Hidden", "Perplexity", "By frequency", "Right"])
        }<tbody>${
          proteins.map((row) => {
            const own = meansOf(row);
            return markup`
<tr><td class="wrap">${row.name}</td><td>${own.asked}</td><td>${
              own.asked > 0 ? perplexityText(own.loss) : "–"
            }</td><td>${own.asked > 0 ? perplexityText(own.unigram) : "–"}</td><td>${
              own.asked > 0 ? `${(100 * own.right).toFixed(0)}\u202f%` : "–"
            }</td></tr>`;
          })
        }</tbody></table></div>`,
      }),
    ]),
    run,
    pieces: [PAGE],
  });
}

export interface TrainingReport {
  notes: readonly string[];
  name: string;
  tokens: number;
  before?: HeldOutFigures;
  after?: HeldOutFigures;
  curve: readonly { tokens: number; loss: number; norm: number }[];
  run: RunFacts;
}

/** Renders the page of a training. */
export function renderTraining(report: TrainingReport): string {
  const { notes, name, tokens, before, after, curve, run } = report;
  const best = after && bestBaseline(after);
  return reportPage({
    ...{ name, about: "training on hidden residues", context: contextOf(run) },
    finding: trainingFinding(tokens, after, before),
    cautions: notes,
    body: summaryView({
      curve: curve.map(({ tokens, loss, norm }) => ({ tokens, loss, norm })),
      ...(best && { level: best.loss, levelName: BASELINE_NAMES[best.name] }),
    }, [
      panel({
        span: after ? 7 : 8,
        title: "Loss over the training",
        body: frame("loss", "grow"),
        caption: "Mean −log p of the residues asked for in training, some of which the model sees.",
      }),
      after && panel({
        span: 5,
        title: "Held-out residues",
        body: compare([
          ...(before ? [["before", before.loss] as const] : []),
          ["after", after.loss],
        ], after),
        caption: "Perplexity, 15 % of the residues shown as <mask>.",
      }),
      panel({ span: after ? 12 : 4, title: "Gradient", body: frame("norm", "grow") }),
    ]),
    run,
    pieces: [PAGE],
  });
}

function compare(
  models: readonly (readonly [name: string, loss: number])[],
  means: HeldOutFigures,
): Content {
  const baselines = Object.entries(BASELINE_NAMES)
    .map(([key, name]) => [name, means[key as keyof typeof BASELINE_NAMES]] as const);
  return markup`<div class="scroll"><table>${tableHead(["By", "Perplexity", "Loss, nats"])}<tbody>${
    [...models, ...baselines].map(([name, loss]) =>
      markup`<tr><td class="wrap">${name}</td><td>${perplexityText(loss)}</td><td>${
        loss.toFixed(3)
      }</td></tr>`
    )
  }</tbody></table></div>`;
}

const nameOf = (count: number, [first]: readonly LossRow[]) =>
  count === 1 ? first.name : `${count} proteins`;

function contextOf({ record }: RunFacts): string[] {
  const { model, backend } = record as { model?: { name: string }; backend?: { name: string } };
  return [model?.name ?? "", backend?.name ?? ""].filter(Boolean);
}

function spread(values: readonly number[]): number {
  const finite = values.filter(Number.isFinite);
  return finite.length === 0 ? 0 : Math.max(0, ...finite) - Math.min(0, ...finite);
}
