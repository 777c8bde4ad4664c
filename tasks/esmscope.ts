/** All commands under one name: `esmscope analyze …`; alone it lists them. */
import { commands } from "../lib/cli/commands.ts";
import { completionScript, SHELLS } from "../lib/cli/completion.ts";
import { defineCommand, flag, option } from "../lib/cli/command.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { formatTable } from "../lib/cli/table.ts";
import { loadCommand } from "./commands.ts";
import { VERSION } from "../lib/version.ts";

export const command = defineCommand({
  name: "esmscope",
  summary: "See inside ESM-2: which attention heads and sparse features carry what",
  description:
    "Lists the commands; with a command's name it runs it. Every command explains itself with " +
    "--help.",
  options: {
    version: flag({ description: "print the version" }),
    completion: option({
      placeholder: "shell",
      parse: parse.choice(...SHELLS),
      description: `print what completes commands and options in ${SHELLS.join(", ")}`,
    }),
  },
  examples: [{ command: "deno task analyze --help", shows: "explains one command" }],
  async run({ version, completion }, ctx) {
    if (version) return ctx.print(VERSION);
    if (completion) return ctx.print(await completionScript(completion, loadCommand));
    ctx.print(`${command.summary}.\n`);
    ctx.print(
      formatTable(
        [{ header: "command" }, { header: "what it does" }],
        commands.map(({ name, summary }) => [name, summary]),
      ),
    );
    ctx.print("\nExamples:");
    for (const { example } of commands) ctx.print(`  ${example}`);
    ctx.print("\nEvery command explains itself: deno task NAME --help");
  },
});

if (import.meta.main) {
  const [name, ...rest] = Deno.args;
  const chosen = commands.find((one) => one.name === name);
  await (chosen
    ? runCommand(await loadCommand(chosen.name), rest)
    : runCommand(command, Deno.args));
}
