/** Lists the commands of esmscope. */
import { defineCommand } from "../lib/cli/command.ts";
import { commands } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import { formatTable } from "../lib/cli/table.ts";

export const command = defineCommand({
  name: "esmscope",
  summary: "See inside ESM-2: which attention heads and sparse features carry what",
  description: "Lists the commands. Every command explains itself with --help.",
  options: {},
  examples: [{ command: "deno task analyze --help", shows: "explains one command" }],
  run: (_, ctx) => {
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

if (import.meta.main) await runCommand(command, Deno.args);
