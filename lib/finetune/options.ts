/** The options of `deno task finetune`. */
import { flag, option } from "../cli/command.ts";
import { badValue, type Parser } from "../cli/parsers.ts";
import * as parse from "../cli/parsers.ts";
import { TRAINED_LENGTH } from "../esm2/mod.ts";
import { modelOptions, tokenBudgetOption } from "../model_options.ts";
import { outputOptions, runOptions } from "../output_options.ts";
import { labelOptions, splitOptions } from "../probe/options.ts";
import type { ClassWeights } from "./data.ts";
import { SCHEDULES } from "./train.ts";
import { HEADS, type Mode, MODES, TASKS } from "./types.ts";

const training = { group: "Training" }, lora = { group: "LoRA" };
const share = parse.number({ min: 0, max: 1 });

/** Reads `frozen,lora,full`; they run in this order. */
export const parseModes: Parser<Mode[]> = (text, flag) => {
  const one = parse.choice(...MODES);
  const named = new Set(text.split(",").map((word) => one(word.trim(), flag)));
  return MODES.filter((mode) => named.has(mode));
};

/** Reads `0.001`, or a rate for each mode with commas. */
export const parseRates: Parser<number[]> = (text, flag) => {
  const one = parse.number({ min: 0, max: 10 });
  return text.split(",").map((piece) => one(piece.trim(), flag));
};

/** Reads `none`, `balanced`, or `helix=2,sheet=0.5`. */
export const parseClassWeights: Parser<ClassWeights> = (text, flag) => {
  if (text === "none" || text === "balanced") return text;
  const entries = text.split(",").map((piece): [string, number] => {
    const at = piece.lastIndexOf("="), weight = Number(piece.slice(at + 1).trim() || NaN);
    if (at < 1 || !(weight > 0) || !Number.isFinite(weight)) {
      throw badValue(flag, "none, balanced, or weights above 0 by class such as a=2,b=1", text);
    }
    return [piece.slice(0, at).trim(), weight];
  });
  return Object.fromEntries(entries);
};

/** Reads targets of an adapter: a list of endings of module paths, or one regular expression. */
export const parseTargets: Parser<readonly string[] | string> = (text, flag) => {
  if (text.trim() === "") throw badValue(flag, "module names with commas, or a pattern", text);
  if (text === "all-linear") return text;
  return /^[\w.,\s-]+$/.test(text) ? text.split(",").map((piece) => piece.trim()) : text;
};

const LORA_TARGETS: readonly string[] | string = ["query", "key", "value"];

export const options = {
  ...labelOptions,
  task: option({
    placeholder: "kind",
    parse: parse.choice(...TASKS),
    description: "what is told: the class of a protein (sequence), of each residue, a number, or " +
      "several classes at once, which the label names with ; between them (none: none of them)",
    defaultText: "by the labels",
    group: "Input",
  }),
  maxLength: option({
    placeholder: "residues",
    parse: parse.integer({ min: 1, max: 100_000 }),
    default: TRAINED_LENGTH,
    description: "of a protein that are read",
    group: "Input",
  }),
  ...splitOptions,
  ...modelOptions,
  ...tokenBudgetOption,
  mode: option({
    ...training,
    placeholder: "list",
    parse: parseModes,
    default: ["lora"] as Mode[],
    defaultText: "lora",
    description: "what is trained beside the head: frozen (nothing), lora, full (every weight); " +
      "several are compared",
  }),
  head: option({
    ...training,
    placeholder: "kind",
    parse: parse.choice(...HEADS),
    description: "of proteins mean, cls (Hugging Face's), attention, mlp; of residues token, mlp",
    defaultText: "mean; of residues token",
  }),
  epochs: option({
    ...training,
    placeholder: "number",
    parse: parse.positiveInteger(1_000_000),
    description: "passes over the training set, at most",
    defaultText: "10; frozen 50",
  }),
  patience: option({
    ...training,
    placeholder: "epochs",
    parse: parse.positiveInteger(1_000_000),
    description: "end after so many without a better validation; the best is kept in any case",
    defaultText: "3; frozen 10",
  }),
  batch: option({
    ...training,
    placeholder: "proteins",
    parse: parse.positiveInteger(100_000),
    description: "of a step; they run by length, and the loss is the mean over all that they tell",
    defaultText: "8; frozen 32",
  }),
  learningRate: option({
    ...training,
    placeholder: "list",
    parse: parseRates,
    description: "one, or one for each mode",
    defaultText: "frozen 0.005, lora 0.25 ÷ the model's width, full 0.1 ÷ width",
  }),
  schedule: option({
    ...training,
    placeholder: "shape",
    parse: parse.choice(...SCHEDULES),
    default: SCHEDULES[0],
    description: `of the learning rate after its rise: ${SCHEDULES.join(", ")}`,
  }),
  warmUp: option({
    ...training,
    placeholder: "share",
    parse: share,
    default: 0.06,
    description: "of the steps over which the learning rate rises",
  }),
  optimiser: option({
    ...training,
    placeholder: "name",
    parse: parse.choice("adamw", "muon"),
    default: "adamw" as const,
    description: "adamw, or muon of matrices within the blocks",
  }),
  decay: option({
    ...training,
    placeholder: "number",
    parse: parse.number({ min: 0, max: 10 }),
    default: 0.01,
    description: "weight decay of matrices",
  }),
  clip: option({
    ...training,
    placeholder: "number",
    parse: parse.number({ min: 1e-6 }),
    default: 1,
    description: "longest gradient",
  }),
  average: option({
    ...training,
    placeholder: "share",
    parse: parse.number({ min: 0, max: 0.99999 }),
    description: "of a running mean of the weights that stays in a step; that mean is the result",
    defaultText: "no mean",
  }),
  classWeights: option({
    ...training,
    placeholder: "kind",
    parse: parseClassWeights,
    default: "none" as ClassWeights,
    description: "none, balanced (every class weighs the same, in choosing too), or a=2,b=1",
  }),
  loraRank: option({
    ...lora,
    placeholder: "r",
    parse: parse.positiveInteger(1024),
    default: 8,
    description: "rank of the matrices",
  }),
  loraAlpha: option({
    ...lora,
    placeholder: "number",
    parse: parse.number({ min: 1e-6, max: 1e6 }),
    default: 16,
    description: "they are scaled by alpha ÷ r",
  }),
  loraDropout: option({
    ...lora,
    placeholder: "share",
    parse: parse.number({ min: 0, max: 0.99 }),
    default: 0,
    description: "of the numbers that they do not read, in training",
  }),
  loraTargets: option({
    ...lora,
    placeholder: "names",
    parse: parseTargets,
    default: LORA_TARGETS,
    defaultText: "query,key,value",
    description:
      "modules by the ends of their names as in PEFT (dense: all other linear layers), " +
      "a regular expression of whole names, or all-linear",
  }),
  rslora: flag({ ...lora, description: "scale by alpha ÷ √r instead" }),
  dora: flag({ ...lora, description: "learn the lengths of the weights' rows too" }),
  merge: flag({
    ...lora,
    description: "write a whole model instead of an adapter, or a head alone",
  }),
  perplexity: option({
    placeholder: "file|none",
    parse: (text, flag) => text === "none" ? text : parse.path(text, flag),
    description: "FASTA on which the perplexity of masked residues is measured before and after",
    defaultText: "100 proteins of the test set",
    group: "Evaluation",
  }),
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
    description: "of all that is drawn",
    group: "Evaluation",
  }),
  apply: option({
    placeholder: "folder",
    parse: parse.path,
    description: "predict the proteins of --fasta or --sequence with a model of this command, a " +
      "fine-tuned Hugging Face folder, or a PEFT adapter with its head",
    group: "Prediction",
  }),
  sequence: option({
    placeholder: "letters",
    parse: parse.text,
    description: "a protein for --apply",
    group: "Prediction",
  }),
  ...outputOptions(
    "finetune",
    "the fine-tuned model, modes.csv, epochs.csv, curve.csv, predictions.csv and report.html",
  ),
  ...runOptions,
};
