/** The page of a probe. */
import type { Piece } from "../../report/bundle.ts";
import { cellMap, lines, scatter, track } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import {
  drawnNote,
  foldedView,
  frame,
  panel,
  ramp,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
  view,
} from "../../report/page.ts";
import { fixed, percent } from "../../report/client/numbers.js";
import type { Confusion } from "../../stats/confusion.ts";
import { calledOf, type Metric, type MetricName } from "../evaluate.ts";
import { isOfModel, KIND_NAMES } from "../features.ts";
import type { Selection } from "../selection.ts";
import { type ClassRow, type LatentRow, METRIC_NAMES, type ProbeRow, rowName } from "../tables.ts";
import type { SplitProblem } from "../types.ts";
import { figureText, finding } from "./finding.ts";
import script from "./page.js" with { type: "text" };

/** What the page shows. */
export interface ProbeReport {
  /** Warnings that the reader must see first. */
  readonly notes: readonly string[];
  readonly problem: SplitProblem;
  readonly selection: Pick<Selection, "rows" | "proteins">;
  readonly rows: readonly ProbeRow[];
  readonly headline: MetricName;
  readonly chosen: ProbeRow;
  readonly baseline?: ProbeRow;
  /** By how much the chosen one is better than the baseline. */
  readonly gain?: Metric;
  readonly confusion?: Confusion;
  readonly perClass?: readonly ClassRow[];
  readonly latents?: readonly LatentRow[];
  /** Of the test set: probabilities f32[n, classes] or numbers f32[n]. */
  readonly predicted: Float32Array;
  /** Proteins whose residues are drawn. */
  readonly drawn: number;
  readonly run: RunFacts;
}

const PAGE: Piece = { name: "page.js", script, uses: [cellMap, lines, scatter, track] };

/** Points of measured against predicted numbers that a page has at most. */
const MOST_DOTS = 2000;
/** Classes up to which the matrix needs no square. */
const FEW = 5;
/** Classes up to which the matrix has a cell for each pair. */
const MOST_CELLS = 60;

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderProbeReport(report: ProbeReport): string {
  const { problem, selection, run } = report, { per, proteins } = problem;
  const test = selection.proteins.test,
    { model, backend } = run.record as {
      model?: { name: string };
      backend?: { name: string };
    };
  const drawn = per === "residue" ? test.slice(0, report.drawn) : [];
  return reportPage({
    name: problem.label,
    about: `what the layers know of ${
      problem.kind === "numbers" ? "the numbers" : `${problem.classes.length} classes`
    }`,
    context: [`${test.length} test proteins`, model?.name ?? "", backend?.name ?? ""].filter(
      Boolean,
    ),
    finding: finding(report, problem.split),
    cautions: [
      ...report.notes,
      ...per === "residue" ? drawnNote(drawn.length, test.length) : [],
    ],
    body: [
      overall(report),
      residueViews(report, drawn).map(({ data, wrong, all }, i) => {
        const { id, residues } = proteins[drawn[i]];
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
      }),
    ],
    run,
    pieces: [PAGE],
  });
}

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
  { problem, selection, predicted }: ProbeReport,
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

function overall(report: ProbeReport): Markup {
  const { problem, headline, confusion, perClass, latents } = report, { classes } = problem;
  const hasCells = confusion && classes.length <= MOST_CELLS;
  const name = METRIC_NAMES[headline];
  return summaryView(summaryData(report), [
    panel({
      span: 7,
      title: `${name[0].toUpperCase()}${name.slice(1)} by layer`,
      body: frame("layers", "grow"),
      caption:
        "Test set; bands are 95 % intervals over resampled proteins, dashed lines what the letters alone give. Layer and penalty were chosen by the validation set.",
    }),
    panel({
      span: 5,
      title: markup`Every probe <span>— test set</span>`,
      body: probeTable(report),
      caption: "Bold: what the validation set chose of each kind. metrics.csv has all statistics.",
    }),
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
    latents && panel({
      span: 12,
      title: "Latents with the largest weights",
      body: latentTable(latents),
      caption:
        "Of the standardised latents in the best probe of the autoencoder; latents.csv has more.",
    }),
  ]);
}

const thinning = ({ predicted }: ProbeReport) => Math.ceil(predicted.length / MOST_DOTS);

function probeTable({ rows, headline, chosen }: ProbeReport): Markup {
  return markup`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>${
    tableHead([{ text: "Features" }, METRIC_NAMES[headline], "95 %"])
  }<tbody>${
    rows.map((row) => {
      const { value, low, high } = row.metrics[headline]!;
      const name = row.kind === "random"
        ? rowName(row).replace(KIND_NAMES.random, "random weights")
        : rowName(row);
      const interval = Number.isNaN(low)
        ? "–"
        : `${figureText(headline, low)} – ${figureText(headline, high)}`;
      return markup`
<tr${row === chosen && markup` class="chosen"`}><td class="text wrap">${
        row.chosen ? markup`<b>${name}</b>` : name
      }</td><td>${figureText(headline, value)}</td><td>${interval}</td></tr>`;
    })
  }</tbody></table></div>`;
}

/** Latents that the page lists of a class. */
const LISTED = 5;

function latentTable(latents: readonly LatentRow[]): Markup {
  const names = [...new Set(latents.map(({ name }) => name))];
  return markup`<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>${
    tableHead([{ text: "Class" }, ...Array.from({ length: LISTED }, (_, r) => String(r + 1))])
  }<tbody>${
    names.map((name) =>
      markup`
<tr><th scope="row" class="text">${name}</th>${
        latents.filter((row) => row.name === name).slice(0, LISTED).map(({ latent, weight }) =>
          markup`<td>${latent} <small>${fixed(weight, 2)}</small></td>`
        )
      }</tr>`
    )
  }</tbody></table></div>`;
}

/** What the module draws over all proteins. */
function summaryData(report: ProbeReport) {
  const { problem, rows, headline, confusion } = report;
  const layers = rows.filter(({ layer, kind }) => layer !== undefined && kind !== "shuffled");
  const deepest = Math.max(...layers.map(({ layer }) => layer === "last" ? 0 : Number(layer)));
  const placeOf = ({ layer }: ProbeRow) => layer === "last" ? deepest + 1 : Number(layer);
  const xs = layers.map(placeOf), ends = [Math.min(...xs), Math.max(...xs)];
  const COLOURS = ["blue", "violet", "green"];
  const groups = Map.groupBy(layers, ({ kind, pool }) => `${kind} ${pool ?? ""}`);
  let own = 0;
  const curves = [
    ...[...groups.values()].map((group) => {
      const [{ kind, pool }] = group;
      const points = group.toSorted((a, b) => placeOf(a) - placeOf(b));
      const metric = (row: ProbeRow) => row.metrics[headline]!;
      const name = kind === "random" ? "random weights" : kind === "sae" ? "latents" : "the model";
      return {
        name: pool === undefined || pool === "mean" ? name : `${name}, ${pool}`,
        colour: kind === "random" ? "grey" : COLOURS[own++ % COLOURS.length],
        points: points.map((row) => [placeOf(row), metric(row).value]),
        ...(points.every((row) => !Number.isNaN(metric(row).low)) && {
          low: points.map((row) => metric(row).low),
          high: points.map((row) => metric(row).high),
        }),
        dots: true,
      };
    }),
    ...rows.filter(({ kind }) => !isOfModel(kind) && kind !== "random").map((row) => ({
      name: { window: "one-hot", composition: "composition", shuffled: "shuffled" }[
        row.kind as string
      ] ?? "most common",
      colour: { window: "orange", composition: "ochre" }[row.kind as string] ?? "muted",
      points: ends.map((x) => [x, row.metrics[headline]!.value]),
      dashed: true,
    })),
  ];
  const xTicks = [...new Set(xs)].sort((a, b) => a - b)
    .map((x) => [x, x === deepest + 1 ? "last" : String(x)]);
  // All ticks are written where there are few.
  const step = Math.ceil(xTicks.length / 12);
  const metricRows = rows.map((row) => {
    const { value, low, high } = row.metrics[headline]!;
    return [row.kind, row.layer ?? "", row.pool ?? "", value, low, high];
  });
  return {
    headline: METRIC_NAMES[headline],
    isShare: headline !== "spearman",
    curves,
    xTicks: xTicks.filter((_, i) => i % step === 0 || i === xTicks.length - 1),
    metricRows,
    ...(confusion && problem.classes.length <= MOST_CELLS && {
      confusion: { classes: problem.classes, counts: Array.from(confusion.counts) },
    }),
    ...(problem.kind === "numbers" && { dots: dotsOf(report) }),
  };
}

/** Given and predicted numbers of some of the rows. */
function dotsOf(report: ProbeReport) {
  const { problem: { proteins, per }, selection: { proteins: { test }, rows }, predicted } = report;
  const all = test.flatMap((p) =>
    Array.from(rows(p), (i) => ({
      name: per === "protein" ? proteins[p].id : `${proteins[p].id} ${i + 1}`,
      x: proteins[p].labels[i],
    }))
  ).map((dot, r) => ({ ...dot, y: predicted[r] }));
  return all.filter((_, r) => r % thinning(report) === 0);
}
