/** Options of commands that explain by gradients. */
import { option } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";
import { BASELINES, METHODS, SPACES } from "./explain.ts";
import { parsePlaces, type Places } from "./places.ts";
import { RULES } from "./quadrature.ts";
import { ERRORS } from "./types.ts";

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
