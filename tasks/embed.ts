/** Vectors of proteins and residues from any layer. */
import { defineCommand } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import { options } from "../lib/embed/options.ts";
import { runEmbed } from "../lib/embed/run.ts";
import { TABLES } from "../lib/embed/tables.ts";

export const command = defineCommand({
  ...about("embed"),
  description:
    "Runs any number of proteins once and writes the states of chosen layers, pooled to a vector a " +
    "protein or residue by residue, as npz or safetensors with ids and lengths beside, and vectors as " +
    "CSV too. Arrays are named as in fair-esm's extract.py: mean_representations.LAYER, " +
    "bos_representations.LAYER (cls), representations.LAYER (none), contacts, logits; and " +
    "max_representations.LAYER, attention_representations.LAYER. Without input it runs the human " +
    "A2A receptor on the embedded model.",
  options,
  examples: [
    { command: "deno task embed", shows: "the A2A receptor, the mean over residues" },
    {
      command:
        "deno task embed --model esm2_t33_650M_UR50D --fasta proteins.fasta --layers 0,12,last",
      shows: "a vector per protein of three layers",
    },
    {
      command: "deno task embed --table proteins.csv --pool mean,cls,max --format safetensors",
      shows: "three vectors per protein, and the table's own columns in proteins.csv",
    },
    {
      command:
        "deno task embed --fasta long.fasta --pool none --long windows --per-protein --dtype f16",
      shows: "every residue of long proteins, a file each",
    },
    {
      command: "deno task embed --fasta proteome.fasta --shard 1/4 --out parts",
      shows: "the first of four parts, for deno task merge",
    },
  ],
  tables: TABLES,
  run: runEmbed,
});

if (import.meta.main) await runCommand(command, Deno.args);
