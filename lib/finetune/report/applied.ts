/** The page of predictions of other proteins. */
import type { Piece } from "../../report/bundle.ts";
import { cellMap, histogram, track } from "../../report/figures/mod.ts";
import { percent, short } from "../../report/client/numbers.js";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import {
  drawnNote,
  type Finding,
  foldedView,
  frame,
  MOST_DRAWN,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
  view,
} from "../../report/page.ts";
import { roundUp } from "../../report/scale.ts";
import type { Said } from "../apply.ts";
import type { TunedHead } from "../labels.ts";
import { saidOf } from "../said.ts";
import script from "./applied.js" with { type: "text" };

/** What the page shows. */
export interface AppliedReport {
  readonly notes: readonly string[];
  readonly head: Omit<TunedHead, "weights">;
  /** Those that are drawn: the first ones. */
  readonly proteins: readonly Said[];
  /** Of all proteins. */
  readonly count: number;
  readonly residues: number;
  /** How often each class was called. */
  readonly counts: ReadonlyMap<string, number>;
  readonly run: RunFacts;
}

const PAGE: Piece = { name: "applied.js", script, uses: [cellMap, histogram, track] };

/** Colours of classes, as far as they go. */
export const CLASS_COLOURS = ["blue", "orange", "violet", "green", "ochre", "grey"] as const;

/** Below it things are counted instead of shared out. */
const FEW = 20;

/** Classes up to which the map has a column for each. */
const MOST_COLUMNS = 60;

/** The result in a sentence. */
export function appliedFinding(
  { head: { task, classes, label }, proteins, count, residues, counts }: AppliedReport,
): Finding {
  const method = `No labels were given: nothing here says how right this is. ${
    task === "regression"
      ? "Numbers are"
      : "Probabilities are the model's own, which may be too sure;"
  } ${
    task === "regression" ? "in the units of the training labels." : "they were not calibrated."
  }`;
  const [first] = proteins;
  if (task === "regression") {
    const values = proteins.map(({ predicted: [value] }) => value);
    const answer = count === 1
      ? `The model predicts ${label} of ${first.id} as ${short(values[0])}.`
      : `The model predicts ${label} of ${count} proteins${
        proteins.length < count ? `, of the first ${proteins.length}` : ""
      } from ${short(Math.min(...values))} to ${short(Math.max(...values))}.`;
    return { answer, method };
  }
  if (task === "multilabel") {
    const own = proteins.filter(({ predicted }) => predicted.some((p) => p > 0.5)).length;
    return {
      answer: count === 1
        ? `The model calls ${first.id} ${
          saidOf({ kind: "sets", classes }, first.predicted).predicted
        }.`
        : `The model gives ${own} of ${proteins.length} proteins one class or more of ${classes.length}.`,
      method,
    };
  }
  const things = task === "residue" ? residues : count;
  const named = [...counts].sort((a, b) => b[1] - a[1]);
  const what = task === "residue" ? (things === 1 ? "residue" : "residues") : "proteins";
  if (task === "sequence" && count === 1) {
    const { predicted, probabilities } = saidOf({ kind: "classes", classes }, first.predicted);
    return {
      answer: `The model calls ${first.id} ${predicted}, with a probability of ${
        percent(Math.max(...probabilities), 1)
      }.`,
      method,
    };
  }
  // Shares of few are numbers in disguise.
  const share = (n: number) => things < FEW ? String(n) : percent(n / things);
  const shares = named.slice(0, 3).map(([name, n]) => `${share(n)} ${name}`).join(", ");
  return { answer: `Of ${things} ${what} the model calls ${shares}.`, method };
}

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderApplied(report: AppliedReport): string {
  const { notes, head, proteins, count, run } = report, { task, classes, label } = head;
  const { model, backend } = run.record as {
    model?: { name: string };
    backend?: { name: string };
  };
  const isResidue = task === "residue";
  const drawn = isResidue ? proteins.slice(0, MOST_DRAWN) : proteins;
  const views = isResidue ? drawn.map((protein) => residueView(protein, classes)) : [];
  return reportPage({
    name: count === 1 ? proteins[0].id : `${count} proteins`,
    about: `${label}, predicted`,
    context: [model?.name ?? "", `head ${head.spec.kind}`, backend?.name ?? ""].filter(Boolean),
    finding: appliedFinding(report),
    cautions: [...notes, ...drawnNote(drawn.length, count)],
    body: isResidue
      ? views.length === 1 ? views[0] : views.map((inside, i) =>
        foldedView(
          `protein-${i + 1}`,
          markup`${drawn[i].id} <span>${drawn[i].residues.length} residues</span>`,
          inside,
        )
      )
      : summaryView(summaryData(report), proteinPanels(report)),
    run,
    pieces: [PAGE],
  });
}

function residueView({ id, residues, predicted }: Said, classes: readonly string[]): Markup {
  const n = classes.length, keyed = n <= CLASS_COLOURS.length;
  return view({ id, letters: residues }, {
    classes,
    probabilities: Array.from(predicted, (p) => Number(p.toPrecision(4))),
  }, [
    panel({
      span: 12,
      title: "The likeliest class of each residue",
      controls: keyed &&
        markup`<span class="key">${
          classes.map((name, k) =>
            markup`<span><i style="--c:var(--${CLASS_COLOURS[k]})"></i>${name}</span>`
          )
        }</span>`,
      body: frame("residues", "low"),
      caption: "Height is its probability; a click selects a residue.",
    }),
  ]);
}

function summaryData({ head: { task, classes }, proteins }: AppliedReport) {
  const values = proteins.map(({ predicted }) =>
    Array.from(predicted, (p) => Number(p.toPrecision(5)))
  );
  const numbers = values.map(([value]) => value);
  return {
    isNumber: task === "regression",
    classes,
    ids: proteins.map(({ id }) => id),
    values,
    bin: roundUp(Math.max(1e-6, (Math.max(...numbers) - Math.min(...numbers)) / 12)),
  };
}

function proteinPanels({ head: { task, classes }, proteins }: AppliedReport): Content {
  const kind = task === "regression" ? "numbers" : task === "multilabel" ? "sets" : "classes";
  const table = panel({
    span: kind === "numbers" ? 6 : 5,
    title: proteins.length === 1 ? "Prediction" : "Predictions",
    body: markup`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>${
      tableHead([
        { text: "Protein" },
        { text: "Predicted" },
        ...(kind === "classes" ? ["Probability"] : []),
      ])
    }<tbody>${
      proteins.map(({ id, predicted }) => {
        const said = saidOf({ kind, classes }, predicted);
        return markup`
<tr><th scope="row" class="text wrap">${id}</th><td class="text">${
          typeof said.predicted === "number" ? short(said.predicted) : said.predicted
        }</td>${
          kind === "classes" && markup`<td>${percent(Math.max(...said.probabilities), 1)}</td>`
        }</tr>`;
      })
    }</tbody></table></div>`,
    caption: "predictions.csv has all.",
  });
  if (kind === "numbers") {
    return [
      table,
      proteins.length > 2 && panel({
        ...{ span: 6, title: "Distribution", body: frame("numbers", "grow") },
      }),
    ];
  }
  return [
    table,
    classes.length <= MOST_COLUMNS && panel({
      span: 7,
      title: "Probability of each class",
      body: markup`${frame("classes", "grow")}<div class="beneath">${
        ramp("s", "probability", "0", "1")
      }</div>`,
    }),
  ];
}
