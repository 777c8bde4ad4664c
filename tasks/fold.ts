/** Structures of proteins from one sequence each, and what changes them. */
import { parseSet } from "../lib/causal/steer.ts";
import { defineCommand, option } from "../lib/cli/command.ts";
import { about } from "../lib/cli/commands.ts";
import { runCommand } from "../lib/cli/main.ts";
import * as parse from "../lib/cli/parsers.ts";
import { parseHeads } from "../lib/contacts/parse_heads.ts";
import { RECYCLES } from "../lib/fold/model.ts";
import { runFold } from "../lib/fold/run.ts";
import { SCAN_MOST, SCANS } from "../lib/fold/scan.ts";
import { residueTable, SCAN, summaryTable } from "../lib/fold/tables.ts";
import { modelOptions } from "../lib/model_options.ts";
import { outputOptions, runOptions } from "../lib/output_options.ts";
import { proteinsOptions } from "../lib/proteins/options.ts";
import { structureOptions } from "../lib/proteins/structure.ts";
import { saeOptions } from "../lib/sae/options.ts";

const { fasta, sequence, id } = proteinsOptions;
const { adapter, backend, lowMemory } = modelOptions;
const { structure: truth, chain } = structureOptions("with the true structure of the one protein");
const { sae, layer, k } = saeOptions;

const options = {
  ...{ fasta, sequence, id, truth },
  chain: { ...chain, description: "chain of --truth" },
  model: {
    ...modelOptions.model,
    description: "ESMFold: Hugging Face's folder, or fair-esm's .pt with that of ESM-2 beside it",
    defaultText: "none comes with the project: `deno task fetch esmfold_v1` (8.4 GB)",
  },
  ...{ backend, lowMemory },
  recycles: option({
    placeholder: "count",
    parse: parse.integer({ min: 0, max: 100 }),
    description: "passes through the trunk after the first, each from what the one before gave",
    defaultText: `${RECYCLES}, with --scan 0`,
    group: "Folding",
  }),
  chunkSize: option({
    placeholder: "rows",
    parse: (text, flag) => text === "auto" ? undefined : parse.positiveInteger(100_000)(text, flag),
    description: "rows of pairs that run at a time, at least so many; the result is the same",
    defaultText: "auto, what is fast and makes at most 128 MB",
    group: "Folding",
  }),
  mask: option({
    placeholder: "list",
    parse: parse.integerRanges({ min: 1 }),
    description: "residues that the language model is not shown: 10-20,35; on through all chains",
    group: "Change of the language model",
  }),
  ablateHeads: option({
    placeholder: "list",
    parse: parseHeads,
    description: "heads that give nothing, layer:head from 0: 5:4,3:1",
    group: "Change of the language model",
  }),
  adapter: {
    ...adapter,
    defaultText: "none",
    group: "Change of the language model",
  },
  steer: option({
    placeholder: "list",
    parse: (text, flag) => parseSet(text, flag),
    description:
      "latents of --sae held at a value at every residue, or at multiples of their maximum: 220=5max,17=2",
    group: "Change of the language model",
  }),
  sae: { ...sae, defaultText: "none", group: "Change of the language model" },
  layer: { ...layer, group: "Change of the language model" },
  k: { ...k, group: "Change of the language model" },
  scan: option({
    placeholder: "what",
    parse: parse.choice(...SCANS),
    description:
      "heads: fold without each head, and rank them by the contacts within the fold that go",
    group: "Scan",
  }),
  scanLayers: option({
    placeholder: "list",
    parse: parse.integerRanges(),
    description: "layers whose heads are ablated, from 0: 20-35",
    defaultText: "all",
    group: "Scan",
  }),
  scanMost: option({
    placeholder: "count",
    parse: parse.positiveInteger(),
    description: "heads that are ablated at most, evenly spread over those of the layers",
    defaultText: String(SCAN_MOST),
    group: "Scan",
  }),
  ...outputOptions("fold", "structures, plddt.csv, summary.csv, pae.npz, report.html and run.json"),
  ...runOptions,
};

export const command = defineCommand({
  ...about("fold"),
  description:
    "Folds proteins with ESMFold (Lin et al. 2023): a PDB and an mmCIF file each, with pLDDT from 0 to 100 in " +
    "place of B-factors, and the predicted aligned error. Chains of one complex stand in one sequence " +
    "with : between them. --recycles counts as fair-esm's --num-recycles does: 3 are four passes. " +
    "With --truth how near the fold is to a true structure: Cα RMSD after superposition, TM-score, lDDT. " +
    "--mask, --ablate-heads, --adapter and --steer change the language model's pass; each protein is then " +
    "folded before and after: NAME.pdb is the plain fold, NAME_changed.pdb the other, and the tables have " +
    "what the change does. --scan heads folds without each head in turn (0 recycles unless told) and " +
    "ranks them by the contacts within the fold that are lost. Killed runs go on fold by fold. " +
    "Without input it folds the J-domain of Sis1 (81 residues).",
  options,
  examples: [
    {
      command: "deno task fold --model esmfold_v1 --fasta p.fasta",
      shows: "every record of a file",
    },
    {
      command: "deno task fold --model esmfold_v1 --fasta p.fasta --truth p.cif --mask 10-20",
      shows: "before and after eleven residues are hidden, both held against the true structure",
    },
    {
      command: "deno task fold --model esmfold_v1 --ablate-heads 20:3,21:7",
      shows: "what two heads have to do with the fold of a J-domain",
    },
    {
      command: "deno task fold --model esmfold_v1 --fasta p.fasta --scan heads --scan-layers 20-35",
      shows: "which of the late heads hold the fold together",
    },
  ],
  tables: [
    summaryTable({ changed: true, truth: true }),
    residueTable({ changed: true, truth: true }),
    SCAN,
  ],
  run: runFold,
});

if (import.meta.main) await runCommand(command, Deno.args);
