/** The `merge` command: shards of one run become what the run in one piece would have written. */
import type { CommandContext } from "../cli/context.ts";
import { asMeant, defaultFolder } from "../cli/standing.ts";
import { quote, UserError } from "../errors.ts";
import { type MergedRun, mergeShards } from "./merge.ts";

export interface MergeFlags {
  /** @default that of the run that was split */
  out?: string;
  json: boolean;
}

/** Writes the results of a command's shards, given the options they ran with. */
export type ShardWriter = (
  options: Record<string, unknown>,
  ctx: CommandContext,
  merged: MergedRun,
) => Promise<void>;

/** The command itself, told of shards. */
export function writerOf<Flags>(
  run: (flags: Flags, ctx: CommandContext, merged: MergedRun) => Promise<void>,
): ShardWriter {
  return (options, ctx, merged) => run(options as Flags, ctx, merged);
}

/**
 * Runs the command.
 *
 * @param writers by the name of the command that was split
 * @throws {UserError} unless the folders hold every shard of one run
 */
export async function runMerge(
  o: MergeFlags,
  ctx: CommandContext,
  writers: Readonly<Record<string, ShardWriter>>,
): Promise<void> {
  using run = await mergeShards(ctx.args.map((folder) => asMeant(folder)));
  const { settings: { command }, options, notes } = run;
  if (!Object.hasOwn(writers, command)) {
    throw new UserError(
      `Cannot merge shards as they must be of one of ${Object.keys(writers).join(", ")}: ` +
        `current value is ${quote(command)}`,
    );
  }
  for (const note of notes) ctx.note(note);
  const own = { out: o.out ?? asMeant(defaultFolder(command)), json: o.json };
  await writers[command]({ ...options, ...own }, ctx, run);
}
