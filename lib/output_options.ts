/** The options by which commands are told where results go, and how much of a run to do. */
import { flag, option } from "./cli/command.ts";
import * as parse from "./cli/parsers.ts";
import { asMeant, defaultFolder } from "./cli/standing.ts";
import { MODEL_DTYPES } from "./run/save_model.ts";
import { parseShard } from "./run/shards.ts";

/**
 * @param command as run.json names it: `sae patch`
 * @param files what the folder will hold
 */
export const outputOptions = (command: string, files: string) => ({
  out: option({
    placeholder: "folder",
    parse: parse.path,
    default: asMeant(defaultFolder(command)),
    defaultText: defaultFolder(command),
    description: `where ${files} go`,
    group: "Output",
  }),
  json: flag({ description: "print JSON instead of tables", group: "Output" }),
});

/** Of every command that works through many things. */
export const runOptions = {
  shard: option({
    placeholder: "i/n",
    parse: parseShard,
    description: "compute the i-th of n parts, for `deno task merge`",
    group: "Output",
  }),
  report: flag({ description: "draw no report.html", group: "Output", default: true }),
};

/** Of every command that writes a model for others to open. */
export const modelDType = option({
  placeholder: "type",
  parse: parse.choice(...MODEL_DTYPES),
  default: MODEL_DTYPES[0],
  description: "of the weights that are written: f32, or f16 in half the room",
  group: "Output",
});
