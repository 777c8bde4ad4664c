/** Trains a sparse autoencoder on a layer of a model. */
import { defineCommand, flag, option, type OptionValues } from "../../lib/cli/command.ts";
import type { CommandContext } from "../../lib/cli/context.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../../lib/model_options.ts";
import { parseValidation } from "../../lib/train/data.ts";
import { trainToFile } from "../../lib/sae/train/run.ts";
import { DEFAULT_BUFFER, DEFAULT_TOKENS } from "../../lib/sae/train/settings.ts";

const data = { group: "Data" }, shape = { group: "Autoencoder" }, how = { group: "Training" };
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
  specialTokens: flag({ ...data, description: "also train on <cls> and <eos>" }),
  embedScale: option({
    ...data,
    placeholder: "name",
    parse: parse.choice("hf", "train"),
    default: "hf" as const,
    description: "hf: embeddings as models run; train: without token dropout's 0.88 (InterProt)",
  }),
  buffer: option({
    ...data,
    placeholder: "tokens",
    parse: parse.positiveInteger(),
    description: "tokens in memory at a time, for shuffling",
    defaultText: `${DEFAULT_BUFFER}, at most 256 MB`,
  }),
  layer: option({
    ...shape,
    placeholder: "number",
    parse: parse.positiveInteger(),
    description: "blocks that have run where the residual stream is read",
    defaultText: "the middle of the model",
  }),
  latents: option({
    ...shape,
    placeholder: "number",
    parse: parse.positiveInteger(1_000_000),
    default: 1024,
    description: "number of latents",
  }),
  k: option({
    ...shape,
    placeholder: "number",
    parse: parse.positiveInteger(),
    default: 16,
    description: "most latents active on a token",
  }),
  normalisation: option({
    ...shape,
    placeholder: "name",
    parse: parse.choice("zscore", "rms", "none"),
    default: "zscore" as const,
    description: "of each token: zscore (InterProt), rms (its root mean square), or none",
  }),
  tokens: option({
    ...how,
    placeholder: "number",
    parse: parse.positiveInteger(),
    description: "tokens to train on, through the file as often as needed",
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
    default: 1024,
    description: "tokens of one step",
  }),
  learningRate: option({
    ...how,
    placeholder: "number",
    parse: parse.number({ min: 0, max: 1 }),
    description: "Adam's learning rate",
    defaultText: "1.1 / sqrt(latents x width)",
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
    default: 0.5,
    description: "share at the end over which it falls to zero",
  }),
  clip: option({
    ...how,
    placeholder: "number",
    parse: parse.number({ min: 1e-9 }),
    default: 1,
    description: "longest gradient of a step",
  }),
  auxk: option({
    ...how,
    placeholder: "number",
    parse: parse.integer({ min: 0 }),
    description: "dead latents that learn from what a token's k leave; 0: none",
    defaultText: "half the model's width",
  }),
  deadAfter: option({
    ...how,
    placeholder: "tokens",
    parse: parse.positiveInteger(),
    default: 100_000,
    description: "tokens without firing after which a latent counts as dead",
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
    default: "sae.safetensors",
    description: "the autoencoder; a card (.md) is written beside it",
    group: "Output",
  }),
};

export const command = defineCommand({
  name: "train",
  summary: "Train a TopK sparse autoencoder on a layer of any model",
  description:
    "Reads the residual stream of the sequences after --layer blocks and learns latents of which k " +
    "explain each token. Ctrl-C saves the state; the same command continues there, with the same " +
    "result. Sequences are drawn at random without repeats within an epoch.",
  options,
  examples: [
    {
      command: "deno task sae train --fasta proteins.fasta --layer 2 --out layer_2.safetensors",
      shows: "1024 latents on the embedded model's second block",
    },
    {
      command:
        "deno task sae train --fasta uniref50.fasta --model esm2_t33_650M_UR50D --layer 24 " +
        "--latents 4096 --k 64 --tokens 100000000 --out l24.safetensors",
      shows: "a dictionary of InterProt's size",
    },
  ],
  run: (o: OptionValues<typeof options>, ctx: CommandContext) => trainToFile(o, ctx),
});
