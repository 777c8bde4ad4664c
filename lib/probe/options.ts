/** The options of `deno task probe`. */
import type { Parser } from "../cli/parsers.ts";
import * as parse from "../cli/parsers.ts";
import { option } from "../cli/command.ts";
import { LONG_CHOICES } from "../embed/embed.ts";
import { parsePlaces, type PlaceList } from "../embed/places.ts";
import { TOKEN_POOLS, type TokenPool } from "../embed/pool.ts";
import { TRAINED_LENGTH } from "../esm2/mod.ts";
import { modelOptions, tokenBudgetOption } from "../model_options.ts";
import { outputOptions, runOptions } from "../output_options.ts";
import { proteinsOptions } from "../proteins/options.ts";
import { saeOptions } from "../sae/options.ts";
import { SPLITS } from "./split.ts";

const pools: Parser<TokenPool[]> = (text, flag) => {
  const words = text.split(",").map((word) => word.trim());
  const one = parse.choice(...TOKEN_POOLS);
  return [...new Set(words.map((word) => one(word, flag)))];
};

/** Baselines that cost a pass of their own or may be left out. */
export const BASELINES = ["random", "window", "composition", "shuffled", "majority"] as const;
/** One of {@linkcode BASELINES}. */
export type Baseline = typeof BASELINES[number];

const baselines: Parser<Baseline[]> = (text, flag) => {
  if (text.trim() === "none") return [];
  const one = parse.choice(...BASELINES);
  return [...new Set(text.split(",").map((word) => one(word.trim(), flag)))];
};

const share = (description: string, value: number) =>
  option({
    placeholder: "share",
    parse: parse.number({ min: 0.01, max: 0.8 }),
    default: value,
    description,
    group: "Split",
  });

const file = (description: string) =>
  option({ placeholder: "file", parse: parse.path, description, group: "Input" });
const column = (description: string, group = "Input", defaultText?: string) =>
  option({ placeholder: "name", parse: parse.text, description, group, defaultText });

/** Where labelled proteins are read from; of everything that learns from them. */
export const labelOptions = {
  fasta: option({
    placeholder: "file,…",
    parse: parse.paths,
    description:
      "protein sequences: one file, or a file a class, named by what differs of their names",
    group: "Input",
  }),
  labels: file(
    "labels of --fasta: FASTA with a letter a residue (FLIP: SET= and VALIDATION= in headers), or " +
      "a table with id and label",
  ),
  mask: file("FASTA of 0 and 1: residues with 0 have no label"),
  table: file("CSV with sequence (or id of --fasta) and the label: FLIP's and PEER's layout"),
  label: column("column of the labels", "Input", "label, else target, else DMS_score"),
  minClass: option({
    placeholder: "proteins",
    parse: parse.positiveInteger(1_000_000),
    default: 1,
    description: "classes of fewer proteins are left out",
    group: "Input",
  }),
  gaps: proteinsOptions.gaps,
};

/** How labelled proteins are split. */
export const splitOptions = {
  split: option({
    placeholder: "kind",
    parse: parse.choice(...SPLITS),
    description: "given (in the input), random, or grouped: no group on both sides",
    defaultText: "given where the input has sets, random of an assay, else grouped",
    group: "Split",
  }),
  setColumn: column("column with train, validation, test", "Split", "set, else split"),
  validationColumn: column(
    "column that is true where a training row validates",
    "Split",
    "validation",
  ),
  group: column("column of the groups", "Split", "similar sequences, see --identity"),
  identity: option({
    placeholder: "share",
    parse: parse.number({ min: 0.15, max: 1 }),
    default: 0.3,
    description:
      "identical residues, over half of the shorter protein, from which two are one group",
    group: "Split",
  }),
  test: share("share of the proteins to be tested with", 0.2),
  validation: share("share of the proteins that choose", 0.1),
};

export const options = {
  ...labelOptions,
  per: option({
    placeholder: "what",
    parse: parse.choice("protein", "residue"),
    description: "what a label of a table is of: protein, or residue (a letter each)",
    defaultText: "protein",
    group: "Input",
  }),
  as: option({
    placeholder: "kind",
    parse: parse.choice("classes", "numbers"),
    description: "classes: logistic regression; numbers: ridge regression",
    defaultText: "numbers where all labels are and more than 20 differ",
    group: "Input",
  }),
  ...splitOptions,
  ...modelOptions,
  ...tokenBudgetOption,
  on: option({
    placeholder: "what",
    parse: parse.choice("layers", "sae"),
    default: "layers" as const,
    description: "layers: the residual stream; sae: an autoencoder's latents beside it",
    group: "Probe",
  }),
  layers: option({
    placeholder: "list",
    parse: parsePlaces,
    default: ["all"] as PlaceList,
    defaultText: "all",
    description:
      "n: the stream after n blocks; last: after the final LayerNorm: 0,12,33 or 0-5,last",
    group: "Probe",
  }),
  pool: option({
    placeholder: "list",
    parse: pools,
    default: ["mean"] as TokenPool[],
    defaultText: "mean",
    description: "how a protein's residues become one vector: mean, max, cls",
    group: "Probe",
  }),
  long: option({
    placeholder: "choice",
    parse: parse.choice(...LONG_CHOICES),
    default: LONG_CHOICES[0],
    description: "proteins longer than --window: full, windows, average or truncate, as in embed",
    group: "Probe",
  }),
  window: option({
    placeholder: "residues",
    parse: parse.integer({ min: 16, max: 100_000 }),
    default: TRAINED_LENGTH,
    description: "of --long; windows overlap by half",
    group: "Probe",
  }),
  maxResidues: option({
    placeholder: "count",
    parse: parse.positiveInteger(100_000_000),
    default: 100_000,
    description: "residues to learn from, drawn at random, and half as many to choose by",
    group: "Probe",
  }),
  classWeights: option({
    placeholder: "kind",
    parse: parse.choice("none", "balanced"),
    default: "none" as const,
    description: "balanced: every class weighs the same, in training and in choosing",
    group: "Probe",
  }),
  penalties: option({
    placeholder: "list",
    parse: penaltyList,
    description: "C of logistic regression, or alpha of ridge, of which validation chooses",
    defaultText: "0.01 to 100; of ridge 0.01 to 100000",
    group: "Probe",
  }),
  baselines: option({
    placeholder: "list",
    parse: baselines,
    default: [...BASELINES],
    defaultText: "all",
    description: `what it is compared with: ${BASELINES.join(", ")} or none`,
    group: "Probe",
  }),
  ...saeOptions,
  bootstrap: option({
    placeholder: "count",
    parse: parse.integer({ min: 0, max: 1_000_000 }),
    default: 1000,
    description: "resamples of the test set's proteins for intervals",
    group: "Evaluation",
  }),
  seed: option({
    placeholder: "number",
    parse: parse.seed,
    default: 0,
    description: "of splits, drawn residues, shuffled labels, random weights and resamples",
    group: "Evaluation",
  }),
  apply: file("a head.safetensors: predict the proteins of --fasta with it instead of training"),
  ...outputOptions(
    "probe",
    "metrics.csv, predictions.csv, confusion.csv, classes.csv, head.safetensors, run.json and report.html",
  ),
  ...runOptions,
};

function penaltyList(text: string, flag: string): number[] {
  const one = parse.number({ min: 1e-9, max: 1e9 });
  return [...new Set(text.split(",").map((piece) => one(piece.trim(), flag)))].sort((a, b) =>
    a - b
  );
}
