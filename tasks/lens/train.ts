/** Trains a tuned lens. */
import { defineCommand, option, type OptionValues } from "../../lib/cli/command.ts";
import type { CommandContext } from "../../lib/cli/context.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { DEFAULT_TOKENS, trainLensToFile } from "../../lib/lens/train/run.ts";
import { modelOptions, tokenBudgetOption } from "../../lib/model_options.ts";
import { parseValidation } from "../../lib/train/data.ts";

const data = { group: "Data" }, how = { group: "Training" };
const share = parse.number({ min: 0, max: 1 });

const options = {
  fasta: option({
    ...data,
    placeholder: "file",
    parse: parse.path,
    required: true,
    description: "sequences to train on; read where needed, so of any size",
  }),
  validation: option({
    ...data,
    placeholder: "file|share",
    parse: parseValidation,
    default: 0.01,
    description: "sequences to measure on: another FASTA file, or a share held out",
  }),
  validationTokens: option({
    ...data,
    placeholder: "number",
    parse: parse.positiveInteger(),
    default: 50_000,
    description: "tokens to measure on, at most",
  }),
  maxLength: option({
    ...data,
    placeholder: "residues",
    parse: parse.positiveInteger(100_000),
    default: 1022,
    description: "a longer sequence gives a random window of that length in each epoch",
  }),
  hidden: option({
    ...data,
    placeholder: "share",
    parse: parse.number({ min: 1e-6, max: 1 }),
    default: 0.15,
    description: "share of the residues that are hidden, and learnt from",
  }),
  tokens: option({
    ...how,
    placeholder: "number",
    parse: parse.positiveInteger(),
    description: "residues to read, hidden or not, through the file as often as needed",
    defaultText: String(DEFAULT_TOKENS),
  }),
  epochs: option({
    ...how,
    placeholder: "number",
    parse: parse.positiveInteger(),
    description: "passes through the file, instead of --tokens",
  }),
  batch: option({
    ...how,
    placeholder: "tokens",
    parse: parse.positiveInteger(1_000_000),
    default: 4096,
    description: "residues of one step, hidden or not",
  }),
  learningRate: option({
    ...how,
    placeholder: "number",
    parse: parse.number({ min: 0, max: 1 }),
    description: "Adam's learning rate",
    defaultText: "0.03 / sqrt(width)",
  }),
  warmUp: option({
    ...how,
    placeholder: "share",
    parse: share,
    default: 0.05,
    description: "share of the training over which the learning rate rises",
  }),
  decay: option({
    ...how,
    placeholder: "share",
    parse: share,
    default: 0.95,
    description: "share at the end over which it falls to zero",
  }),
  clip: option({
    ...how,
    placeholder: "number",
    parse: parse.number({ min: 1e-9 }),
    default: 1,
    description: "longest gradient of a layer's step",
  }),
  seed: option({
    ...how,
    placeholder: "number",
    parse: parse.seed,
    default: 1,
    description: "of all random choices",
  }),
  ...modelOptions,
  ...tokenBudgetOption,
  out: option({
    placeholder: "file",
    parse: parse.path,
    default: "lens.safetensors",
    description: "the lens; a card (.md) is written beside it",
    group: "Output",
  }),
};

export const command = defineCommand({
  name: "train",
  summary: "Train a tuned lens for any model",
  description:
    "For each number of blocks an affine map h + A h + b of the residual stream, which starts as the " +
    "identity and learns to make what the head then says what it says in the end: least " +
    "KL(last ‖ lens) over all 33 tokens at residues that are hidden (Belrose et al. 2023). Ctrl-C " +
    "saves the state; the same command continues there, with the same result.",
  options,
  examples: [
    {
      command: "deno task lens train --fasta proteins.fasta --out tuned.safetensors",
      shows: "a tuned lens of the embedded model",
    },
    {
      command: "deno task lens train --fasta uniref50.fasta --model esm2_t33_650M_UR50D " +
        "--tokens 20000000 --out lens_650M.safetensors",
      shows: "one of the 650M model",
    },
  ],
  run: (o: OptionValues<typeof options>, ctx: CommandContext) => trainLensToFile(o, ctx),
});
