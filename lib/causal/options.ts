/** Options that the causal `sae` commands share. */
import { flag, option, optionList } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../model_options.ts";
import { runOptions } from "../output_options.ts";
import { assayOptions, mutationTableOption, targetOptions } from "../proteins/options.ts";
import { structureOptions } from "../proteins/structure.ts";
import { saeOptions } from "../sae/options.ts";
import { BASELINES, METHODS, SPACES } from "./explain.ts";
import { parseMetric } from "./metric.ts";
import { parsePlaces, type Places } from "./places.ts";
import { RULES } from "./quadrature.ts";
import { ERRORS, RUNS } from "./types.ts";

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
  ...structureOptions("to draw the results on; a column of --table names one for each protein"),
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
  ...assayOptions,
};

/** Which autoencoders, of one layer or several, and how they are run. */
const { layer: _one, ...autoencoder } = saeOptions;
export const surveyOptions = {
  ...autoencoder,
  layers: option({
    placeholder: "list",
    parse: parse.integerRanges({ min: 1, max: 1000 }),
    description: "blocks that have run where the autoencoder reads: 4,8,12 uses one of each",
    defaultText: "as its file says",
    group: "Autoencoder",
  }),
  ...modelOptions,
  ...tokenBudgetOption,
  ...runOptions,
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

/** Of commands that explain by gradients. */
export const explainOptions = {
  at: option({
    placeholder: "places",
    parse: parsePlaces,
    default: "all" as Places,
    description: "whose latents: all tokens, the mutated residues, or numbers such as 5-20,41",
    group: "Attribution",
  }),
  from: option({
    placeholder: "baseline",
    parse: parse.choice(...BASELINES),
    default: BASELINES[0],
    description:
      "run: from the run's own latents to the other's (wild type to mutant); zero: from " +
      "no latents to the run's own",
    group: "Attribution",
  }),
  method: option({
    placeholder: "name",
    parse: parse.choice(...METHODS),
    default: METHODS[0],
    description: "ig: integrated gradients; first-order: one gradient at the run (attribution " +
      "patching)",
    group: "Attribution",
  }),
  through: option({
    placeholder: "values",
    parse: parse.choice(...SPACES),
    default: SPACES[0],
    description:
      "the path is straight in the latents, or in the pre-activations with the largest k " +
      "chosen at every step (where they change the stream jumps, and steps are not doubled)",
    group: "Attribution",
  }),
  error: option({
    placeholder: "kind",
    parse: parse.choice(...ERRORS),
    description:
      "what the latents do not explain, at those tokens: patch (a node of its own per token), keep, drop",
    defaultText: "patch, or keep with --from zero",
    group: "Attribution",
  }),
  rule: option({
    placeholder: "name",
    parse: parse.choice(...RULES),
    default: RULES[0],
    description: RULES.join(", "),
    group: "Attribution",
  }),
  steps: option({
    placeholder: "count",
    parse: parse.positiveInteger(10_000),
    description: "points of the rule",
    defaultText: "32, doubled until attributions add up to 5 %, at most 512",
    group: "Attribution",
  }),
};
