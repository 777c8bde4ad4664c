/** What sparse autoencoders find inside ESM-2, and what their latents cause. */
import type { Command } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import type { CommandGroup } from "../lib/cli/group.ts";
import { runCommand } from "../lib/cli/main.ts";
import { command as merge } from "./merge.ts";
import { command as circuit } from "./sae/circuit.ts";
import { command as encode } from "./sae/encode.ts";
import { command as ig } from "./sae/ig.ts";
import { command as latents } from "./sae/latents.ts";
import { command as patch } from "./sae/patch.ts";
import { command as steer } from "./sae/steer.ts";
import { command as train } from "./sae/train.ts";

/** Each in a file of its own, in the order of the help. */
const commands = [
  encode,
  train,
  patch,
  ig,
  circuit,
  steer,
  latents,
  merge,
] as readonly Command[];

export const command: CommandGroup = {
  ...about("sae"),
  commands,
  examples: [
    {
      command: "deno task sae encode --fasta data/a2a.fasta",
      shows: "the latents of the embedded model's middle layer on the A2A receptor",
    },
  ],
};

if (import.meta.main) await runCommand(command, Deno.args);
