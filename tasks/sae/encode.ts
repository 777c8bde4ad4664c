/** Which latents of a sparse autoencoder fire on which residues. */
import { defineCommand, option } from "../../lib/cli/command.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../../lib/model_options.ts";
import { outputOptions, runOptions } from "../../lib/output_options.ts";
import { maxLengthOption, proteinsOptions } from "../../lib/proteins/options.ts";
import { structureOptions } from "../../lib/proteins/structure.ts";
import { CHANGED_LATENTS } from "../../lib/sae/encode/changed_latents.ts";
import { runEncode } from "../../lib/sae/encode/run.ts";
import { FORMATS, LATENTS, TOP_LATENTS } from "../../lib/sae/encode/tables.ts";
import { saeOptions } from "../../lib/sae/options.ts";

const options = {
  ...proteinsOptions,
  ...structureOptions("to draw latents on; without a sequence it gives that too"),
  table: option({
    placeholder: "file",
    parse: parse.path,
    description: "many proteins: CSV with id and sequence, fasta_id, structure, chain",
    group: "Input",
  }),
  ...maxLengthOption,
  ...modelOptions,
  ...tokenBudgetOption,
  ...saeOptions,
  ...outputOptions("sae encode", "latents, top_latents.csv, run.json and report.html"),
  ...runOptions,
  format: option({
    placeholder: "kind",
    parse: parse.choice(...FORMATS),
    default: FORMATS[0],
    description: "of the latents: csv, or npz or safetensors as compressed sparse rows",
    group: "Output",
  }),
  top: option({
    placeholder: "count",
    parse: parse.positiveInteger(100_000),
    default: 10,
    description: "strongest latents per protein in top_latents.csv",
    group: "Output",
  }),
};

export const command = defineCommand({
  name: "encode",
  summary: "Which latents of a sparse autoencoder fire on which residues",
  description:
    "Runs proteins up to the layer that an autoencoder reads and writes the latents above zero of " +
    "every residue, and the strongest of each protein. First it measures on four small proteins " +
    "how well the autoencoder reconstructs: the fraction of the residual stream's variance that " +
    "is unexplained, and how much of the model's loss is recovered when the reconstruction is put " +
    "in its place (1: all, 0: no better than zeros), both with each embedding scale for InterProt. " +
    "With --adapter changed_latents.csv says which latents fire more or less than in the model without. " +
    "Without input it runs the J-domain of Sis1 (81 residues) on the embedded model. Published autoencoders " +
    "are fetched once: interprot:l4 … l33 and interprot:l24_100k (650M), interplm-8m:l1 … l6, " +
    "interplm-650m:l1, 9, 18, 24, 30, 33 (with _unnormalized).",
  options,
  examples: [
    {
      command: "deno task sae encode",
      shows: "the J-domain of Sis1, the embedded autoencoder of layer 4",
    },
    {
      command:
        "deno task sae encode --model esm2_t33_650M_UR50D --sae interprot:l24 --fasta proteins.fasta",
      shows: "InterProt's autoencoder of layer 24, fetched when missing",
    },
    {
      command: "deno task sae encode --model esm2_t6_8M_UR50D --sae layer_3/ae_normalized.pt " +
        "--sequence MKTAYIAKQR",
      shows: "an InterPLM file; its folder names the layer",
    },
    {
      command: "deno task sae encode --fasta proteome.fasta --format npz --top 20",
      shows: "many proteins as one sparse matrix: offsets, indices, values, lengths, ids",
    },
  ],
  tables: [LATENTS, TOP_LATENTS, CHANGED_LATENTS],
  run: runEncode,
});
