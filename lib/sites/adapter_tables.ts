/** What an adapter changes, as tables, and what the terminal says of it. */
import { tableText } from "../cli/table.ts";
import { printable } from "../errors.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { percent, shortest } from "../report/client/numbers.js";
import { median, sorted } from "../stats/sorted.ts";
import { rankAdapted } from "./adapter.ts";
import { MOST_PROFILES } from "./mutants.ts";
import type { AdaptedHead, AdapterResult, ProteinResult, Site } from "./types.ts";

/** A head with the protein it is of. */
export type AdaptedHeadRow = AdaptedHead & { protein: string };

const { text, integer, number } = columnsOf<AdaptedHeadRow>();

/** adapter.csv: attention of the model with its adapter against that without, head by head. */
export const ADAPTER: TableOf<AdaptedHeadRow> = {
  name: "adapter",
  rows: "one row per protein, layer and head",
  when: "with --adapter",
  columns: [
    text("protein", "its id", "protein"),
    integer("layer", "numbered from 0", "layer", { label: "Layer" }),
    integer("head", "numbered from 0", "head", { label: "Head" }),
    number(
      "change",
      "share of the attention that goes elsewhere than without the adapter: half the sum of |change| of " +
        "a residue's row (total variation, all tokens), mean over the rows",
      "change",
      { label: "Change" },
    ),
    integer("rank", "1 for the head that changes most", "rank", { label: "Rank" }),
    number(
      "sites_change",
      "attention that the sites receive, summed over residues' rows, minus the same without the adapter",
      "sitesChange",
      { label: "Sites' change", short: "sites" },
    ),
    number(
      "impact_before",
      "impact of heads.csv without the adapter",
      ({ before }) => before.impact,
      {
        ...{ label: "Impact before", short: "impact before" },
      },
    ),
    number("impact_after", "with it", ({ after }) => after.impact, {
      ...{ label: "Impact after", short: "after" },
    }),
    number("z_before", "z of heads.csv without the adapter", ({ before }) => before.z, {
      ...{ label: "z before", short: "z before" },
    }),
    number("z_after", "with it", ({ after }) => after.z, { label: "z after", short: "after" }),
    number("q_before", "q_bh of heads.csv without the adapter", ({ before }) => before.qBh, {
      ...{ label: "q before", short: "q before" },
    }),
    number("q_after", "with it", ({ after }) => after.qBh, { label: "q after", short: "after" }),
  ],
};

/** Of ADAPTER, the numbers that a report shows. */
export const ADAPTER_COLUMNS = ADAPTER.columns.slice(1);

/** A residue in a head that an adapter changes. */
export interface AdaptedResidueRow {
  protein: string;
  layer: number;
  head: number;
  letter: string;
  /** From 0 where the first column is `<cls>`. */
  residue: number;
  received: number;
  site: boolean;
}

const of = columnsOf<AdaptedResidueRow>();

/** adapter_residues.csv: what every residue receives more or less, in the heads that change most. */
export const ADAPTER_RESIDUES: TableOf<AdaptedResidueRow> = {
  name: "adapter_residues",
  rows: `one row per protein, head and residue, of the ${MOST_PROFILES} heads that change most`,
  when: "with --adapter",
  columns: [
    of.text("protein", "its id", "protein"),
    of.integer("layer", "numbered from 0", "layer"),
    of.integer("head", "numbered from 0", "head"),
    of.integer(
      "residue",
      "numbered from 1; with --keep-specials 0 is <cls>, the one behind the last <eos>",
      "residue",
    ),
    of.text("letter", "one-letter code", "letter"),
    of.number(
      "received_change",
      "attention that it receives, summed over residues' rows, minus the same without the adapter",
      ({ received }) => shortest(received),
    ),
    of.flag("site", "whether it is one of the sites", "site"),
  ],
};

/** Rows of a protein. */
export function* adapterRows({ id, adapter }: ProteinResult): Generator<AdaptedHeadRow> {
  for (const row of adapter?.rows ?? []) yield { ...row, protein: id };
}

/** @param specials whether the first and the last column are `<cls>` and `<eos>` */
export function* adapterResidueRows(
  { id, residues, sites, adapter }: ProteinResult,
  specials: boolean,
): Generator<AdaptedResidueRow> {
  const marked = new Set(sites.map(({ residue }: Site) => residue));
  for (const { layer, head, received } of adapter?.profiles ?? []) {
    for (let at = 0; at < received.length; at++) {
      const residue = at + (specials ? 0 : 1);
      const letter = residues[residue - 1] ?? (residue === 0 ? "<cls>" : "<eos>");
      yield {
        ...{ protein: id, layer, head, letter, residue, received: received[at] },
        site: marked.has(residue),
      };
    }
  }
}

/** The head that changes most, and the median of all. */
export function adapterFindings({ rows }: AdapterResult) {
  const [first] = rankAdapted(rows);
  return {
    ...{ layer: first.layer, head: first.head, change: first.change },
    median: median(sorted(rows.map(({ change }) => change))),
    heads: rows.length,
  };
}

const SHOWN = 5;

/** What the terminal shows. */
export function adapterText({ id, adapter }: ProteinResult): string {
  const { name, rows } = adapter!, { layer, head, change, median } = adapterFindings(adapter!);
  const table = tableText(
    ADAPTER,
    [
      "layer",
      "head",
      "change",
      "sites_change",
      "impact_before",
      "impact_after",
      "z_before",
      "z_after",
    ],
    rankAdapted(rows).slice(0, SHOWN).map((row) => ({ ...row, protein: id })),
  );
  return `The adapter ${printable(name)} changes layer ${layer} head ${head} most: ${
    percent(change)
  } of its ` +
    `attention goes elsewhere (median of ${rows.length} heads ${
      percent(median)
    }); the first:\n\n${table}`;
}
