/** The options of `deno task contacts`. */
import { modelOptions, tokenBudgetOption } from "../model_options.ts";
import { outputOptions, runOptions } from "../output_options.ts";
import { proteinsOptions } from "../proteins/options.ts";
import { structureOptions } from "../proteins/structure.ts";
import { flag, option } from "../cli/command.ts";
import * as parse from "../cli/parsers.ts";
import { TRAINED_LENGTH } from "../esm2/mod.ts";
import { parseHeads } from "./parse_heads.ts";
import { CONTACT_ATOMS } from "./truth.ts";
import { METHODS } from "./types.ts";

export const options = {
  ...proteinsOptions,
  ...structureOptions("to compare with; without a sequence it gives that too"),
  resolvedOnly: flag({
    description: "leave residues without coordinates out of the structure's sequence",
    group: "Input",
  }),
  truth: option({
    placeholder: "file",
    parse: parse.path,
    description:
      "true contacts instead: .npz with contacts [L, L], CSV with i, j, or a CASP RR list",
    group: "Input",
  }),
  table: option({
    placeholder: "file",
    parse: parse.path,
    description: "many proteins: CSV with id and sequence, fasta_id, structure, chain, truth, msa",
    group: "Input",
  }),
  contactAtoms: option({
    placeholder: "atom",
    parse: parse.choice(...CONTACT_ATOMS),
    default: "cb" as const,
    description: "distances of Cβ (Cα for glycine) or Cα: cb, ca",
    group: "Input",
  }),
  cutoff: option({
    placeholder: "Å",
    parse: parse.number({ min: 1, max: 100 }),
    default: 8,
    description: "residues nearer than this are in contact",
    group: "Input",
  }),
  ...modelOptions,
  ...tokenBudgetOption,
  method: option({
    placeholder: "name",
    parse: parse.choice(...METHODS),
    default: "head" as const,
    description: "head (ESM-2's contact head), attention (mean of heads), jacobian",
    group: "Prediction",
  }),
  heads: option({
    placeholder: "list",
    parse: parseHeads,
    description: "heads to average with --method attention, layer:head from 0: 5:4,3:1",
    defaultText: "all",
    group: "Prediction",
  }),
  fast: flag({
    description: "--method jacobian with one masked run per residue instead of 19 substitutions",
    group: "Prediction",
  }),
  window: option({
    placeholder: "residues",
    parse: parse.integer({ min: 16, max: 100_000 }),
    default: TRAINED_LENGTH,
    description: "longer proteins run in windows of this length that overlap by half",
    group: "Prediction",
  }),
  msa: option({
    placeholder: "file",
    parse: parse.path,
    description: "alignment (A3M, FASTA, Stockholm, CLUSTAL) for the baseline: inverse covariance",
    group: "Evaluation",
  }),
  rankHeads: flag({
    description: "also score every head's own map against the true contacts",
    group: "Evaluation",
  }),
  bootstrap: option({
    placeholder: "count",
    parse: parse.positiveInteger(1_000_000),
    default: 1000,
    description: "resamples of the proteins for intervals of means",
    group: "Evaluation",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of resamples and of random positions",
    group: "Evaluation",
  }),
  motif: flag({
    description:
      "which context a contact needs: all is masked but 22 residues, then their flanks appear",
    group: "Motif experiment",
  }),
  secondary: option({
    placeholder: "string",
    parse: parse.text,
    description: "secondary structure, one of H, E, - per residue",
    defaultText: "that of the structure's file, computed where it states none",
    group: "Motif experiment",
  }),
  motifPairs: option({
    placeholder: "count",
    parse: parse.integer({ min: 0, max: 100_000 }),
    default: 3,
    description: "pairs of helices and strands, drawn of those that qualify",
    group: "Motif experiment",
  }),
  motifSegments: option({
    placeholder: "count",
    parse: parse.integer({ min: 0, max: 100_000 }),
    default: 3,
    description: "stretches of 22 residues, drawn of those that qualify",
    group: "Motif experiment",
  }),
  motifPairContacts: option({
    placeholder: "sum",
    parse: parse.number({ min: 0, max: 1000 }),
    default: 10,
    description: "pairs qualify above this sum of the map over their 11 x 11 patch",
    group: "Motif experiment",
  }),
  motifSegmentContacts: option({
    placeholder: "sum",
    parse: parse.number({ min: 0, max: 1000 }),
    default: 15,
    description: "stretches qualify above this sum of the map over themselves",
    group: "Motif experiment",
  }),
  motifStep: option({
    placeholder: "residues",
    parse: parse.positiveInteger(100),
    default: 1,
    description: "residues unmasked on each side at a time",
    group: "Motif experiment",
  }),
  motifSeparation: option({
    placeholder: "residues",
    parse: parse.positiveInteger(10_000),
    default: 50,
    description: "pairs qualify whose centres are farther apart than this along the sequence",
    group: "Motif experiment",
  }),
  top: option({
    placeholder: "times L",
    parse: parse.number({ min: 0, max: 100_000 }),
    default: 5,
    description: "pairs in contacts.csv, as a multiple of the length; 0 writes all",
    group: "Output",
  }),
  ...outputOptions("contacts", "contacts.csv, map.npz, run.json and report.html"),
  ...runOptions,
};
