/** Puts the shards of a `sae` run together. */
import { runMerge } from "../../lib/causal/sweep/run_merge.ts";
import { defineCommand, option } from "../../lib/cli/command.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { outputOptions } from "../../lib/output_options.ts";

export const command = defineCommand({
  name: "merge",
  summary: "Put the shards of a patch, ig or circuit run together",
  description:
    "A run with --shard i/n computes one of n parts and leaves two files in its folder. Once all " +
    "are there, this writes the very files that the run in one piece would have written, but for " +
    "run.json, which tells of every shard. It needs neither model nor inputs. Shards may share a " +
    "folder; a shard that was killed continues when it is run again.",
  positionals: [{
    name: "folder",
    description: "where shards are",
    required: true,
    variadic: true,
  }],
  options: {
    ...outputOptions("sae merge", "the run's files"),
    out: option({
      placeholder: "folder",
      parse: parse.path,
      description: "where the run's files go",
      defaultText: "the run's own: out/sae-patch, out/sae-ig or out/sae-circuit",
      group: "Output",
    }),
  },
  examples: [
    {
      command: "deno task sae patch --shard 1/2 --out parts && " +
        "deno task sae patch --shard 2/2 --out parts && deno task sae merge parts",
      shows: "the 20 mutations of `sae patch` in two parts",
    },
  ],
  run: runMerge,
});
