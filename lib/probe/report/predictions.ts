/** Panels of predictions beside labels, of whatever learnt them. */
import type { Piece } from "../../report/bundle.ts";
import { cellMap, scatter, track } from "../../report/figures/mod.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { foldedView, frame, panel, ramp, tableHead, view } from "../../report/page.ts";
import { fixed, percent } from "../../report/client/numbers.js";
import type { Confusion } from "../../stats/confusion.ts";
import { calledOf } from "../evaluate.ts";
import type { Selection } from "../selection.ts";
import type { ClassRow } from "../tables.ts";
import type { SplitProblem } from "../types.ts";
import script from "./predictions.js" with { type: "text" };

/** What draws them in the page. */
export const PREDICTIONS_PIECE: Piece = {
  ...{ name: "predictions.js", script, uses: [cellMap, scatter, track] },
};

/** Predictions of the test set. */
export interface Predictions {
  readonly problem: SplitProblem;
  readonly selection: Pick<Selection, "rows" | "proteins">;
  readonly confusion?: Confusion;
  readonly perClass?: readonly ClassRow[];
  /** Probabilities f32[n, classes] or numbers f32[n]. */
  readonly predicted: Float32Array;
}

/** Points of measured against predicted numbers that a page has at most. */
const MOST_DOTS = 2000;
/** Classes up to which the matrix needs no square. */
const FEW = 5;
/** Classes up to which the matrix has a cell for each pair. */
const MOST_CELLS = 60;

/** The residues of a protein of the test set. */
interface ResidueData {
  classes: readonly string[];
  /** Class by residue, −1 without a label; the number of numbers, null without. */
  labels: (number | null)[];
  predicted: (number | null)[];
  /** Of the right class. */
  probability: (number | null)[];
}

function residueViews(
  { problem, selection, predicted }: Predictions,
  drawn: readonly number[],
): { data: ResidueData; wrong: number; all: number }[] {
  const { proteins, classes } = problem, n = classes.length;
  if (n === 0) return [];
  const called = calledOf(predicted, n);
  let at = 0;
  return drawn.map((p) => {
    const { residues, labels } = proteins[p], rows = selection.rows(p);
    const none = () => Array<number | null>(residues.length).fill(null);
    const data: ResidueData = {
      classes,
      labels: none(),
      predicted: none(),
      probability: none(),
    };
    let wrong = 0;
    for (const i of rows) {
      data.labels[i] = labels[i];
      data.predicted[i] = called[at];
      data.probability[i] = Number(predicted[at * n + labels[i]].toPrecision(6));
      wrong += Number(called[at++] !== labels[i]);
    }
    return { data, wrong, all: rows.length };
  });
}

/** A folded view of each protein. */
export const residueFolds = (report: Predictions, drawn: readonly number[]): Markup[] =>
  residueViews(report, drawn).map(({ data, wrong, all }, i) => {
    const { id, residues } = report.problem.proteins[drawn[i]];
    return foldedView(
      `protein-${i + 1}`,
      markup`${id} <span>${wrong} of ${all} residues wrong (${percent(wrong / all)})</span>`,
      view({ id, letters: residues }, data, [
        panel({
          span: 12,
          title: "Probability of the right class",
          controls:
            markup`<span class="key"><span><i style="--c:var(--blue)"></i>right</span><span><i style="--c:var(--orange)"></i>wrong</span></span>`,
          body: frame("residues", "low"),
          caption: "Residues without a bar have no label; a click selects one.",
        }),
      ]),
    );
  });

/** What was taken for what, class by class; numbers against numbers. */
export function predictionPanels(report: Predictions): Content {
  const { problem, confusion, perClass } = report, { classes } = problem;
  const hasCells = confusion && classes.length <= MOST_CELLS;
  return [
    hasCells && panel({
      span: 7,
      title: "What was taken for what",
      body: markup`${
        frame("confusion", classes.length > FEW ? "square" : "grow")
      }<div class="beneath">${ramp("s", "share of the class's members", "0", "1")}</div>`,
      caption: "Rows are the labels, columns what was predicted; numbers are members.",
    }),
    perClass && panel({
      span: hasCells ? 5 : 12,
      title: "Classes",
      body: markup`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>${
        tableHead([{ text: "Class" }, "Learnt from", "Test", "Precision", "Recall", "F1"])
      }<tbody>${
        perClass.map((row) =>
          markup`
<tr><th scope="row" class="text">${row.name}</th><td>${row.train}</td><td>${row.support}</td>${
            [row.precision, row.recall, row.f1].map((x) => markup`<td>${fixed(x, 3)}</td>`)
          }</tr>`
        )
      }</tbody></table></div>`,
    }),
    problem.kind === "numbers" && panel({
      span: 12,
      title: "Predicted against given",
      body: frame("numbers", "grow"),
      caption: report.predicted.length > MOST_DOTS &&
        `One in ${
          thinning(report)
        } of ${report.predicted.length} rows is drawn; predictions.csv has all.`,
    }),
  ];
}

/** What the page's module draws of them. */
export const predictionData = (report: Predictions) => ({
  ...(report.confusion && report.problem.classes.length <= MOST_CELLS && {
    confusion: {
      classes: report.problem.classes,
      counts: Array.from(report.confusion.counts),
    },
  }),
  ...(report.problem.kind === "numbers" && { dots: dotsOf(report) }),
});

const thinning = ({ predicted }: Predictions) => Math.ceil(predicted.length / MOST_DOTS);

/** Given and predicted numbers of some of the rows. */
function dotsOf(report: Predictions) {
  const { problem: { proteins, per }, selection: { proteins: { test }, rows }, predicted } = report;
  const all = test.flatMap((p) =>
    Array.from(rows(p), (i) => ({
      name: per === "protein" ? proteins[p].id : `${proteins[p].id} ${i + 1}`,
      x: proteins[p].labels[i],
    }))
  ).map((dot, r) => ({ ...dot, y: predicted[r] }));
  return all.filter((_, r) => r % thinning(report) === 0);
}
