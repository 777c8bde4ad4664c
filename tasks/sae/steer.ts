/** What the model predicts when latents are held at values of one's own. */
import { targetOptions } from "../../lib/proteins/options.ts";
import { structureOptions } from "../../lib/proteins/structure.ts";
import { parsePlaces, type Places } from "../../lib/causal/places.ts";
import { runSteer, STEERING } from "../../lib/causal/run_steer.ts";
import { parseScale, parseSet } from "../../lib/causal/steer.ts";
import { defineCommand, option } from "../../lib/cli/command.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { modelOptions, tokenBudgetOption } from "../../lib/model_options.ts";
import { outputOptions, runOptions } from "../../lib/output_options.ts";
import { saeOptions } from "../../lib/sae/options.ts";

const options = {
  ...targetOptions,
  ...structureOptions("to draw the results on"),
  set: option({
    placeholder: "latents",
    parse: parseSet,
    description: "220=5max,17=2: latents held at a value, or at so many times their maximum",
    group: "Steering",
  }),
  scale: option({
    placeholder: "latents",
    parse: parseScale,
    description: "220=0,17=2: latents times a number",
    group: "Steering",
  }),
  at: option({
    placeholder: "places",
    parse: parsePlaces,
    default: "all" as Places,
    description: "all tokens, or residues such as 5-20,41",
    group: "Steering",
  }),
  background: option({
    placeholder: "file",
    parse: parse.path,
    description: "FASTA over which a latent's maximum is taken",
    defaultText: "the sequence itself",
    group: "Steering",
  }),
  error: option({
    placeholder: "kind",
    parse: parse.choice("keep", "drop"),
    default: "keep" as const,
    description:
      "what the latents do not explain, at those tokens: keep, drop (from the unsteered run too)",
    group: "Steering",
  }),
  ...saeOptions,
  ...modelOptions,
  ...tokenBudgetOption,
  report: runOptions.report,
  ...outputOptions("sae steer", "steering.csv, logits.npz, report.html and run.json"),
};

export const command = defineCommand({
  name: "steer",
  summary: "What the model predicts when latents are held at values of one's own",
  description:
    "Sets or scales latents at the chosen tokens, adds back what the autoencoder leaves out, and " +
    "runs the remaining blocks and the head. Compares the most probable amino acid of every residue " +
    "with that of the unsteered run.",
  options,
  examples: [
    { command: "deno task sae steer --set 184=5max", shows: "one latent at 5 times its maximum" },
    {
      command: "deno task sae steer --fasta data/sis1.fasta --scale 367=0,425=0 --at 30-40",
      shows: "two latents switched off at 21 residues",
    },
  ],
  tables: [STEERING],
  run: runSteer,
});
