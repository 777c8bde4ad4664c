/** The commands themselves, each loaded only when it is asked for. */
import type { Command } from "../lib/cli/command.ts";
import { commands } from "../lib/cli/commands.ts";
import { type CommandGroup, commandsOf } from "../lib/cli/group.ts";

const LOADERS: Readonly<
  Record<typeof commands[number]["name"], () => Promise<{ command: unknown }>>
> = {
  analyze: () => import("./analyze.ts"),
  bench: () => import("./bench.ts"),
  contacts: () => import("./contacts.ts"),
  embed: () => import("./embed.ts"),
  fetch: () => import("./fetch.ts"),
  finetune: () => import("./finetune.ts"),
  fold: () => import("./fold.ts"),
  lens: () => import("./lens.ts"),
  merge: () => import("./merge.ts"),
  probe: () => import("./probe.ts"),
  mlm: () => import("./mlm.ts"),
  sae: () => import("./sae.ts"),
  score: () => import("./score.ts"),
  verify: () => import("./verify.ts"),
};

/** The command, or the group, of a name of the registry. */
export async function loadCommand(name: string): Promise<Command | CommandGroup> {
  return (await LOADERS[name as keyof typeof LOADERS]()).command as Command | CommandGroup;
}

/** Every command, those of groups under both words: `sae patch`. */
export async function loadAll(): Promise<{ path: string; command: Command }[]> {
  const loaded = await Promise.all(commands.map(({ name }) => loadCommand(name)));
  return loaded.flatMap((one) =>
    "commands" in one ? commandsOf(one) : [{ path: one.name, command: one }]
  );
}
