/** The page of a probe. */
import type { Piece } from "../../report/bundle.ts";
import { lines } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import {
  drawnNote,
  frame,
  panel,
  reportPage,
  type RunFacts,
  summaryView,
  tableHead,
} from "../../report/page.ts";
import { fixed } from "../../report/client/numbers.js";
import type { Metric, MetricName } from "../evaluate.ts";
import { isOfModel, KIND_NAMES } from "../features.ts";
import { type LatentRow, METRIC_NAMES, type ProbeRow, rowName } from "../tables.ts";
import { figureText, finding } from "./finding.ts";
import {
  predictionData,
  predictionPanels,
  type Predictions,
  PREDICTIONS_PIECE,
  residueFolds,
} from "./predictions.ts";
import script from "./page.js" with { type: "text" };

/** What the page shows. */
export interface ProbeReport extends Predictions {
  /** Warnings that the reader must see first. */
  readonly notes: readonly string[];
  readonly rows: readonly ProbeRow[];
  readonly headline: MetricName;
  readonly chosen: ProbeRow;
  readonly baseline?: ProbeRow;
  /** By how much the chosen one is better than the baseline. */
  readonly gain?: Metric;
  readonly latents?: readonly LatentRow[];
  /** Proteins whose residues are drawn. */
  readonly drawn: number;
  readonly run: RunFacts;
}

const PAGE: Piece = { name: "page.js", script, uses: [lines, PREDICTIONS_PIECE] };

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderProbeReport(report: ProbeReport): string {
  const { problem, selection, run } = report, { per } = problem;
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
      residueFolds(report, drawn),
    ],
    run,
    pieces: [PAGE],
  });
}

function overall(report: ProbeReport): Markup {
  const { headline, latents } = report;
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
    predictionPanels(report),
    latents && panel({
      span: 12,
      title: "Latents with the largest weights",
      body: latentTable(latents),
      caption:
        "Of the standardised latents in the best probe of the autoencoder; latents.csv has more.",
    }),
  ]);
}

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
  const { rows, headline } = report;
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
    ...predictionData(report),
  };
}
