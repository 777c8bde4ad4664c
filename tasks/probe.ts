/** What layers know: linear probes of the frozen model, with baselines. */
import { defineCommand } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import { options } from "../lib/probe/options.ts";
import { runProbe } from "../lib/probe/run.ts";
import { TABLES } from "../lib/probe/tables.ts";

export const command = defineCommand({
  ...about("probe"),
  description:
    "Trains a linear read-out on every layer of the frozen model, logistic regression for classes and " +
    "ridge regression for numbers, and says what it tells of proteins that it has not seen, with " +
    "95 % intervals, against the same read-out of the letters alone, of shuffled labels and of a " +
    "model with random weights. Penalty and layer are chosen by a validation set. Without input it " +
    "probes the embedded model for the secondary structure of 240 proteins.",
  options,
  examples: [
    { command: "deno task probe", shows: "secondary structure, residue by residue" },
    {
      command: "deno task probe --fasta ER.fasta,Golgi.fasta,nuclear.fasta",
      shows: "a file a class; proteins of similar sequence stay on one side of the split",
    },
    {
      command: "deno task probe --fasta sequences.fasta --labels sampled.fasta --mask mask.fasta",
      shows: "FLIP's secondary structure with its own split",
    },
    {
      command: "deno task probe --table sampled.csv --label target --pool mean,max",
      shows: "numbers of a table with columns sequence, target, set, validation",
    },
    {
      command: "deno task probe --table proteins.csv --label place --group family --on sae",
      shows: "latents of an autoencoder beside the layers, and which of them tell a class",
    },
    {
      command: "deno task probe --apply out/probe/head.safetensors --fasta new.fasta",
      shows: "what a trained probe says of other proteins",
    },
  ],
  tables: TABLES,
  run: runProbe,
});

if (import.meta.main) await runCommand(command, Deno.args);
