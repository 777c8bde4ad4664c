/** The few latents that carry a mutation's effect, tested by running them alone. */
import { RANKINGS } from "../../lib/causal/circuit_record.ts";
import {
  explainOptions,
  questionOptions,
  surveyOptions,
  variantOptions,
} from "../../lib/causal/options.ts";
import { runCircuit } from "../../lib/causal/run_circuit.ts";
import { CIRCUIT_NODES, CIRCUITS, SHARED_LATENTS } from "../../lib/causal/circuit_tables.ts";
import { defineCommand, option } from "../../lib/cli/command.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { outputOptions } from "../../lib/output_options.ts";

const options = {
  ...variantOptions,
  ...questionOptions,
  ...explainOptions,
  rank: option({
    placeholder: "order",
    parse: parse.choice(...RANKINGS),
    default: RANKINGS[0],
    description: "absolute: by |attribution|; signed: first those that push as the whole does",
    group: "Circuit",
  }),
  share: option({
    placeholder: "share",
    parse: parse.number({ min: 0.01, max: 1 }),
    default: 0.7,
    description: "of the effect that the circuit, and those of the next sizes, must restore",
    group: "Circuit",
  }),
  draws: option({
    placeholder: "count",
    parse: parse.integer({ min: 2, max: 100_000 }),
    default: 50,
    description:
      "random sets of as many nodes at the same tokens that each circuit is compared with",
    group: "Circuit",
  }),
  ...surveyOptions,
  ...outputOptions(
    "sae circuit",
    "circuits.csv, circuit_nodes.csv, shared_latents.csv, circuits.json, " +
      "report.html and run.json",
  ),
};

export const command = defineCommand({
  name: "circuit",
  summary: "The few latents that carry a mutation's effect, tested by running them alone",
  description:
    "Ranks latents by integrated gradients and gives more and more of them the mutant's values until " +
    "the chosen share of the effect is there. Faithfulness is the share that the circuit restores, " +
    "completeness what all others restore without it. The same is done along a ranking that does " +
    "not ask the model (how far each latent moves); as many nodes at the same tokens are drawn at random.",
  options,
  examples: [
    { command: "deno task sae circuit", shows: "20 mutations of a 66-residue domain" },
    {
      command:
        "deno task sae circuit --fasta data/sis1.fasta --mutations P35F,H34M --share 0.9 --rank signed",
      shows: "circuits of two mutations and the latents they share",
    },
  ],
  tables: [CIRCUITS, CIRCUIT_NODES, SHARED_LATENTS],
  run: runCircuit,
});
