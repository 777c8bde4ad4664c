/** The merge command: shards of one run become what the run in one piece would have written. */
import type { CommandContext } from "../../cli/context.ts";
import { quote, UserError } from "../../errors.ts";
import { defaultFolder } from "../../output_options.ts";
import type { MergedSurvey } from "../command.ts";
import {
  type LegacyFlags,
  type LegacyPatchFlags,
  runLegacyIg,
  runLegacyPatch,
} from "../legacy/run.ts";
import { type CircuitFlags, runCircuit } from "../run_circuit.ts";
import { type IgFlags, runIg } from "../run_ig.ts";
import { type PatchFlags, runPatch } from "../run_patch.ts";
import { mergeShards } from "./merge.ts";

export interface MergeFlags {
  /** @default that of the run that was split */
  out?: string;
  json: boolean;
}

/** What writes the results of each command that has shards. */
const WRITERS: Record<
  string,
  (options: unknown, ctx: CommandContext, merged: MergedSurvey) => Promise<void>
> = {
  patch: (options, ctx, merged) =>
    isLegacy(options)
      ? runLegacyPatch(options as LegacyPatchFlags, ctx, merged)
      : runPatch(options as PatchFlags, ctx, merged),
  ig: (options, ctx, merged) =>
    isLegacy(options)
      ? runLegacyIg(options as LegacyFlags, ctx, merged)
      : runIg(options as IgFlags, ctx, merged),
  circuit: (options, ctx, merged) => runCircuit(options as CircuitFlags, ctx, merged),
};

function isLegacy(options: unknown): boolean {
  return (options as Partial<LegacyFlags>).legacy !== undefined;
}

/** Runs the command. @throws {UserError} unless the folders hold every shard of one run */
export async function runMerge(o: MergeFlags, ctx: CommandContext): Promise<void> {
  const { command, options, notes, ...merged } = await mergeShards(ctx.args);
  if (!Object.hasOwn(WRITERS, command)) {
    throw new UserError(
      `Cannot merge shards as they must be of one of ${Object.keys(WRITERS).join(", ")}: ` +
        `current value is ${quote(command)}`,
    );
  }
  for (const note of notes) ctx.note(note);
  // Results are there already: the sequences they were compared with are not needed.
  const own = {
    background: undefined,
    out: o.out ?? defaultFolder(`sae ${command}`),
    json: o.json,
  };
  await WRITERS[command]({ ...options, ...own }, ctx, merged);
}
