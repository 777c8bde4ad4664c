/** What each latent contributes to a mutation's effect: integrated gradients. */
import { legacyOptions } from "../../lib/causal/legacy/options.ts";
import { checkFixed } from "../../lib/causal/legacy/survey.ts";
import {
  explainOptions,
  questionOptions,
  surveyOptions,
  variantOptions,
} from "../../lib/causal/options.ts";
import { runIg } from "../../lib/causal/run_ig.ts";
import type { MergedRun } from "../../lib/run/merge.ts";
import { ATTRIBUTIONS, IG_MUTATIONS } from "../../lib/causal/ig_tables.ts";
import { defineCommand, option } from "../../lib/cli/command.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { outputOptions } from "../../lib/output_options.ts";

const options = {
  ...variantOptions,
  ...legacyOptions,
  ...questionOptions,
  ...explainOptions,
  keep: option({
    placeholder: "count",
    parse: parse.positiveInteger(10_000_000),
    default: 200,
    description: "most latents written per mutation and layer, those that contribute most",
    group: "Output",
  }),
  ...surveyOptions,
  ...outputOptions(
    "sae ig",
    "attributions.csv, attributions.npz, mutations.csv, report.html and run.json",
  ),
};

/** What `--legacy` leaves no choice of. */
const FIXED = [
  "metric",
  "run",
  "at",
  "from",
  "method",
  "through",
  "error",
  "rule",
  "steps",
  "keep",
];

export const command = defineCommand({
  name: "ig",
  summary: "What each latent contributes to a mutation's effect: integrated gradients",
  description:
    "Moves the latents of all tokens in a straight line from the wild type's values to the mutant's " +
    "and adds up the gradients on the way. Attributions of all latents and of the error terms then " +
    "add up to the change of log p(mutant) - log p(wild type); the gap is printed. How concentrated " +
    "they are is shown beside how concentrated the latents' moves are by themselves.",
  options,
  examples: [
    { command: "deno task sae ig", shows: "20 mutations of a 66-residue domain" },
    {
      command: "deno task sae ig --fasta data/sis1.fasta --mutations P35F --from zero",
      shows: "which of the wild type's latents make its prediction at W8",
    },
    {
      command: "deno task sae ig --assay EPHB2.csv --sample 50 --method first-order",
      shows: "the fast estimate: one gradient per mutation",
    },
  ],
  tables: [ATTRIBUTIONS, IG_MUTATIONS],
  run(o, ctx, merged) {
    // Shards were checked when they ran.
    if (o.legacy && !merged) checkFixed(o.legacy, o, options, FIXED);
    return runIg(o, ctx, merged as MergedRun | undefined);
  },
});
