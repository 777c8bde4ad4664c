/** Puts the shards of a run together. */
import { runCircuit } from "../lib/causal/run_circuit.ts";
import { runIg } from "../lib/causal/run_ig.ts";
import { runPatch } from "../lib/causal/run_patch.ts";
import { defineCommand, option } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { runContacts } from "../lib/contacts/run.ts";
import { outputOptions } from "../lib/output_options.ts";
import { runMerge, writerOf } from "../lib/run/run_merge.ts";
import { runEncode } from "../lib/sae/encode/run.ts";
import { runLatents } from "../lib/sae/latents/run.ts";
import { runAnalyze } from "../lib/sites/run.ts";
import { runScore } from "../lib/variants/run.ts";

/** By the name of the command that was split. */
const writers = {
  analyze: writerOf(runAnalyze),
  contacts: writerOf(runContacts),
  score: writerOf(runScore),
  "sae patch": writerOf(runPatch),
  "sae ig": writerOf(runIg),
  "sae circuit": writerOf(runCircuit),
  "sae encode": writerOf(runEncode),
  "sae latents": writerOf(runLatents),
};

export const command = defineCommand({
  ...about("merge"),
  description:
    "A run with --shard i/n computes one of n parts and leaves two files in its folder. Once all " +
    "are there, this writes the very files that the run in one piece would have written, but for " +
    "run.json, which tells of every shard. Shards may share a folder; a shard that was killed " +
    "continues when it is run again. The inputs are read once more, and must be those of the " +
    "shards, as must the files of the model and of autoencoders; neither runs.",
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
