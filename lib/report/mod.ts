/** The site-attention report: one HTML file that needs nothing else, online or off. */
import { colourProperties } from "./colour.ts";
import { count, finding, isSensitive, type Thresholds } from "./finding.ts";
import { summaryHeads } from "./heads.ts";
import { type Content, Markup, markup } from "./markup.ts";
import { overview, proteinSection } from "./protein.ts";
import { provenanceTable } from "./provenance.ts";
import type { HeadSummary, ProteinResult } from "../sites/types.ts";
import heatmapScript from "./script_heatmap.js" with { type: "text" };
import mapScript from "./script_map.js" with { type: "text" };
import tooltipScript from "./script_tooltip.js" with { type: "text" };
import headsStyle from "./style_heads.css" with { type: "text" };
import mapsStyle from "./style_maps.css" with { type: "text" };
import pageStyle from "./style_page.css" with { type: "text" };
import tablesStyle from "./style_tables.css" with { type: "text" };

export { type HeadColumn, headColumns } from "../sites/columns.ts";

export interface SiteReport {
  title: string;
  /** What was run: model, threshold, null model. */
  subtitle: string;
  /** Warnings that the reader must see first. */
  notes: string[];
  proteins: ProteinResult[];
  summary?: HeadSummary[];
  provenance: Record<string, unknown>;
  /** A head counts as sensitive above both; 1.5 and 2 are customary. */
  thresholds: Thresholds;
}

/** Renders the whole page; its scripts and styles are inside and nothing is loaded. */
export function renderSiteReport(report: SiteReport): string {
  const { title, subtitle, notes, proteins, summary, provenance, thresholds } = report;
  const several = proteins.length > 1;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${new Markup(style())}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<p class="subtitle">${subtitle}</p>
${notes.map((note) => markup`<p class="note">${note}</p>\n`)}<p class="finding">${
    findingOverall(proteins, thresholds)
  }</p>
${several && overview(proteins, thresholds)}</header>
${several && summary && summary.length > 0 && acrossProteins(summary, proteins, thresholds)}${
    proteins.map((protein, i) => proteinSection(protein, i, thresholds, several))
  }<section><h2>Provenance</h2>
${provenanceTable(provenance)}</section>
</main>
<div id="tooltip" role="status" hidden></div>
<script>${new Markup(`"use strict";\n${tooltipScript}\n${heatmapScript}\n${mapScript}`)}</script>
</body>
</html>
`.text;
}

function findingOverall(proteins: ProteinResult[], thresholds: Thresholds): Content {
  if (proteins.length === 1) return finding(proteins[0], thresholds);
  const found = proteins.filter(({ rows }) => rows.some((row) => isSensitive(row, thresholds)));
  return `In ${found.length} of ${
    count(proteins.length, "protein")
  } at least one head attends to ` +
    `the sites clearly more than to as many random residues.`;
}

function acrossProteins(
  summary: HeadSummary[],
  proteins: ProteinResult[],
  thresholds: Thresholds,
): Markup {
  return markup`<section><h2>Across proteins</h2>
<p class="facts">Impact of each head over ${
    count(proteins.length, "protein")
  }; summary.csv has every digit.</p>
${summaryHeads(summary, thresholds)}</section>
`;
}

function style(): string {
  const [light, dark] = [colourProperties("light"), colourProperties("dark")];
  return `:root{${light}}\n@media screen and (prefers-color-scheme:dark){:root{${dark}}}\n` +
    pageStyle + tablesStyle + headsStyle + mapsStyle;
}
