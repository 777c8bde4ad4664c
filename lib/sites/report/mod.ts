/** The site-attention report: one HTML file that needs nothing else, online or off. */
import { count, finding, isSensitive, type Thresholds } from "./finding.ts";
import { summaryHeads } from "./heads.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { drawnNote, MOST_DRAWN, page } from "../../report/page.ts";
import { overview, proteinSection } from "./protein.ts";
import type { HeadSummary, ProteinResult } from "../types.ts";
import heatmapScript from "./script_heatmap.js" with { type: "text" };
import mapScript from "./script_map.js" with { type: "text" };
import headsStyle from "../../report/style_heads.css" with { type: "text" };
import mapsStyle from "../../report/style_maps.css" with { type: "text" };

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
  const { title, subtitle, proteins, summary, provenance, thresholds } = report;
  const several = proteins.length > 1, drawn = proteins.slice(0, MOST_DRAWN);
  const notes = [...report.notes, ...drawnNote(drawn.length, proteins.length)];
  return page({
    ...{ title, subtitle, notes, provenance },
    summary: markup`<p class="finding">${findingOverall(proteins, thresholds)}</p>
${several && overview(proteins, drawn.length, thresholds)}`,
    sections: [
      several && summary && summary.length > 0 && acrossProteins(summary, proteins, thresholds),
      drawn.map((protein, i) => proteinSection(protein, i, thresholds, several)),
    ],
    styles: [headsStyle, mapsStyle],
    scripts: [heatmapScript, mapScript],
  });
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
