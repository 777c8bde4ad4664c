/** The page of a fine-tuning. */
import type { Piece } from "../../report/bundle.ts";
import { lines } from "../../report/figures/mod.ts";
import { fixed, short } from "../../report/client/numbers.js";
import { type Markup, markup } from "../../report/markup.ts";
import {
  drawnNote,
  frame,
  MOST_DRAWN,
  panel,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
} from "../../report/page.ts";
import type { MetricName } from "../../probe/evaluate.ts";
import { figureText } from "../../probe/report/finding.ts";
import {
  predictionData,
  predictionPanels,
  type Predictions,
  PREDICTIONS_PIECE,
  residueFolds,
} from "../../probe/report/predictions.ts";
import { METRIC_NAMES } from "../../probe/tables.ts";
import { meanOf } from "../../train/steps_report.ts";
import { labelledResidues, type Lesson } from "../data.ts";
import type { CurveRow, EpochRow, ModeRow } from "../tables.ts";
import type { HeadKind } from "../types.ts";
import { bestOf, finding } from "./finding.ts";
import script from "./page.js" with { type: "text" };

/** What the page shows. */
export interface FinetuneReport {
  /** Warnings that the reader must see first. */
  readonly notes: readonly string[];
  readonly lesson: Lesson;
  readonly rows: readonly ModeRow[];
  readonly headline: MetricName;
  readonly epochs: readonly EpochRow[];
  readonly curve: readonly CurveRow[];
  readonly head: HeadKind;
  /** Of each mode what it says of the test set. */
  readonly done: readonly Pick<Predictions, "predicted" | "confusion" | "perClass">[];
  readonly run: RunFacts;
}

const PAGE: Piece = { name: "page.js", script, uses: [lines, PREDICTIONS_PIECE] };

const COLOURS = { frozen: "orange", lora: "blue", full: "violet" } as const;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderFinetune(report: FinetuneReport): string {
  const { lesson, rows, headline, head, run } = report, { task, problem, sets } = lesson;
  const { model, backend } = run.record as {
    model?: { name: string };
    backend?: { name: string };
  };
  const drawn = task === "residue" ? sets.test.slice(0, MOST_DRAWN) : [];
  const best = rows.indexOf(bestOf(rows)),
    predictions: Predictions = {
      ...report.done[best],
      problem,
      selection: {
        rows: (p) =>
          Uint32Array.from(task === "residue" ? labelledResidues(lesson.examples[p]) : [0]),
        proteins: sets,
      },
    };
  return reportPage({
    name: problem.label,
    about: `taught to ${model?.name ?? "a model"}`,
    context: [
      ...[`${sets.train.length} proteins learnt from`, `${sets.test.length} tested with`],
      ...[`head ${head}`, backend?.name ?? ""],
    ].filter(Boolean),
    finding: finding({ lesson, rows, headline }),
    cautions: [
      ...report.notes,
      ...(task === "residue" ? drawnNote(drawn.length, sets.test.length) : []),
    ],
    body: [
      summaryView({ ...curves(report), ...predictionData(predictions) }, [
        panel({
          span: 12,
          title: rows.length > 1 ? "What each mode gives, costs and forgets" : "What was trained",
          body: modesTable(report),
          caption: rows.length > 1
            ? "Test set with 95 % intervals over proteins; the difference is to the first mode on the same resampled proteins. Perplexity is that of masked residues; 1 would be certainty. modes.csv has all statistics."
            : "Test set with its 95 % interval over proteins. modes.csv has all statistics.",
        }),
        panel({
          span: 6,
          title: "Loss",
          body: frame("loss", "grow"),
          caption: "Dashed: the validation set, after each epoch.",
        }),
        panel({
          span: 6,
          title: `${upper(METRIC_NAMES[headline])} of the validation set`,
          body: frame("metric", "grow"),
          caption: "The weights of the best epoch are kept.",
        }),
        panel({ span: 6, title: "Learning rate", body: frame("rate", "low") }),
        panel({
          span: 6,
          title: "Length of the gradient",
          body: frame("norm", "low"),
          caption: "Before it is clipped.",
        }),
        predictionPanels(predictions),
      ]),
      residueFolds(predictions, drawn),
    ],
    run,
    pieces: [PAGE],
  });
}

const upper = (text: string) => text[0].toUpperCase() + text.slice(1);

function modesTable({ rows, headline }: FinetuneReport): Markup {
  const hasGain = rows.length > 1, tells = rows.some(({ after }) => after !== undefined);
  const name = METRIC_NAMES[headline];
  const interval = (low: number, high: number, say: (x: number) => string) =>
    Number.isNaN(low) ? "–" : `${say(low)} – ${say(high)}`;
  return markup`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>${
    tableHead([
      { text: "Mode" },
      ...[upper(name), "95 %", ...(hasGain ? ["Difference", "95 %"] : [])],
      ...["Trained", "Epochs", "Seconds", "Tokens/s", "Memory"],
      ...(tells ? ["Perplexity before", "After"] : []),
    ])
  }<tbody>${
    rows.map((row) => {
      const { value, low, high } = row.metrics[headline]!, { gain } = row;
      const say = (x: number) => figureText(headline, x);
      return markup`
<tr${
        row === bestOf(rows) && hasGain && markup` class="chosen"`
      }><th scope="row" class="text">${row.mode}</th><td>${say(value)}</td><td>${
        interval(low, high, say)
      }</td>${
        hasGain &&
        (gain
          ? markup`<td>${fixed(gain.value, 3)}</td><td>${
            interval(gain.low, gain.high, (x) => fixed(x, 3))
          }</td>`
          : markup`<td>–</td><td>–</td>`)
      }<td>${row.trained.toLocaleString("en")}</td><td>${row.best} of ${row.epochs}</td><td>${
        short(row.seconds)
      }</td><td>${short(row.tokens / row.seconds)}</td><td>${
        (row.peakBytes / 1e9).toFixed(2)
      } GB</td>${
        tells &&
        markup`<td>${row.before?.toFixed(2) ?? "–"}</td><td>${row.after?.toFixed(2) ?? "–"}</td>`
      }</tr>`;
    })
  }</tbody></table></div>`;
}

/** What the module draws of the training. */
function curves({ rows, epochs, curve, headline, lesson }: FinetuneReport) {
  const perEpoch = new Map(epochs.map(({ mode, step, epoch }) => [mode, step / epoch]));
  const own = rows.map(({ mode }) => {
    const steps = curve.filter((row) => row.mode === mode);
    const at = ({ step }: CurveRow) => step / (perEpoch.get(mode) ?? 1);
    return {
      mode,
      colour: COLOURS[mode],
      steps: binned(steps).map((row) => [at(row), row.loss, row.rate, row.norm].map(rounded)),
      epochs: epochs.filter((row) => row.mode === mode)
        .map(({ epoch, loss, metric }) => [epoch, rounded(loss), rounded(metric)]),
    };
  });
  return {
    modes: own,
    headline: METRIC_NAMES[headline],
    isShare: ["accuracy", "balanced_accuracy"].includes(headline),
    lossUnit: lesson.task === "regression" ? "squared standard deviations" : "nats",
  };
}

/** Points of a curve. */
const MOST_POINTS = 80;

/** Means of rows that lie side by side, so that curves of several modes can be told apart. */
function binned(rows: readonly CurveRow[]): CurveRow[] {
  const size = Math.ceil(rows.length / MOST_POINTS);
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => {
    const own = rows.slice(i * size, (i + 1) * size);
    const mean = (of: (row: CurveRow) => number) => meanOf(own, of);
    return { ...own.at(-1)!, loss: mean(({ loss }) => loss), norm: mean(({ norm }) => norm) };
  });
}

const rounded = (x: number) => Number(x.toPrecision(6));
