/** Puts the shards of a `sae` run together. */
import { runMerge } from "../../lib/causal/sweep/run_merge.ts";
import { outputOptions } from "../../lib/causal/options.ts";
import { defineCommand } from "../../lib/cli/command.ts";

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
  options: outputOptions("the run's files"),
  examples: [
    {
      command: "deno task sae patch --shard 1/2 --out parts && " +
        "deno task sae patch --shard 2/2 --out parts && deno task sae merge parts --out out",
      shows: "the 20 mutations of `sae patch` in two parts",
    },
  ],
  run: runMerge,
});
