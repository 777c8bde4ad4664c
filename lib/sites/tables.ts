/** Results as tables: their columns, and what the terminal says of them. */

import { tableText } from "../cli/table.ts";
import { printable } from "../errors.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import type { LegacyRow } from "./legacy.ts";
import { FALSE_DISCOVERY_RATE, isSensitive, rankHeads, SENSITIVE } from "./score.ts";
import type { HeadRow, HeadSummary, ProteinResult } from "./types.ts";

/** A row with the protein that it is of. */
export type OfProtein<Row> = Row & { protein: string };

const { text, integer, number } = columnsOf<OfProtein<HeadRow>>();

/** heads.csv: the numbers of one head. */
export const HEADS: TableOf<OfProtein<HeadRow>> = {
  name: "heads",
  rows: "one row per protein, layer and head",
  columns: [
    text("protein", "its id", "protein"),
    integer("layer", "numbered from 0", "layer", { label: "Layer" }),
    integer("head", "numbered from 0", "head", { label: "Head" }),
    number(
      "observed",
      "attention that the sites receive, summed over all residues' rows, above the threshold",
      "observed",
      { label: "Observed" },
    ),
    number(
      "baseline_mean",
      "mean of the same sum over random site sets of the same size (--trials, 1000), drawn by a " +
        "counter-based generator: the same seed gives the same sets on every device",
      "baselineMean",
      { label: "Baseline mean" },
    ),
    number("baseline_sd", "standard deviation over these random site sets", "baselineSd", {
      label: "Baseline SD",
    }),
    number("impact", "observed ÷ baseline_mean; 1 is chance", "impact", { label: "Impact" }),
    number("snr", "(observed − baseline_mean) ÷ baseline_sd", "snr", { label: "SNR" }),
    number("exact_mean", "mean of the null over all site sets, without sampling", "exactMean", {
      label: "Exact mean",
    }),
    number(
      "exact_sd",
      "standard deviation of the null over all site sets, without sampling (finite-population " +
        "formula)",
      "exactSd",
      { label: "Exact SD" },
    ),
    number("z", "(observed − exact_mean) ÷ exact_sd", "z", { label: "z" }),
    number(
      "p_permutation",
      "share of random site sets that receive at least as much, one-sided: (1 + sets) ÷ (1 + trials)",
      "pPermutation",
      { label: "p", short: "p" },
    ),
    number(
      "q_bh",
      "p corrected for testing all heads (Benjamini–Hochberg false discovery rate)",
      "qBh",
      { label: "q", short: "q" },
    ),
    number(
      "enrichment",
      "share of attention going to the sites ÷ share of residues that are sites",
      "enrichment",
      { label: "Enrichment" },
    ),
    number(
      "p_alpha",
      "share of strong attention pairs whose attended residue is a site (Vig et al. 2021)",
      "pAlpha",
      { label: "pα" },
    ),
    integer(
      "p_alpha_pairs",
      "number of strong attention pairs; Vig et al. leave out heads with fewer than 100",
      "pairs",
      { label: "Pairs", short: "pairs" },
    ),
  ],
};

/** Of HEADS, the numbers that a report shows. */
export const HEAD_COLUMNS = HEADS.columns.slice(1);

const over = columnsOf<HeadSummary>();

/** summary.csv: each head over several proteins. */
export const SUMMARY: TableOf<HeadSummary> = {
  name: "summary",
  rows: "one row per layer and head",
  when: "of several proteins",
  columns: [
    over.integer("layer", "numbered from 0", "layer", { label: "Layer" }),
    over.integer("head", "numbered from 0", "head", { label: "Head" }),
    over.integer("proteins", "in how many proteins its impact is defined", "proteins", {
      label: "Proteins",
    }),
    over.number("impact_mean", "mean of impact over these", "impactMean", {
      ...{ label: "Mean impact", short: "impact mean" },
    }),
    over.number("impact_sd", "standard deviation over these", "impactSd", {
      ...{ label: "SD of impact", short: "impact sd" },
    }),
    over.number("impact_snr", "impact_mean ÷ impact_sd", "impactSnr", {
      ...{ label: "Mean ÷ SD", short: "mean/sd" },
    }),
  ],
};

const old = columnsOf<OfProtein<LegacyRow>>();

/** legacy.csv: the published tool's own numbers. */
export const LEGACY: TableOf<OfProtein<LegacyRow>> = {
  name: "legacy",
  rows: "one row per protein, layer and head",
  when: "with --legacy",
  columns: [
    old.text("protein", "its id", "protein"),
    old.integer("layer", "numbered from 0", "layer"),
    old.integer("head", "numbered from 0", "head"),
    old.number("impact", "as that tool has it: 0 where the baseline's mean is 0", "impact"),
    old.number("snr", "as that tool has it: 1e-10 is added to the standard deviation", "snr"),
    old.number("p_value", "of a t test of its random sets against the observed sum", "pValue"),
    old.number(
      "p_value_heads",
      "of a t test of all heads' impacts against this head's",
      "pValueHeads",
    ),
    old.flag("selected", "p_value_heads < 0.01 and snr > 2: its scripts' choice", "selected"),
  ],
};

/** A head's attention to a site. */
export interface SiteAttention {
  layer: number;
  head: number;
  /** Position that the attention is from. */
  from: number;
  /** The site's residue. */
  to: number;
  attention: number;
}

const pays = columnsOf<SiteAttention>();

/** The columns of allostery_heads' file. */
export const SITE_ATTENTION: TableOf<SiteAttention> = {
  name: "attention_to_sites",
  rows: "one row per sensitive head, position and site",
  when: "with --save-site-attention; the file of one of several proteins begins with its id",
  columns: [
    pays.integer("Layer", "numbered from 0", "layer"),
    pays.integer("Head", "numbered from 0", "head"),
    pays.integer(
      "From (Query Position)",
      "residue; <cls> is 0 with --keep-specials; with --legacy tokens, counted from 1",
      "from",
    ),
    pays.integer("To (Allosteric Position)", "the site's residue", "to"),
    pays.number("Attention Score", "attention that it pays to the site", "attention"),
  ],
};

/** Every table of the command. */
export const TABLES = [HEADS, SUMMARY, LEGACY, SITE_ATTENTION];

/** Rows under the name of their protein. */
export const rowsOf = <Row>(protein: string, rows: readonly Row[]): OfProtein<Row>[] =>
  rows.map((row) => ({ protein, ...row }));

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
  const names = [
    ...["layer", "head", "impact", "snr", "z", "p_permutation", "q_bh", "enrichment"],
    ...["p_alpha", "p_alpha_pairs"],
  ];
  return `${head}\n${finding}\n\n${tableText(HEADS, names, rowsOf(id, shown))}`;
}

/** How many heads chance calls, and how many hold against it. */
function chanceText({ rows, calledByChance, sites }: ProteinResult): string {
  const found = discoveries(rows);
  const random = sites.length === 1
    ? "where a random residue gives"
    : `where ${sites.length} random residues give`;
  return `${random} ${calledByChance.toFixed(1)} on average; ` +
    `${found === 0 ? "none has" : found === 1 ? "1 has" : `${found} have`} ` +
    `q < ${FALSE_DISCOVERY_RATE}`;
}

/** Heads that chance does not explain. */
const discoveries = (rows: readonly HeadRow[]) =>
  rows.filter(({ qBh }) => qBh < FALSE_DISCOVERY_RATE).length;

/** What run.json says was found in a protein. */
export function findingOf({ id, rows, calledByChance }: ProteinResult) {
  const sensitive = rows.filter(isSensitive).length, falseDiscoveryRate = FALSE_DISCOVERY_RATE;
  return { id, sensitive, calledByChance, falseDiscoveryRate, discoveries: discoveries(rows) };
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
  const table = tableText(SUMMARY, SUMMARY.columns.map(({ name }) => name), ranked);
  const count = high.length > most ? `${most} of ${high.length} heads` : "heads";
  return `Over all proteins, ${count} with ${average}, the steadiest first:\n\n${table}`;
}
