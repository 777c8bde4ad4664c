/** Puts the shards of a run together. */
import { defineCommand, option } from "../lib/cli/command.ts";
import { about, commands } from "../lib/cli/commands.ts";
import { commandsOf } from "../lib/cli/group.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { outputOptions } from "../lib/output_options.ts";
import { runMerge, type SplitCommand } from "../lib/run/run_merge.ts";
import { loadCommand } from "./commands.ts";

/** The command whose run.json has this name, where it can be split. */
async function find(name: string): Promise<SplitCommand | undefined> {
  const [first, second] = name.split(" ");
  if (!commands.some((one) => one.name === first)) return undefined;
  const loaded = await loadCommand(first);
  const command = "commands" in loaded
    ? commandsOf(loaded).find(({ path }) => path === name)?.command
    : second === undefined
    ? loaded
    : undefined;
  return command && Object.hasOwn(command.options, "shard") ? command : undefined;
}

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
  run: (o, ctx) => runMerge(o, ctx, find),
});

// Not awaited: the group sae, which is loaded to merge its shards, imports this module and would wait for it.
if (import.meta.main) void runCommand(command, Deno.args);
