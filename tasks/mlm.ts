/** Masked language modelling: how well a model says hidden residues, and how it is taught to. */
import { defineCommand, flag, option, type OptionValues } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import type { CommandContext } from "../lib/cli/context.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { UserError } from "../lib/errors.ts";
import { parseShape, parseShare, parseWeights } from "../lib/mlm/parse.ts";
import { type EvaluateFlags, runEvaluate } from "../lib/mlm/run_evaluate.ts";
import { CURVE, runTrain } from "../lib/mlm/run_train.ts";
import { SCHEDULES } from "../lib/mlm/train.ts";
import { ALL, LETTERS, PROTEINS } from "../lib/mlm/tables.ts";
import { modelOptions, tokenBudgetOption } from "../lib/model_options.ts";
import { modelDType, outputOptions, runOptions } from "../lib/output_options.ts";
import { proteinsOptions } from "../lib/proteins/options.ts";
import type { MergedRun } from "../lib/run/merge.ts";

const hiding = { group: "Hidden residues" }, training = { group: "Training" };
const share = parse.number({ min: 0, max: 1 }), rate = parse.number({ min: 0, max: 10 });

const options = {
  ...proteinsOptions,
  fasta: option({
    placeholder: "files",
    parse: parse.paths,
    description:
      "protein sequences, or alignments, whose gaps are left out; several by commas for " +
      "a training",
    group: "Input",
  }),
  evaluate: flag({ description: "measure, and train nothing (the default)", group: "Input" }),
  ...modelOptions,
  ...tokenBudgetOption,
  maskShare: option({
    ...hiding,
    placeholder: "share",
    parse: parseShare,
    default: 0.15 as number | readonly [number, number],
    description: "of residues that are asked for; 0.1-0.25 draws one for each sequence",
  }),
  masked: option({
    ...hiding,
    placeholder: "share",
    parse: share,
    description: "of these that become <mask>",
    defaultText: "1 where it measures, 0.8 in training",
  }),
  replaced: option({
    ...hiding,
    placeholder: "share",
    parse: share,
    description: "of these that become another letter; the rest stays",
    defaultText: "0 where it measures, 0.1 in training",
  }),
  letters: option({
    ...hiding,
    placeholder: "choice",
    parse: parse.choice("residues", "hf"),
    default: "residues" as const,
    description: "that replace: residues, or hf (any of the 33 tokens, as Hugging Face's collator)",
  }),
  exact: flag({
    ...hiding,
    description: "hide every residue in a copy of its own (pseudo-perplexity)",
  }),
  seed: option({
    ...hiding,
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of all that is drawn",
  }),
  tokens: option({
    ...training,
    placeholder: "number",
    parse: parse.positiveInteger(),
    description: "train on so many tokens",
  }),
  new: option({
    ...training,
    placeholder: "layers,width,heads",
    parse: parseShape,
    description: "a model from scratch instead of going on with --model",
  }),
  weights: option({
    ...training,
    placeholder: "list",
    parse: parseWeights,
    description: "how often each file of --fasta is drawn from: 1,2",
    defaultText: "all the same",
  }),
  clusters: option({
    ...training,
    placeholder: "files",
    parse: parse.paths,
    description: "cluster and member a line, tab between (mmseqs2), for each file of --fasta: " +
      "clusters are drawn, and held out, whole",
    defaultText: "every sequence for itself",
  }),
  validation: option({
    ...training,
    placeholder: "share",
    parse: parse.number({ min: 0, max: 0.5 }),
    default: 0.01,
    description: "of the clusters that are held out",
  }),
  validationSequences: option({
    ...training,
    placeholder: "number",
    parse: parse.positiveInteger(),
    default: 500,
    description: "to measure on, at most, of each file",
  }),
  batch: option({
    ...training,
    placeholder: "tokens",
    parse: parse.positiveInteger(10_000_000),
    default: 8192,
    description: "of a step",
  }),
  windows: option({
    ...training,
    placeholder: "share",
    parse: parseShare,
    default: 1 as number | readonly [number, number],
    description: "of a sequence that is seen at once; 0.4-1 draws one for each",
  }),
  flanks: option({
    ...training,
    placeholder: "residues",
    parse: parse.integer({ min: 0, max: 10_000 }),
    default: 0,
    description:
      "of other sequences before and after, each drawn up to so many: domains stand in proteins",
  }),
  crop: option({
    ...training,
    placeholder: "residues",
    parse: parse.positiveInteger(100_000),
    default: 254,
    description: "a longer sequence gives a random window",
  }),
  optimiser: option({
    ...training,
    placeholder: "name",
    parse: parse.choice("muon", "adamw"),
    default: "muon" as const,
    description: "of matrices within the blocks: muon, or adamw as of all else",
  }),
  matrixRate: option({
    ...training,
    placeholder: "number",
    parse: rate,
    default: 0.006,
    description: "Muon's learning rate",
  }),
  learningRate: option({
    ...training,
    placeholder: "number",
    parse: rate,
    default: 0.002,
    description: "Adam's learning rate",
  }),
  decay: option({
    ...training,
    placeholder: "number",
    parse: rate,
    default: 0.02,
    description: "weight decay of matrices",
  }),
  schedule: option({
    ...training,
    placeholder: "name",
    parse: parse.choice(...SCHEDULES),
    default: SCHEDULES[0],
    description: "how rates fall: linear at the end, or cosine all the way",
  }),
  warmUp: option({
    ...training,
    placeholder: "share",
    parse: share,
    default: 0.02,
    description: "of the training over which rates rise",
  }),
  cooling: option({
    ...training,
    placeholder: "share",
    parse: share,
    default: 0.98,
    description: "of the training over which rates fall to zero, at its end (linear)",
  }),
  average: option({
    ...training,
    placeholder: "share",
    parse: parse.number({ min: 0, max: 1 }),
    defaultText: "the weights themselves",
    description: "keep a running mean of the weights, of which this share stays in a step (0.999)",
  }),
  patience: option({
    ...training,
    placeholder: "checks",
    parse: parse.positiveInteger(),
    defaultText: "train to the end",
    description: "stop after so many of 20 checks on held-out sequences without a better one",
  }),
  clip: option({
    ...training,
    placeholder: "number",
    parse: parse.number({ min: 0 }),
    default: 1,
    description: "longest gradient",
  }),
  dtype: modelDType,
  ...outputOptions(
    "mlm",
    "proteins.csv and letters.csv, or the model with its card and curve.csv,",
  ),
  ...runOptions,
};

/** Runs a training where tokens are given, else an evaluation. */
async function run(
  o: OptionValues<typeof options>,
  ctx: CommandContext,
  merged?: MergedRun,
): Promise<void> {
  // Shards have kept what the evaluation was given.
  if (merged) return await runEvaluate(o as unknown as EvaluateFlags, ctx, merged);
  const { fasta = [], tokens, crop, maskShare, masked, replaced, letters, ...rest } = o;
  if (tokens === undefined) {
    const flag = ([["--new", o.new], ["--weights", o.weights], ["--clusters", o.clusters], [
      "--dtype",
      o.dtype === "f32" ? undefined : o.dtype,
    ]] as const)
      .find(([, value]) => value !== undefined)?.[0];
    if (flag) throw new UserError(`Cannot use ${flag} as --tokens must say how long to train`);
    if (fasta.length > 1) {
      throw new UserError(
        `Cannot evaluate as --fasta must be one file: current count is ${fasta.length}`,
      );
    }
    const corruption = { share: maskShare, masked: masked ?? 1, replaced: replaced ?? 0, letters };
    const flags = { ...rest, fasta: fasta[0], corruption };
    return await runEvaluate(flags, ctx);
  }
  if (o.evaluate) {
    throw new UserError(
      "Cannot use --evaluate together with --tokens as only one of them may be given",
    );
  }
  const single = ([["--sequence", o.sequence], ["--id", o.id], ["--shard", o.shard]] as const)
    .find(([, value]) => value !== undefined)?.[0];
  if (single) {
    throw new UserError(`Cannot use ${single} as a training reads whole files of --fasta`);
  }
  if (fasta.length === 0) throw new UserError("Cannot train as --fasta must name sequences");
  await runTrain({
    ...{ ...rest, fasta, tokens, maskShare, letters, maxLength: crop },
    ...{ masked: masked ?? 0.8, replaced: replaced ?? 0.1 },
  }, ctx);
}

export const command = defineCommand({
  ...about("mlm"),
  description:
    "Hides residues and asks the model for them. Without --tokens it measures: loss, perplexity and " +
    "accuracy by protein and by letter, beside what letters' frequencies, neighbouring letters and the " +
    "protein's own composition give. With --tokens it trains all weights, of a new model (--new) or of " +
    "one that is there, and writes a Hugging Face folder that every command opens with --model. " +
    "Sequences are drawn cluster by cluster, with replacement, all from --seed; a stopped training " +
    "goes on when the same command is given again, to the same bytes. Without input it measures the " +
    "embedded model on four proteins.",
  options,
  examples: [
    { command: "deno task mlm", shows: "the embedded model on four proteins" },
    {
      command: "deno task mlm --fasta proteins.fasta --exact",
      shows: "pseudo-perplexity of every protein",
    },
    {
      command: "deno task mlm --fasta family.fasta --tokens 2000000 --out family-model",
      shows: "the embedded model goes on with a family",
    },
    {
      command: "deno task mlm --fasta a.fasta,b.sto --weights 2,1 --new 4,128,8 --tokens 40000000",
      shows: "a new model of 0.8 million parameters",
    },
  ],
  tables: [PROTEINS, LETTERS, ALL, CURVE],
  run,
});

if (import.meta.main) await runCommand(command, Deno.args);
