/** The options by which every `sae` command chooses an autoencoder. */
import { flag, option } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";

/** Whether embeddings are scaled by token dropout's 0.88, as in Hugging Face's ESM-2 and fair-esm. */
const EMBED_SCALES = ["hf", "train"] as const;
export type EmbedScale = typeof EMBED_SCALES[number];

/** The option that names layers: one, or in commands that compare layers several. */
export type LayerOption = "--layer" | "--layers";

export const saeOptions = {
  sae: option({
    placeholder: "name|file|folder",
    parse: parse.nameOrPath,
    description: "interprot:l24, interplm-8m:l3 …; a file of InterProt, InterPLM, SAELens, " +
      "dictionary_learning, sparsify or OpenAI; or one of `sae train`",
    defaultText: "the embedded model's own",
    group: "Autoencoder",
  }),
  layer: option({
    placeholder: "number",
    parse: parse.positiveInteger(1000),
    description: "blocks that have run where it reads the residual stream",
    defaultText: "as its file says",
    group: "Autoencoder",
  }),
  k: option({
    placeholder: "count",
    parse: parse.positiveInteger(),
    description: "latents that stay active per token",
    defaultText: "as its file or name says; InterProt otherwise 64, *_100k 128",
    group: "Autoencoder",
  }),
  embedScale: option({
    placeholder: "kind",
    parse: parse.choice(...EMBED_SCALES),
    default: "hf" as EmbedScale,
    description: "hf: embeddings × 0.88 as in ESM-2; train: unscaled, as InterProt was trained",
    group: "Autoencoder",
  }),
  fidelity: flag({
    description: "do not measure how well it reconstructs",
    default: true,
    group: "Autoencoder",
  }),
};
