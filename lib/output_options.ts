/** The options by which commands are told where results go. */
import { flag, option } from "./cli/command.ts";
import * as parse from "./cli/parsers.ts";

/** The folder a command writes to unless told otherwise: one of its own, below `out`. */
export function defaultFolder(command: string): string {
  return `out/${command.replaceAll(" ", "-")}`;
}

/**
 * @param command as run.json names it: `sae patch`
 * @param files what the folder will hold
 */
export const outputOptions = (command: string, files: string) => ({
  out: option({
    placeholder: "folder",
    parse: parse.path,
    default: defaultFolder(command),
    description: `where ${files} go`,
    group: "Output",
  }),
  json: flag({ description: "print JSON instead of tables", group: "Output" }),
});
