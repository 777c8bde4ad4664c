/** What every mutation of a protein does, as far as ESM-2 can tell without training. */
import { defineCommand, option, optionList } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../lib/model_options.ts";
import { outputOptions, runOptions } from "../lib/output_options.ts";
import {
  assayOptions,
  mutationTableOption,
  PROTEINGYM_COLUMNS,
  targetOptions,
} from "../lib/proteins/options.ts";
import { runScore } from "../lib/variants/run.ts";
import { TABLES } from "../lib/variants/tables.ts";
import { LEGACY, MODES, MULTI } from "../lib/variants/types.ts";
import { WINDOWS } from "../lib/variants/windows.ts";

const options = {
  ...targetOptions,
  mutations: option({
    placeholder: "list|file",
    parse: parse.nameOrPath,
    description: "A10G,K20R:L21M; also p.Ala10Gly, p.Ala3_Gly5del, p.Lys2_Gly3insGln; or a file " +
      "with one variant per line",
    defaultText: "all single substitutions",
    group: "Input",
  }),
  assay: optionList({
    placeholder: "file",
    parse: parse.path,
    description:
      "variants from a CSV of ProteinGym, MaveDB, nn4dms or with columns named below, with " +
      "measured values to compare with; may be given once per protein",
    group: "Input",
  }),
  table: mutationTableOption,
  positions: option({
    placeholder: "list",
    parse: parse.text,
    description: "residues to compute besides the mutated ones: 5-20,41 or all",
    group: "Input",
  }),
  ...assayOptions,
  functionalColumn: option({
    placeholder: "name",
    parse: parse.text,
    default: PROTEINGYM_COLUMNS.functionalColumn as string,
    description: "column that is 1 for functional variants, for AUC and MCC",
    group: "Assay",
  }),
  cutoff: option({
    placeholder: "value",
    parse: parse.number(),
    description: "measured values above it are functional",
    defaultText: "the assay's own labels",
    group: "Assay",
  }),
  by: option({
    placeholder: "file",
    parse: parse.path,
    description: "statistics per region: CSV with columns region, start, end",
    group: "Assay",
  }),
  bootstrap: option({
    placeholder: "count",
    parse: parse.integer({ min: 0, max: 100_000 }),
    default: 1000,
    description: "resamples for the 95 % intervals; 0 for none",
    group: "Assay",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of the resamples",
    group: "Assay",
  }),
  mode: option({
    placeholder: "name",
    parse: parse.choice(...MODES),
    default: MODES[0],
    description: MODES.join(", "),
    group: "Scoring",
  }),
  multi: option({
    placeholder: "kind",
    parse: parse.choice(...MULTI),
    default: MULTI[0],
    description: "several mutations: additive (sum of single scores) or joint (masked together)",
    group: "Scoring",
  }),
  window: option({
    placeholder: "kind",
    parse: parse.choice(...WINDOWS),
    default: WINDOWS[0],
    description: "beyond 1022 residues: optimal (around each residue), overlapping, or full",
    group: "Scoring",
  }),
  legacy: option({
    placeholder: "tool",
    parse: parse.choice(...LEGACY),
    description: `score as a published script does, mistakes included: ${LEGACY.join(", ")}`,
    group: "Scoring",
  }),
  ...modelOptions,
  ...tokenBudgetOption,
  ...outputOptions("score", "scores.csv, matrix.csv, matrix.npz, run.json and report.html"),
  ...runOptions,
  column: option({
    placeholder: "name",
    parse: parse.text,
    description: "name of the score's column",
    defaultText: "the model's name",
    group: "Output",
  }),
  aggregate: option({
    placeholder: "file",
    parse: parse.path,
    description: "no scoring: ProteinGym's headline averages of a table of per-assay Spearman " +
      "correlations (one column per model)",
    group: "Aggregation",
  }),
};

export const command = defineCommand({
  ...about("score"),
  description:
    "A score is log p(mutant) - log p(wild type), negative for harmful mutations. masked-marginal " +
    "hides the mutated residue, wt-marginal reads it in place, mutant-marginal reads the mutant's " +
    "own sequence, pseudo-perplexity compares the whole sequence with each residue hidden in turn. " +
    "Insertions and deletions are scored by the pseudo-log-likelihood ratio: each residue hidden " +
    "in turn with masked-marginal and pseudo-perplexity, in one pass otherwise. " +
    "A row of an assay that cannot be scored (a stop, a frameshift, ?) keeps its place without a " +
    "score, with the reason. " +
    "Several proteins come from several --assay, a --table, or a --fasta without --id, of which " +
    "every single mutation is scored: tables then begin with the protein, scores.csv has the " +
    "columns that all assays have, each protein has its ID.matrix.npz, and summary.csv means of " +
    "the statistics over proteins with bootstrap intervals. " +
    "An interrupted run continues where it stopped when it is started again with the same options. " +
    "Without input it scores the J-domain of Sis1 (81 residues) on the embedded model.",
  options,
  examples: [
    { command: "deno task score", shows: "every single mutation of a J-domain" },
    {
      command: "deno task score --fasta data/sis1.fasta --model esm2_t33_650M_UR50D --out p",
      shows: "your own protein on the 650M model, fetched when missing",
    },
    {
      command: "deno task score --fasta data/sis1.fasta --mutations P35F,H34Q:D36N --multi joint",
      shows: "one single and one double mutant, the double's residues hidden together",
    },
    {
      command: "deno task score --assay EPHB2_HUMAN_Tsuboyama_2023_1F0M.csv --by helices.csv",
      shows: "an assay of ProteinGym: correlation with what was measured, also per region",
    },
    {
      command: "deno task score --assay a.csv --sequence MKT… --mutant-column variant " +
        "--measured-column fitness --cutoff 0.5 --offset 24",
      shows: "an assay with other column names and numbering",
    },
    {
      command: "deno task score --table assays.csv --no-report --shard 1/4 --out parts",
      shows: "the first of four parts of many assays; `deno task merge parts` when all are there",
    },
    {
      command: "deno task score --aggregate DMS_substitutions_Spearman_DMS_level.csv " +
        "--reference DMS_substitutions.csv",
      shows: "ProteinGym's headline average of every model in the published table",
    },
  ],
  tables: TABLES,
  run: runScore,
});

if (import.meta.main) await runCommand(command, Deno.args);
