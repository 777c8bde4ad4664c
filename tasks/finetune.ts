/** Teaching a model to tell something of proteins or residues: its head, an adapter, or all of it. */
import { defineCommand } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import { options } from "../lib/finetune/options.ts";
import { type FinetuneFlags, runFinetune } from "../lib/finetune/run.ts";
import { TABLES } from "../lib/finetune/tables.ts";
import type { MergedRun } from "../lib/run/merge.ts";

export const command = defineCommand({
  ...about("finetune"),
  description:
    "Teaches a model with labels of proteins or of their residues: a head on the frozen model, an " +
    "adapter beside its weights (LoRA), or every weight; several modes are compared. Validation after " +
    "each epoch chooses what is kept; the test set says how good it is, with 95 % intervals, and " +
    "masked residues what the model has forgotten. Writes Hugging Face's folders, of LoRA PEFT's. A " +
    "stopped training goes on when the same command is given again, to the same bytes. With --apply " +
    "it predicts, with its own folders and others' fine-tuned ESM-2. Without input it teaches the " +
    "embedded model the secondary structure of 240 proteins.",
  options,
  examples: [
    { command: "deno task finetune", shows: "secondary structure, residue by residue, with LoRA" },
    {
      command:
        "deno task finetune --fasta ER.fasta,Golgi.fasta,nuclear.fasta --mode frozen,lora,full",
      shows: "a file a class; what each mode gives, costs and forgets",
    },
    {
      command: "deno task finetune --table DMS.csv --mode full --learning-rate 0.0001",
      shows: "regression on a ProteinGym assay's DMS_score",
    },
    {
      command:
        "deno task finetune --table sites.csv --label sites --task residue --class-weights balanced",
      shows: "a letter a residue, - where there is no label",
    },
    {
      command: "deno task finetune --apply out/finetune --fasta new.fasta",
      shows: "what the taught model says of other proteins",
    },
  ],
  tables: TABLES,
  run: (o, ctx, merged) => runFinetune(o as FinetuneFlags, ctx, merged as MergedRun | undefined),
});

if (import.meta.main) await runCommand(command, Deno.args);
