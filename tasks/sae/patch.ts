/** Which latents, given a mutant's values, change what the model answers. */
import { legacyColumns, legacyOptions } from "../../lib/causal/legacy/options.ts";
import { checkFixed } from "../../lib/causal/legacy/survey.ts";
import { parseControls, parseSets, runPatch } from "../../lib/causal/run_patch.ts";
import type { MergedRun } from "../../lib/run/merge.ts";
import { CONTROLS } from "../../lib/causal/controls.ts";
import { REPLACEMENTS } from "../../lib/causal/edits.ts";
import { questionOptions, surveyOptions, variantOptions } from "../../lib/causal/options.ts";
import { parsePlaces, type Places } from "../../lib/causal/places.ts";
import { ERRORS } from "../../lib/causal/types.ts";
import { LEGACY_TABLES } from "../../lib/causal/legacy/tables.ts";
import { PATCH_SUMMARY, PATCHES } from "../../lib/causal/patch_tables.ts";
import { defineCommand, option } from "../../lib/cli/command.ts";
import * as parse from "../../lib/cli/parsers.ts";
import { outputOptions } from "../../lib/output_options.ts";

const options = {
  ...variantOptions,
  ...legacyOptions,
  legacyColumns,
  ...questionOptions,
  at: option({
    placeholder: "places",
    parse: parsePlaces,
    default: "mutated" as Places,
    description:
      "which residues are patched: mutated, all (with <cls> and <eos>), or numbers such as 5-20,41",
    group: "Patching",
  }),
  top: option({
    placeholder: "count",
    parse: parse.integer({ min: 0, max: 100_000 }),
    default: 5,
    description: "latents patched one at a time: those that change most",
    group: "Patching",
  }),
  sets: option({
    placeholder: "sizes",
    parse: parseSets,
    default: { sizes: [5], whole: true },
    defaultText: "5,all",
    description: "how many of them are patched together; all is every latent; none",
    group: "Patching",
  }),
  replace: option({
    placeholder: "kind",
    parse: parse.choice(...REPLACEMENTS),
    default: REPLACEMENTS[0],
    description: "what latents become: patch (the other run's), zero, mean, resample (another " +
      "residue's)",
    group: "Patching",
  }),
  background: option({
    placeholder: "file",
    parse: parse.path,
    description: "FASTA over which --replace mean takes the mean",
    defaultText: "the protein itself",
    group: "Patching",
  }),
  error: option({
    placeholder: "kind",
    parse: parse.choice(...ERRORS),
    default: ERRORS[0],
    description:
      "what the latents do not explain, at the patched residues: keep, patch (with all latents), drop (from the unpatched run too)",
    group: "Patching",
  }),
  controls: option({
    placeholder: "list",
    parse: parseControls,
    default: CONTROLS,
    defaultText: CONTROLS.join(","),
    description:
      "noop: no change; random: latents whose change is similar; displaced: any latent " +
      "moved as far; stable: latents that change least; none",
    group: "Patching",
  }),
  ...surveyOptions,
  ...outputOptions("sae patch", "patches.csv, summary.csv, report.html and run.json"),
};

/** What `--legacy` leaves no choice of. */
const FIXED = ["metric", "run", "at", "sets", "replace", "background", "error", "controls"];

export const command = defineCommand({
  name: "patch",
  summary: "Which latents, given a mutant's values, change what the model answers",
  description:
    "Runs the model on the wild type up to the autoencoder's layer, gives latents the values that " +
    "they have in the mutant, and runs on. The change of log p(mutant) - log p(wild type) is what " +
    "those latents cause. Every patch is compared with the same run without it: patching a value " +
    "with itself changes nothing, exactly.",
  options,
  examples: [
    { command: "deno task sae patch", shows: "20 mutations of a 66-residue domain" },
    {
      command: 'deno task sae patch --assay EPHB2.csv --filter "DMS_score < -3" --sample 50',
      shows: "harmful mutations of an assay in ProteinGym's format",
    },
    {
      command:
        "deno task sae patch --fasta data/sis1.fasta --mutations P35F --at all --error patch",
      shows: "latents at all residues; all of them with the error term make the mutant itself",
    },
    {
      command: "deno task sae patch --model esm2_t33_650M_UR50D --sae interprot --layers 8,16,24",
      shows: "three layers of the 650M model with InterProt's autoencoders",
    },
    {
      command: "deno task sae patch --legacy sae_mutation_effect --assay EPHB2.csv " +
        "--model esm2_t33_650M_UR50D --sae interprot --layers 8,12,16,20,24",
      shows: "what that tool computes, to compare with its files",
    },
  ],
  tables: [PATCHES, PATCH_SUMMARY, ...LEGACY_TABLES],
  run(o, ctx, merged) {
    // Shards were checked when they ran.
    if (o.legacy && !merged) checkFixed(o.legacy, o, options, FIXED);
    return runPatch(o, ctx, merged as MergedRun | undefined);
  },
});
