/** Puts the shards of a run together. */
import { surveyWriters } from "../lib/causal/sweep/survey_writers.ts";
import { defineCommand, option } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { type ContactFlags, runContacts } from "../lib/contacts/run.ts";
import { outputOptions } from "../lib/output_options.ts";
import { runMerge, type ShardWriter } from "../lib/run/run_merge.ts";
import { type AnalyzeFlags, runAnalyze } from "../lib/sites/run.ts";
import { runScore, type ScoreFlags } from "../lib/variants/run.ts";

/** By the name of the command that was split. */
const writers: Readonly<Record<string, ShardWriter>> = {
  analyze: (options, ctx, run) => runAnalyze(options as unknown as AnalyzeFlags, ctx, run),
  contacts: (options, ctx, run) => runContacts(options as unknown as ContactFlags, ctx, run),
  score: (options, ctx, run) => runScore(options as unknown as ScoreFlags, ctx, run),
  ...surveyWriters,
};

export const command = defineCommand({
  ...about("merge"),
  description:
    "A run with --shard i/n computes one of n parts and leaves two files in its folder. Once all " +
    "are there, this writes the very files that the run in one piece would have written, but for " +
    "run.json, which tells of every shard. Shards may share a folder; a shard that was killed " +
    "continues when it is run again. Shards of analyze, score and contacts need their inputs once more, " +
    "and the model's file, but do not run it; those of sae patch, ig and circuit need neither.",
  positionals: [{
    name: "folder",
    description: "where shards are",
    required: true,
    variadic: true,
  }],
  options: {
    ...outputOptions("merge", "the run's files"),
    out: option({
      placeholder: "folder",
      parse: parse.path,
      description: "where the run's files go",
      defaultText: "the run's own: out/analyze, out/sae-patch …",
      group: "Output",
    }),
  },
  examples: [
    {
      command: "deno task sae patch --shard 1/2 --out parts && " +
        "deno task sae patch --shard 2/2 --out parts && deno task merge parts",
      shows: "the 20 mutations of `sae patch` in two parts",
    },
    {
      command: "deno task analyze --table data/a2a_sites.csv --shard 1/2 --out parts && " +
        "deno task analyze --table data/a2a_sites.csv --shard 2/2 --out parts && " +
        "deno task merge parts",
      shows: "many proteins in two parts",
    },
  ],
  run: (o, ctx) => runMerge(o, ctx, writers),
});

if (import.meta.main) await runCommand(command, Deno.args);
