/** Which attention heads look at a protein's sites more than chance allows. */
import { defineCommand, flag, option } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../lib/model_options.ts";
import { outputOptions, runOptions } from "../lib/output_options.ts";
import { maxLengthOption, proteinsOptions, siteOffsetOption } from "../lib/proteins/options.ts";
import { LEGACY_MODES } from "../lib/sites/legacy.ts";
import { NULL_MODES } from "../lib/sites/null_model.ts";
import { runAnalyze } from "../lib/sites/run.ts";
import { ADAPTER, ADAPTER_RESIDUES } from "../lib/sites/adapter_tables.ts";
import { MUTANT_RESIDUES, MUTANTS } from "../lib/sites/mutant_tables.ts";
import { TABLES } from "../lib/sites/tables.ts";

const options = {
  ...proteinsOptions,
  fasta: option({
    placeholder: "file",
    parse: parse.path,
    description:
      "the protein from a file, or with --table several; --id names one of several records",
    group: "Input",
  }),
  sites: option({
    placeholder: "list",
    parse: parse.text,
    description:
      "residues, counted from --offset: 85,89 or 85-89; L85,Gln89 also checks the letters",
    group: "Input",
  }),
  ...siteOffsetOption,
  table: option({
    placeholder: "file",
    parse: parse.path,
    description:
      "many proteins: CSV with columns id, sites, and sequence (or fasta_id with --fasta); mutant, " +
      "where there are some",
    group: "Input",
  }),
  mutant: option({
    placeholder: "list",
    parse: parse.text,
    description: "substitutions whose attention is compared with the wild type's, and with all " +
      "other substitutions of the same residue: W246A,N253D",
    group: "Input",
  }),
  siteSet: option({
    placeholder: "name",
    parse: parse.text,
    description: "sites of the built-in example: published, sodium, orthosteric",
    defaultText: "published",
    group: "Input",
  }),
  ...maxLengthOption,
  ...modelOptions,
  ...tokenBudgetOption,
  threshold: option({
    placeholder: "θ",
    parse: parse.number({ min: 0, max: 1 }),
    default: 0.3,
    description: "attention at or below it is not counted; 0 counts all",
    group: "Analysis",
  }),
  trials: option({
    placeholder: "count",
    parse: parse.positiveInteger(1_000_000),
    default: 1000,
    description: "random site sets to compare with",
    group: "Analysis",
  }),
  null: option({
    placeholder: "kind",
    parse: parse.choice(...NULL_MODES),
    default: "uniform" as const,
    description: "random sets: uniform, or contiguous (the sites' own spacing, moved)",
    group: "Analysis",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of the random sets",
    group: "Analysis",
  }),
  layers: option({
    placeholder: "list",
    parse: parse.integerRanges(),
    description: "layers to analyse, counted from 0: 0-5,7",
    defaultText: "all",
    group: "Analysis",
  }),
  keepSpecials: flag({
    description: "count <cls> and <eos> as rows and columns too",
    group: "Analysis",
  }),
  legacy: option({
    placeholder: "tool",
    parse: parse.choice(...LEGACY_MODES),
    description: "compute as a published tool does, mistakes included: allostery_heads",
    group: "Analysis",
  }),
  ...outputOptions(
    "analyze",
    "heads.csv, run.json and report.html (with --mutant mutants.csv, mutant_residues.csv; with " +
      "--adapter adapter.csv, adapter_residues.csv)",
  ),
  ...runOptions,
  saveAttention: flag({
    description: "also write attention.npz, f32[layers, heads, L, L], row = query; " +
      "of all tokens with --keep-specials or --legacy",
    group: "Output",
  }),
  saveSiteAttention: flag({
    description: "also write attention_to_sites.csv: attention to each site in the sensitive heads",
    group: "Output",
  }),
};

export const command = defineCommand({
  ...about("analyze"),
  description:
    "For every layer and head: the attention that the sites receive, against random site sets of " +
    "the same size. A head is called sensitive if the sites receive more than 1.5 times the mean " +
    "of the random sets (impact) and lie more than 2 standard deviations above it (snr); p is the " +
    "permutation p-value and q its Benjamini-Hochberg adjustment over all heads. " +
    "With --mutant also how the attention of every head changes: the share of it that goes elsewhere " +
    "(total variation, mean over the residues' rows, nothing left out by --threshold), and what the " +
    "sites and every residue receive more or less, each beside all other substitutions of that " +
    "residue, 18 as a rule, so that p is never below 1/19. " +
    "With --adapter the numbers are those of the model with it, and adapter.csv compares every head with " +
    "the model without: the share of its attention that goes elsewhere, and what the sites and every " +
    "residue receive more or less. " +
    "Without input it runs the human A2A receptor on the embedded model.",
  options,
  examples: [
    { command: "deno task analyze", shows: "the A2A receptor, its four published residues" },
    {
      command: "deno task analyze --site-set sodium --model esm2_t33_650M_UR50D",
      shows: "A2A's allosteric sodium pocket on the 650M model, fetched when missing",
    },
    {
      command: "deno task analyze --fasta data/a2a.fasta --sites L85,Q89,W246 --out results",
      shows: "your own protein; the letters are checked against the sequence",
    },
    {
      command: "deno task analyze --table data/a2a_sites.csv --null contiguous --threshold 0",
      shows: "several site sets at once, all attention, spacing-matched random sets",
    },
    {
      command: "deno task analyze --mutant W246A",
      shows: "what a mutation changes in every head, beyond other substitutions of the residue",
    },
    {
      command:
        "deno task analyze --model esm2_t12_35M_UR50D --adapter esm2_t12_35M_lora_binding_sites",
      shows: "what fine-tuning changed: every head with the adapter and without",
    },
    {
      command: "deno task analyze --legacy allostery_heads",
      shows: "the numbers that allostery_heads would print",
    },
  ],
  tables: [...TABLES, MUTANTS, MUTANT_RESIDUES, ADAPTER, ADAPTER_RESIDUES],
  run: runAnalyze,
});

if (import.meta.main) await runCommand(command, Deno.args);
