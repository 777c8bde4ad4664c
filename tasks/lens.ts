/** What each layer already knows: the head read after every block. */
import { type Command, defineCommand, flag, option } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import type { CommandGroup } from "../lib/cli/group.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { runLens } from "../lib/lens/run.ts";
import { TABLES } from "../lib/lens/tables.ts";
import { modelOptions, tokenBudgetOption } from "../lib/model_options.ts";
import { outputOptions, runOptions } from "../lib/output_options.ts";
import { maxLengthOption, proteinsOptions, targetOptions } from "../lib/proteins/options.ts";
import { command as train } from "./lens/train.ts";

const options = {
  ...proteinsOptions,
  table: option({
    placeholder: "file",
    parse: parse.path,
    description: "many proteins: CSV with columns id and sequence (or fasta_id with --fasta), " +
      "mutations and offset where there are some",
    group: "Input",
  }),
  mutations: option({
    placeholder: "list",
    parse: parse.text,
    description: "substitutions to compare with the wild type layer by layer: W8G,A10G:K20R",
    group: "Input",
  }),
  offset: targetOptions.offset,
  ...maxLengthOption,
  unmasked: flag({
    description: "read residues that the model sees, in one run, instead of hiding each in a copy",
    group: "Lens",
  }),
  tuned: option({
    placeholder: "file",
    parse: parse.nameOrPath,
    description: "also read through a tuned lens: a file of `lens train`, embedded, or none",
    defaultText: "the embedded model's own where residues are hidden, else none",
    group: "Lens",
  }),
  ...modelOptions,
  ...tokenBudgetOption,
  ...outputOptions("lens", "lens.csv, layers.csv, decided.csv, run.json and report.html"),
  ...runOptions,
};

const alone = defineCommand({
  ...about("lens"),
  description:
    "The logit lens: the final LayerNorm and the language-model head, applied to the residual stream " +
    "after every block. For each residue and layer the letter that the model would predict there, the " +
    "rank and log probability of the sequence's letter, entropy, and the divergence of the last " +
    "layer's prediction from it (KL, nats), all among the 20 amino acids; and the layer from which " +
    "the prediction stays. Each residue is hidden in a copy of the sequence, as many runs as there " +
    "are residues; --unmasked reads them all in one run in which the model sees the letters. A tuned " +
    "lens (Belrose et al. 2023) brings each layer's states to where the head reads by an affine map, " +
    "trained with `deno task lens train`. With --mutations the score of each at every layer, and what " +
    "it changes of the predictions of all other residues, which takes the runs of one more protein " +
    "for each. Without input it runs the J-domain of Sis1 (81 residues) on the embedded model.",
  options,
  examples: [
    { command: "deno task lens", shows: "a J-domain on the embedded model, both lenses" },
    {
      command: "deno task lens --sequence NLYIQWLKDGGPSSGRPPPS --mutations W6G",
      shows: "from which layer on a mutation counts as harmful, and what else it changes",
    },
    {
      command: "deno task lens --fasta data/sis1.fasta --model esm2_t33_650M_UR50D " +
        "--tuned lens_650M.safetensors",
      shows: "your own protein on the 650M model with a lens that you have trained",
    },
    {
      command:
        "deno task lens --fasta proteins.fasta --unmasked --no-report --shard 1/4 --out parts",
      shows: "the first of four parts of many proteins; `deno task merge parts` when all are there",
    },
  ],
  tables: TABLES,
  run: runLens,
});

export const command: CommandGroup = {
  ...about("lens"),
  alone: alone as Command,
  commands: [train] as readonly Command[],
  examples: [],
};

if (import.meta.main) await runCommand(command, Deno.args);
