/** What mutations change, as tables, and what the terminal says of it. */
import { tableText } from "../cli/table.ts";
import { printable } from "../errors.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { shortest } from "../report/client/numbers.js";
import { FALSE_DISCOVERY_RATE } from "./score.ts";
import { MOST_PROFILES, rankMutantHeads } from "./mutants.ts";
import type { MutantHead, MutantProfile, MutantResult, ProteinResult, Site } from "./types.ts";

/** A head with the mutation and protein it is of. */
export type MutantHeadRow = MutantHead & { protein: string; mutation: string };

const { text, integer, number } = columnsOf<MutantHeadRow>();

/** Of what a value is compared with: in every column's meaning. */
const OTHERS = "over all other substitutions of the residue";

/** mutants.csv: attention of a mutant minus that of its wild type, head by head. */
export const MUTANTS: TableOf<MutantHeadRow> = {
  name: "mutants",
  rows: "one row per protein, mutation, layer and head",
  when: "with --mutant",
  columns: [
    text("protein", "its id", "protein"),
    text("mutation", "as given", "mutation"),
    integer("layer", "numbered from 0", "layer", { label: "Layer" }),
    integer("head", "numbered from 0", "head", { label: "Head" }),
    number(
      "change",
      "share of the attention that goes elsewhere than in the wild type: half the sum of |change| of " +
        "a residue's row (total variation, all tokens), mean over the rows",
      ({ change }) => change.value,
      { label: "Change" },
    ),
    number("others_mean", `mean of change ${OTHERS}`, ({ change }) => change.mean, {
      ...{ label: "Others' mean", short: "others" },
    }),
    number("others_sd", `standard deviation of change ${OTHERS}`, ({ change }) => change.sd, {
      label: "Others' SD",
    }),
    number("z", "(change − others_mean) ÷ others_sd", ({ change }) => change.z, { label: "z" }),
    integer(
      "rank",
      "1 where no other substitution changes the head as much",
      ({ change }) => change.rank,
      { label: "Rank" },
    ),
    number(
      "p",
      "rank ÷ (1 + others): with the usual 18 others never below 1/19 = 0.053",
      ({ change }) => change.p,
      { label: "p" },
    ),
    number(
      "q",
      "p corrected for testing all heads (Benjamini–Hochberg)",
      ({ change }) => change.q,
      {
        label: "q",
      },
    ),
    number(
      "sites_change",
      "attention that the sites receive, summed over residues' rows, minus the same of the wild type",
      ({ sites }) => sites.value,
      { label: "Sites' change", short: "sites" },
    ),
    number("sites_others_mean", `mean of sites_change ${OTHERS}`, ({ sites }) => sites.mean, {
      label: "Sites, others' mean",
    }),
    number(
      "sites_others_sd",
      `standard deviation of sites_change ${OTHERS}`,
      ({ sites }) => sites.sd,
      { label: "Sites, others' SD" },
    ),
    number(
      "sites_z",
      "(sites_change − sites_others_mean) ÷ sites_others_sd",
      ({ sites }) => sites.z,
      { label: "Sites' z", short: "sites z" },
    ),
    number(
      "sites_p",
      "as p, by the size of sites_change, whatever its sign",
      ({ sites }) => sites.p,
      { label: "Sites' p" },
    ),
    number(
      "sites_q",
      "sites_p corrected for testing all heads (Benjamini–Hochberg)",
      ({ sites }) => sites.q,
      { label: "Sites' q" },
    ),
  ],
};

/** Of MUTANTS, the numbers that a report shows. */
export const MUTANT_COLUMNS = MUTANTS.columns.slice(2);

/** A residue in a head of a mutation. */
export interface MutantResidueRow {
  protein: string;
  mutation: string;
  profile: MutantProfile;
  /** From 0. */
  at: number;
  letter: string;
  /** From 0 where the first column is a residue. */
  residue: number;
  site: boolean;
}

const of = columnsOf<MutantResidueRow>();
const valueOf = (key: "received" | "mean" | "sd") => ({ profile, at }: MutantResidueRow) =>
  shortest(profile[key][at]);

/** mutant_residues.csv: what every residue receives more or less, in the heads that stand out. */
export const MUTANT_RESIDUES: TableOf<MutantResidueRow> = {
  name: "mutant_residues",
  rows: "one row per protein, mutation, head and residue, of the " +
    `${MOST_PROFILES} heads of the lowest rank (of equals the highest z) of each mutation`,
  when: "with --mutant",
  columns: [
    of.text("protein", "its id", "protein"),
    of.text("mutation", "as given", "mutation"),
    of.integer("layer", "numbered from 0", ({ profile }) => profile.layer),
    of.integer("head", "numbered from 0", ({ profile }) => profile.head),
    of.integer(
      "residue",
      "numbered from 1; with --keep-specials 0 is <cls>, the one behind the last <eos>",
      "residue",
    ),
    of.text("letter", "of the wild type", "letter"),
    of.number(
      "received_change",
      "attention that it receives, summed over residues' rows, minus the same of the wild type",
      valueOf("received"),
    ),
    of.number("others_mean", `mean of the same ${OTHERS}`, valueOf("mean")),
    of.number("others_sd", `standard deviation of the same ${OTHERS}`, valueOf("sd")),
    of.flag("site", "whether it is one of the sites", "site"),
  ],
};

/** Rows of a protein's mutations. */
export function* mutantRows({ id, mutants = [] }: ProteinResult): Generator<MutantHeadRow> {
  for (const { name, rows } of mutants) {
    for (const row of rows) yield { ...row, protein: id, mutation: name };
  }
}

/** @param specials whether the first and the last column are `<cls>` and `<eos>` */
export function* mutantResidueRows(
  { id, residues, sites, mutants = [] }: ProteinResult,
  specials: boolean,
): Generator<MutantResidueRow> {
  const marked = new Set(sites.map(({ residue }: Site) => residue));
  for (const { name, profiles } of mutants) {
    for (const profile of profiles) {
      for (let at = 0; at < profile.received.length; at++) {
        const residue = at + (specials ? 0 : 1);
        const letter = residues[residue - 1] ?? (residue === 0 ? "<cls>" : "<eos>");
        yield {
          ...{ protein: id, mutation: name, profile, at, letter, residue },
          site: marked.has(residue),
        };
      }
    }
  }
}

/** Heads that a mutation changes more than every other substitution does, and how many chance gives. */
export function mutantCounts({ rows, others }: MutantResult) {
  return {
    heads: rows.length,
    largest: rows.filter(({ change }) => change.rank === 1).length,
    /** Each of the substitutions is as likely to be the largest. */
    byChance: rows.length / (1 + others),
    discoveries: rows.filter(({ change }) => change.q < FALSE_DISCOVERY_RATE).length,
  };
}

const SHOWN = 5;

/** What the terminal shows of a protein's mutations. */
export function mutantsText({ id, mutants = [] }: ProteinResult): string {
  return mutants.map((mutant) => {
    const { name, others, rows } = mutant, { heads, largest, byChance } = mutantCounts(mutant);
    const shown = rankMutantHeads(rows).slice(0, SHOWN);
    const table = tableText(
      MUTANTS,
      ["layer", "head", "change", "others_mean", "z", "rank", "p", "q", "sites_change", "sites_z"],
      shown.map((row) => ({ ...row, protein: id, mutation: name })),
    );
    return `${
      printable(name)
    } changes ${largest} of ${heads} heads more than each of the ${others} ` +
      `other substitutions there, where chance gives ${
        byChance.toFixed(1)
      }; the first:\n\n${table}`;
  }).join("\n\n");
}

/** What run.json says of them. */
export const mutantFindings = ({ mutants = [] }: ProteinResult) =>
  mutants.map((mutant) => ({ mutation: mutant.name, ...mutantCounts(mutant) }));
