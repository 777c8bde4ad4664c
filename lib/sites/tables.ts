/** Results as tables: the CSV files, the table on the terminal, and JSON. */
import { printable } from "../errors.ts";
import { formatTable } from "../cli/table.ts";
import { type Cell, formatCsv } from "../io/csv.ts";
import { headColumns } from "./columns.ts";
import type { LegacyRow } from "./legacy.ts";
import { FALSE_DISCOVERY_RATE, isSensitive, rankHeads, SENSITIVE } from "./score.ts";
import type { HeadRow, HeadSummary, ProteinResult } from "./types.ts";

/** Numbers of a head under the column names of heads.csv. */
function headRecord(row: HeadRow): Record<string, number> {
  return Object.fromEntries(headColumns.map(({ key, name }) => [name, row[key]]));
}

/** Columns of heads.csv. */
export const HEADS_COLUMNS: readonly string[] = [
  "protein",
  ...headColumns.map(({ name }) => name),
];

/** A protein's rows of heads.csv: one per layer and head. */
export function headsRecords({ id, rows }: ProteinResult): Record<string, Cell>[] {
  return rows.map((row) => ({ protein: id, ...headRecord(row) }));
}

/** summary.csv: each head over several proteins. */
export function summaryCsv(summary: readonly HeadSummary[]): string {
  return formatCsv(
    ["layer", "head", "proteins", "impact_mean", "impact_sd", "impact_snr"],
    summary.map(({ layer, head, proteins, impactMean, impactSd, impactSnr }) => ({
      layer,
      head,
      proteins,
      impact_mean: impactMean,
      impact_sd: impactSd,
      impact_snr: impactSnr,
    })),
  );
}

/** Columns of legacy.csv: the published tool's own numbers. */
export const LEGACY_COLUMNS: readonly string[] = [
  ...["protein", "layer", "head", "impact", "snr", "p_value", "p_value_heads", "selected"],
];

/** A protein's rows of legacy.csv. */
export function legacyRecords(
  { id }: ProteinResult,
  rows: readonly LegacyRow[],
): Record<string, Cell>[] {
  return rows.map(({ layer, head, impact, snr, pValue, pValueHeads, selected }) => ({
    protein: id,
    layer,
    head,
    impact,
    snr,
    p_value: pValue,
    p_value_heads: pValueHeads,
    selected,
  }));
}

/** What the terminal shows of one protein: its sensitive heads, or the nearest to it. */
export function proteinText(protein: ProteinResult, most = 20): string {
  const { id, residues, sites, rows } = protein;
  const sensitive = rows.filter(isSensitive).length;
  const shown = rankHeads(rows).slice(0, sensitive === 0 ? 5 : Math.min(most, sensitive));
  const list = sites.map(({ residue, letter }) => `${letter}${residue}`).join(" ");
  const head = `${printable(id)}: ${residues.length} residues, ${sites.length} site${
    sites.length === 1 ? "" : "s"
  } (${list.length > 60 ? `${list.slice(0, 59)}…` : list})`;
  const rule = `(impact > ${SENSITIVE.impact}, snr > ${SENSITIVE.snr.toFixed(1)})`;
  const count = sensitive === 0
    ? `None of ${rows.length} heads is sensitive ${rule}`
    : `${sensitive} of ${rows.length} heads ${sensitive === 1 ? "is" : "are"} sensitive ${rule}`;
  const shownText = sensitive === 0
    ? "; the nearest"
    : sensitive > most
    ? `; the first ${most}`
    : "";
  const finding = `${count}, ${chanceText(protein)}${shownText}:`;
  const table = formatTable(
    [
      { header: "layer" },
      { header: "head" },
      ...["impact", "snr", "z", "p", "q", "enrichment", "p_alpha", "pairs"].map((header) => ({
        header,
        align: "right" as const,
        format: significant,
      })),
    ],
    shown.map((r) => [
      r.layer,
      r.head,
      r.impact,
      r.snr,
      r.z,
      r.pPermutation,
      r.qBh,
      r.enrichment,
      r.pAlpha,
      String(r.pairs),
    ]),
  );
  return `${head}\n${finding}\n\n${table}`;
}

/** How many heads chance calls, and how many hold against it. */
function chanceText({ rows, calledByChance, sites }: ProteinResult): string {
  const found = rows.filter(({ qBh }) => qBh < FALSE_DISCOVERY_RATE).length;
  const random = sites.length === 1
    ? "where a random residue gives"
    : `where ${sites.length} random residues give`;
  return `${random} ${calledByChance.toFixed(1)} on average; ` +
    `${found === 0 ? "none has" : found === 1 ? "1 has" : `${found} have`} ` +
    `q < ${FALSE_DISCOVERY_RATE}`;
}

/** What the terminal shows over several proteins: of the heads with a high impact, the steadiest. */
export function summaryText(summary: readonly HeadSummary[], most = 10): string {
  const high = summary.filter((s) => s.impactMean > SENSITIVE.impact && !Number.isNaN(s.impactSnr));
  const average = `a mean impact above ${SENSITIVE.impact}`;
  if (high.length === 0) return `Over all proteins, no head has ${average}.`;
  // Not a difference: several can be infinite.
  const ranked = high.sort((a, b) =>
    Number(b.impactSnr > a.impactSnr) - Number(b.impactSnr < a.impactSnr)
  ).slice(0, most);
  const table = formatTable(
    [
      { header: "layer" },
      { header: "head" },
      { header: "proteins" },
      ...["impact mean", "impact sd", "mean/sd"].map((header) => ({
        header,
        align: "right" as const,
        format: significant,
      })),
    ],
    ranked.map((s) => [s.layer, s.head, s.proteins, s.impactMean, s.impactSd, s.impactSnr]),
  );
  const count = high.length > most ? `${most} of ${high.length} heads` : "heads";
  return `Over all proteins, ${count} with ${average}, the steadiest first:\n\n${table}`;
}

/**
 * Machine output, one JSON object in lines; what is undefined is null.
 *
 * A line per protein, because the text of many is longer than a string can be.
 */
export function* analysisJson(
  provenance: unknown,
  proteins: readonly ProteinResult[],
  summary: readonly HeadSummary[] | undefined,
  legacy: readonly (readonly LegacyRow[])[] | undefined,
): Generator<string> {
  yield `{"run":${JSON.stringify(provenance)},"proteins":[`;
  for (const [i, protein] of proteins.entries()) {
    const { id, residues, sites, layers, heads, rows, calledByChance } = protein;
    const text = JSON.stringify({
      id,
      length: residues.length,
      sites,
      layers,
      heads,
      calledByChance,
      falseDiscoveryRate: FALSE_DISCOVERY_RATE,
      discoveries: rows.filter(({ qBh }) => qBh < FALSE_DISCOVERY_RATE).length,
      rows: rows.map((row) => ({ ...headRecord(row), sensitive: isSensitive(row) })),
      ...(legacy && { legacy: legacy[i] }),
    });
    yield i < proteins.length - 1 ? `${text},` : text;
  }
  yield `]${summary ? `,"summary":${JSON.stringify(summary)}` : ""}}`;
}

function significant(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e5 ? value.toExponential(1) : value.toPrecision(3);
}
