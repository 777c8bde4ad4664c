/** Options that the causal `sae` commands share. */
import { flag, option, optionList } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../model_options.ts";
import { assayOptions, mutationTableOption, targetOptions } from "../proteins/options.ts";
import { saeOptions } from "../sae/options.ts";
import { parseMetric } from "./metric.ts";
import { parseShard } from "../run/shards.ts";
import { RUNS } from "./types.ts";

/** Which mutations of which proteins. */
export const variantOptions = {
  ...targetOptions,
  mutations: option({
    placeholder: "list|file",
    parse: parse.nameOrPath,
    description: "A10G,K20R:L21M; also p.Ala10Gly; or a file with one variant per line",
    defaultText: "20 drawn of all single substitutions",
    group: "Input",
  }),
  assay: optionList({
    placeholder: "file",
    parse: parse.path,
    description: "mutations from a CSV in ProteinGym's format; may be given once per protein",
    group: "Input",
  }),
  table: mutationTableOption,
  filter: option({
    placeholder: "comparisons",
    parse: parse.text,
    description: 'which rows: "DMS_score < -3 and DMS_score_bin = 0"',
    group: "Input",
  }),
  singles: flag({
    description: "only variants with one substitution",
    group: "Input",
  }),
  lowest: option({
    placeholder: "count",
    parse: parse.positiveInteger(),
    description: "this many with the lowest measured values, the lowest first",
    group: "Input",
  }),
  sample: option({
    placeholder: "count",
    parse: parse.positiveInteger(),
    description: "draw this many of the rows",
    group: "Input",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of everything that is drawn",
    group: "Input",
  }),
  shard: option({
    placeholder: "i/n",
    parse: parseShard,
    description: "compute one of n parts of the run, for `deno task merge`",
    group: "Sweep",
  }),
  ...assayOptions,
};

/** Which autoencoders: of one layer or several. */
export const { layer: _one, ...autoencoder } = saeOptions;
export const autoencoderOptions = {
  ...autoencoder,
  layers: option({
    placeholder: "list",
    parse: parse.integerRanges({ min: 1, max: 1000 }),
    description: "blocks that have run where the autoencoder reads: 4,8,12 uses one of each",
    defaultText: "as its file says",
    group: "Autoencoder",
  }),
};

/** What is explained. */
export const questionOptions = {
  metric: option({
    placeholder: "name",
    parse: parseMetric,
    default: parseMetric("difference"),
    defaultText: "difference",
    description:
      "difference: log p(mutant) - log p(wild type); wild-type or mutant: log p of that " +
      "letter; L-A: log p(L) - log p(A); added up over the mutated residues",
    group: "Question",
  }),
  run: option({
    placeholder: "kind",
    parse: parse.choice(...RUNS),
    default: RUNS[0],
    description:
      "wild-type: the mutant's latents go into the wild type's run (noising); mutant: the " +
      "wild type's into the mutant's (denoising); masked: the mutant's into the wild type with the " +
      "mutated residues masked",
    group: "Question",
  }),
};

export const runOptions = {
  ...modelOptions,
  ...tokenBudgetOption,
};
