/** The contact report: one HTML file that needs nothing else, online or off. */
import { motifHeadline } from "./motif.ts";
import { contactSection, METHOD_NAMES } from "./protein.ts";
import { hasStructure } from "./structure.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { drawnNote, page } from "../../report/page.ts";
import { scrollingTable } from "../../report/table.ts";
import type { MetricSummary } from "../summary.ts";
import type { MotifShare } from "../motif_types.ts";
import type { ContactRecord, ContactResult, Method } from "../types.ts";
import { viewerScript } from "../../structure/molecules.ts";
import contactsScript from "./script.js" with { type: "text" };
import contactsStyle from "./style.css" with { type: "text" };
import mapsStyle from "../../report/style_maps.css" with { type: "text" };
import chartsStyle from "../../report/style_charts.css" with { type: "text" };
import headsStyle from "../../report/style_heads.css" with { type: "text" };

export interface ContactReport {
  title: string;
  /** What was run: model and method. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: string[];
  method: Method;
  /** Of every protein. */
  results: readonly ContactRecord[];
  /** The first of them, which the page shows in full. */
  drawn: readonly ContactResult[];
  summary?: readonly MetricSummary[];
  /** The motif experiment's headline curves, where it was run. */
  motifShares?: readonly MotifShare[];
  provenance: Record<string, unknown>;
}

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export async function renderContactReport(report: ContactReport): Promise<string> {
  const { title, subtitle, method, results, drawn, summary, motifShares, provenance } = report;
  const notes = [...report.notes, ...drawnNote(drawn.length, results.length)];
  return page({
    ...{ title, subtitle, notes, provenance },
    summary: results.length > 1 && proteinList(results, drawn.length),
    sections: [
      summary && summarySection(summary),
      motifShares && motifShares.length > 0 && motifHeadline(motifShares),
      drawn.map((result, i) => contactSection(result, i, method)),
    ],
    styles: [headsStyle, mapsStyle, chartsStyle, contactsStyle],
    scripts: [contactsScript],
    libraries: drawn.some(hasStructure) ? [await viewerScript()] : [],
  });
}

function proteinList(results: readonly ContactRecord[], drawn: number): Markup {
  const head = ["Protein", "Residues", "P@L long", "P@L medium", "P@L short", "True contacts"];
  const number = (x: number | undefined) => x === undefined || Number.isNaN(x) ? "–" : x.toFixed(3);
  return scrollingTable(
    "Proteins",
    head,
    results.map(({ id, residues, scores, truth }, i) => [
      i < drawn ? markup`<a href="#protein-${i + 1}">${id}</a>` : id,
      residues.length,
      ...[2, 1, 0].map((r) => number(scores?.[r].precisionL)),
      truth?.source ?? "none",
    ]),
  );
}

const METRIC_NAMES = {
  precisionL: "P@L",
  precisionL2: "P@L/2",
  precisionL5: "P@L/5",
  auc: "AUC",
} as const;

function summarySection(summary: readonly MetricSummary[]): Markup {
  const number = (x: number) => Number.isNaN(x) ? "–" : x.toFixed(3);
  return markup`<section><h2>Across proteins</h2>
<p class="facts">Means with 95 % intervals over resampled proteins; summary.csv has every digit.</p>
${
    scrollingTable(
      "Means over proteins",
      ["Predictor", "Mean", "Low", "High", "Proteins", "Score", "Range"],
      summary.map(({ predictor, range, metric, proteins, mean, interval }) => [
        predictor in METHOD_NAMES ? METHOD_NAMES[predictor as Method] : predictor,
        number(mean),
        number(interval.low),
        number(interval.high),
        proteins,
        METRIC_NAMES[metric],
        range,
      ]),
    )
  }</section>
`;
}
