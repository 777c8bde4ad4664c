/** The contact report: one HTML file that needs nothing else, online or off. */
import { colourProperties } from "./colour.ts";
import { contactSection } from "./contacts_protein.ts";
import { hasStructure } from "./contacts_structure.ts";
import { type Content, Markup, markup } from "./markup.ts";
import { provenanceTable } from "./provenance.ts";
import type { MetricSummary } from "../contacts/summary.ts";
import type { ContactResult, Method } from "../contacts/types.ts";
import { viewerScript } from "../structure/molecules.ts";
import contactsScript from "./contacts_script.js" with { type: "text" };
import contactsStyle from "./contacts_style.css" with { type: "text" };
import tooltipScript from "./script_tooltip.js" with { type: "text" };
import mapsStyle from "./style_maps.css" with { type: "text" };
import pageStyle from "./style_page.css" with { type: "text" };
import headsStyle from "./style_heads.css" with { type: "text" };
import tablesStyle from "./style_tables.css" with { type: "text" };

export interface ContactReport {
  title: string;
  /** What was run: model and method. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: string[];
  method: Method;
  results: readonly ContactResult[];
  summary?: readonly MetricSummary[];
  provenance: Record<string, unknown>;
}

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export async function renderContactReport(report: ContactReport): Promise<string> {
  const { title, subtitle, notes, method, results, summary, provenance } = report;
  const viewer = results.some(hasStructure) ? await viewerScript() : undefined;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${title}</title>
<style>${new Markup(style())}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<p class="subtitle">${subtitle}</p>
${notes.map((note) => markup`<p class="note">${note}</p>\n`)}${
    results.length > 1 && proteinList(results)
  }</header>
${summary && summarySection(summary)}${
    results.map((result, i) => contactSection(result, i, method))
  }<section><h2>Provenance</h2>
${provenanceTable(provenance)}</section>
</main>
<div id="tooltip" role="status" hidden></div>
${viewer !== undefined && new Markup(`<script>${inlined(viewer)}</script>\n`)}<script>${new Markup(
    `"use strict";\n${tooltipScript}\n${contactsScript}`,
  )}</script>
</body>
</html>
`.text;
}

/** A script that cannot close its element. */
function inlined(script: string): string {
  return script.replace(/<\/(script)/gi, "<\\/$1").replace(/<!--/g, "<\\!--");
}

function proteinList(results: readonly ContactResult[]): Markup {
  const head = ["Protein", "Residues", "P@L long", "P@L medium", "P@L short", "True contacts"];
  const number = (x: number | undefined) => x === undefined || Number.isNaN(x) ? "–" : x.toFixed(3);
  return table(
    "Proteins",
    head,
    results.map(({ id, residues, scores, truth }, i) => [
      markup`<a href="#protein-${i + 1}">${id}</a>`,
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
    table(
      "Means over proteins",
      ["Range", "Mean", "Low", "High", "Proteins", "Score"],
      summary.map(({ range, metric, proteins, mean, interval }) => [
        range,
        number(mean),
        number(interval.low),
        number(interval.high),
        proteins,
        METRIC_NAMES[metric],
      ]),
    )
  }</section>
`;
}

function table(label: string, head: readonly string[], rows: readonly Content[][]): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table class="overview"><thead><tr>${
    head.map((name) => markup`<th scope="col">${name}</th>`)
  }</tr></thead>
<tbody>${
    rows.map((cells) =>
      markup`
<tr>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>`
    )
  }
</tbody></table></div>
`;
}

function style(): string {
  const [light, dark] = [colourProperties("light"), colourProperties("dark")];
  return `:root{${light}}\n@media screen and (prefers-color-scheme:dark){:root{${dark}}}\n` +
    pageStyle + tablesStyle + headsStyle + mapsStyle + contactsStyle;
}
