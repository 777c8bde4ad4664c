/** The pair of heat maps of one protein, and the one over several proteins. */
import { csvValue } from "../../io/csv.ts";
import { HEAD_COLUMNS, rowsOf, SUMMARY } from "../tables.ts";
import { isSensitive, type Thresholds } from "./finding.ts";
import { heatMap } from "../../report/heatmap.ts";
import type { LegendTick } from "../../report/legend.ts";
import { jsonScript, type Markup, markup } from "../../report/markup.ts";
import { type Scale, scaleFor, short } from "../../report/scale.ts";
import type { HeadRow, HeadSummary, ProteinResult } from "../types.ts";

const UNDEFINED = "undefined: 0 ÷ 0, the head gives no attention above the threshold";

/** Impact and z of every head of a protein. */
export function proteinHeads(protein: ProteinResult, thresholds: Thresholds): Markup {
  const { rows, layers, heads } = protein;
  const cells = (key: "impact" | "z") =>
    rows.map((row) => ({
      layer: row.layer,
      head: row.head,
      value: row[key],
      text: csvValue(row[key]),
      significant: isSensitive(row, thresholds),
    }));
  const impact = impactScale(rows.map((row) => row.impact), thresholds);
  const z = scaleFor(rows.map((row) => row.z), "diverging", 3);
  const outlined = `impact > ${short(thresholds.impact)} and SNR > ${short(thresholds.snr)}`;
  const common = { layers, heads, outlined, undefinedMeaning: UNDEFINED };
  const data = {
    columns: HEAD_COLUMNS.map(({ name, label }) => ({ name, label })),
    rows: rowsOf(protein.id, rows).map((row) => HEAD_COLUMNS.map((one) => csvValue(one.of(row)))),
  };
  return markup`<div class="heads">
${
    heatMap({
      ...common,
      column: "impact",
      title: "Impact",
      unit: "Impact: attention to the sites ÷ attention to as many random residues",
      cells: cells("impact"),
      scale: impact,
      ticks: impactTicks(impact),
    })
  }${
    heatMap({
      ...common,
      column: "z",
      title: "z",
      unit: "z: standard deviations above (+) or below (−) chance, without sampling",
      cells: cells("z"),
      scale: z,
      ticks: [-1, -0.5, 0, 0.5, 1].map((share) => ({
        at: (share + 1) / 2,
        label: `${end(share === -1 && z.cappedBelow, "≤")}${
          end(share === 1 && z.cappedAbove, "≥")
        }${short(share * z.cap)}`,
      })),
    })
  }${jsonScript("rows", data)}</div>
`;
}

/** Mean impact of every head over the proteins. */
export function summaryHeads(summary: HeadSummary[], thresholds: Thresholds): Markup {
  const layers = [...new Set(summary.map(({ layer }) => layer))];
  const scale = impactScale(summary.map(({ impactMean }) => impactMean), thresholds);
  const { columns } = SUMMARY;
  const top = summary.filter(({ impactMean }) => impactMean > thresholds.impact)
    .sort((a, b) => b.impactMean - a.impactMean).slice(0, 10);
  const map = heatMap({
    column: "impact_mean",
    title: "Mean impact",
    unit: "Impact, mean over proteins; 1 is chance",
    layers,
    heads: summary.length / layers.length,
    cells: summary.map(({ layer, head, impactMean }) => ({
      layer,
      head,
      value: impactMean,
      text: csvValue(impactMean),
      significant: impactMean > thresholds.impact,
    })),
    scale,
    ticks: impactTicks(scale),
    outlined: `mean impact > ${short(thresholds.impact)}`,
    undefinedMeaning: "undefined in every protein",
  });
  const table = markup`<div class="scroll"><table class="numbers"><thead><tr>${
    columns.map(({ label }) => markup`<th scope="col">${label}</th>`)
  }</tr></thead><tbody>${
    top.map((row) =>
      markup`
<tr>${columns.map((one) => markup`<td>${short(Number(one.of(row)))}</td>`)}</tr>`
    )
  }</tbody></table></div>`;
  return markup`<div class="heads">
${map}<div>${
    top.length === 0
      ? markup`<p>No head’s mean impact passes ${short(thresholds.impact)}.</p>`
      : table
  }</div>${
    jsonScript("rows", {
      columns: columns.map(({ name, label }) => ({ name, label })),
      rows: summary.map((row) => columns.map((one) => csvValue(one.of(row)))),
    })
  }</div>
`;
}

function impactScale(values: number[], thresholds: Thresholds): Scale {
  return scaleFor(values, "sequential", 2 * thresholds.impact);
}

/** 0, chance, and the end of the scale, with the middle where there is room for it. */
function impactTicks({ cap, cappedAbove }: Scale): LegendTick[] {
  const values = [0, 1, cap / 2, cap].filter((value) => value !== cap / 2 || cap >= 6);
  return values.map((value) => ({
    at: value / cap,
    label: `${end(value === cap && cappedAbove, "≥")}${short(value)}`,
  }));
}

const end = (shown: boolean, sign: string) => shown ? `${sign} ` : "";

/** One line of numbers about a head, for captions. */
export function headFacts(row: HeadRow | undefined): string {
  if (!row) return "";
  return `impact ${short(row.impact)} · SNR ${short(row.snr)} · z ${short(row.z)} · ` +
    `q ${short(row.qBh)}`;
}
