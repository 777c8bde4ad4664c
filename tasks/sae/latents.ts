/** Which letters and which ends of a protein each latent detects. */
import { LATENTS, LETTERS, runLatents } from "../../lib/sae/latents/run.ts";
import { defineCommand, option } from "../../lib/cli/command.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../../lib/model_options.ts";
import { outputOptions, runOptions } from "../../lib/output_options.ts";
import { maxLengthOption, proteinsOptions } from "../../lib/proteins/options.ts";
import { saeOptions } from "../../lib/sae/options.ts";

const options = {
  ...proteinsOptions,
  ...maxLengthOption,
  threshold: option({
    placeholder: "activation",
    parse: parse.number({ min: 0 }),
    default: 0,
    description: "a latent counts as active above it",
    group: "Statistics",
  }),
  ...saeOptions,
  ...modelOptions,
  ...tokenBudgetOption,
  ...outputOptions("sae latents", "latents.csv, letters.csv, run.json and report.html"),
  ...runOptions,
  top: option({
    placeholder: "count",
    parse: parse.positiveInteger(100_000),
    default: 20,
    description: "latents printed, the clearest detectors first",
    group: "Output",
  }),
};

export const command = defineCommand({
  name: "latents",
  summary: "Which letters and which ends of a protein each latent detects",
  description:
    "Encodes proteins and counts, for every latent, at which amino acids it is active: precision " +
    "(of its active residues, how many have the letter), recall (of the letter's residues, at how " +
    "many it is active), their F1, and how many times more often than by chance; the same for the " +
    "three residues on either side, and for the ends of the proteins. A latent that only detects " +
    "the letter at hand explains little of a mutation that replaces it.",
  options,
  examples: [
    { command: "deno task sae latents", shows: "the A2A receptor, on the embedded model" },
    {
      command: "deno task sae latents --fasta proteome.fasta --sae interprot:l24 " +
        "--model esm2_t33_650M_UR50D",
      shows: "many proteins with InterProt's autoencoder of layer 24",
    },
  ],
  tables: [LATENTS, LETTERS],
  run: runLatents,
});
