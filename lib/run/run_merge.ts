/** The `merge` command: shards of one run become what the run in one piece would have written. */
import type { CommandContext } from "../cli/context.ts";
import { asMeant, defaultFolder } from "../cli/standing.ts";
import { quote, UserError } from "../errors.ts";
import { mergeShards } from "./merge.ts";

export interface MergeFlags {
  /** @default that of the run that was split */
  out?: string;
  json: boolean;
}

/** A command that can be split: its own run, told of shards. */
export interface SplitCommand {
  run(options: never, ctx: CommandContext, merged?: unknown): void | Promise<void>;
}

/**
 * Runs the command.
 *
 * @param find gives the command of a name, `sae patch`, where it can be split
 * @throws {UserError} unless the folders hold every shard of one run
 */
export async function runMerge(
  o: MergeFlags,
  ctx: CommandContext,
  find: (name: string) => Promise<SplitCommand | undefined>,
): Promise<void> {
  using run = await mergeShards(ctx.args.map((folder) => asMeant(folder)));
  const { settings: { command }, options, notes } = run;
  const split = await find(command);
  if (!split) {
    throw new UserError(
      `Cannot merge shards as they must be of a command with --shard: current value is ${
        quote(command)
      }`,
    );
  }
  for (const note of notes) ctx.note(note);
  const own = { out: o.out ?? asMeant(defaultFolder(command)), json: o.json };
  await split.run({ ...options, ...own } as never, ctx, run);
}
