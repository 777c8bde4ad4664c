/** Several commands under one name: `deno task sae encode`. */
import { quote, UserError } from "../errors.ts";
import type { Command, Example } from "./command.ts";

export interface CommandGroup {
  /** The name of the task: `deno task NAME COMMAND`. */
  name: string;
  /** One line, for the overview and the head of the help. */
  summary: string;
  /** Further paragraphs of the help. */
  description?: string;
  /** What the group's name alone runs, with options behind it: `deno task lens --fasta …`. */
  alone?: Command;
  /** In the order of the help. */
  commands: readonly Command[];
  examples: Example[];
}

/** Every command of a group with the words that run it. */
export const commandsOf = ({ name, alone, commands }: CommandGroup) => [
  ...(alone ? [{ path: name, command: alone }] : []),
  ...commands.map((command) => ({ path: `${name} ${command.name}`, command })),
];

/** The command that a line asks for, named with its group, and what is left of the line. */
export type Chosen = { help: string } | { command: Command; args: readonly string[] };

/**
 * Chooses among a group's commands by the first argument. Without one, or with an option in its place, it is
 * what the name alone runs; where that is nothing, the help text of the group.
 *
 * @throws {UserError} if the first argument names no command of the group
 */
export function chooseCommand(group: CommandGroup, args: readonly string[]): Chosen {
  const [name, ...rest] = args;
  if (group.alone && (name === undefined || name.startsWith("-"))) {
    return { command: group.alone, args };
  }
  if (name === undefined || name === "--help" || name === "-h") return { help: helpOf(group) };
  const command = group.commands.find((each) => each.name === name);
  if (!command) {
    throw new UserError(
      `Cannot run ${group.name} as the first argument must be one of ` +
        `${group.commands.map((each) => each.name).join(", ")}: current value is ${quote(name)}`,
    );
  }
  return { command: { ...command, name: `${group.name} ${name}` }, args: rest };
}

function helpOf({ name, summary, description, commands, examples }: CommandGroup): string {
  const width = Math.max(...commands.map((each) => each.name.length));
  const list = commands.map((each) => `  ${each.name.padEnd(width)}  ${each.summary}`);
  const shown = examples.flatMap(({ command, shows }) => [`  ${command}`, `      ${shows}`]);
  return [
    `Usage: deno task ${name} <command> [options]`,
    summary,
    ...(description ? [description] : []),
    ["Commands:", ...list].join("\n"),
    `Every command explains itself: deno task ${name} COMMAND --help`,
    ...(shown.length > 0 ? [["Examples:", ...shown].join("\n")] : []),
  ].join("\n\n");
}
