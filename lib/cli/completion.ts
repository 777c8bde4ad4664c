/** What a shell completes: commands, commands of groups, and options. */
import type { Command, Options } from "./command.ts";
import { commands } from "./commands.ts";
import type { CommandGroup } from "./group.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

/** Gives the command of a name. */
type Load = (name: string) => Promise<Command | CommandGroup>;

/** Words that may follow `esmscope` and each of its commands. */
async function words(load: Load): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>([["", commands.map(({ name }) => name)]]);
  for (const { name } of commands) {
    const command = await load(name);
    if ("commands" in command) {
      const { alone, commands } = command;
      found.set(name, [
        ...commands.map((one) => one.name),
        ...(alone ? flagsOf(alone.options) : []),
      ]);
      for (const one of commands) found.set(`${name} ${one.name}`, flagsOf(one.options));
    } else found.set(name, flagsOf(command.options));
  }
  return found;
}

/** `--head-count` of `headCount`; flags that are on by default are switched off. */
function flagsOf(options: Options): string[] {
  const named = Object.entries(options).map(([key, { kind, default: value }]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return kind === "flag" && value === true ? `--no-${name}` : `--${name}`;
  });
  return [...named, "--help", "--quiet"];
}

/**
 * A script to be read by the shell's start-up file.
 *
 * @example `esmscope --completion bash >> ~/.bashrc`
 */
export async function completionScript(shell: Shell, load: Load): Promise<string> {
  const all = [...await words(load)];
  if (shell === "fish") {
    return all.flatMap(([after, list]) => {
      const seen = after === ""
        ? "__fish_use_subcommand"
        : after.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
      return list.map((word) =>
        `complete -c esmscope -f -n '${seen}' ` +
        (word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`)
      );
    }).join("\n");
  }
  const cases = all.map(([after, list]) => `    "${after}") words="${list.join(" ")}" ;;`);
  const bash = [
    "_esmscope() {",
    '  local words before="${COMP_WORDS[*]:1:COMP_CWORD-1}"',
    // The command, and of a group its own.
    '  before="${before%% -*}"',
    '  case "$before" in',
    ...cases,
    "    *) return ;;",
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    "}",
    "complete -o default -F _esmscope esmscope",
  ].join("\n");
  return shell === "bash" ? bash : `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
}
