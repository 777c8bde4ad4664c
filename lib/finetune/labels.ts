/** What a fine-tuned model tells, as files say it. */
import { quote, UserError } from "../errors.ts";
import { headShapes, lastLayer } from "./head.ts";
import {
  type HeadKind,
  HEADS,
  type HeadSpec,
  type Mode,
  MODES,
  type Task,
  TASKS,
} from "./types.ts";

/** A head with all that makes numbers of it predictions. */
export interface TunedHead {
  readonly task: Task;
  readonly spec: HeadSpec;
  /** In the order of the logits; none of numbers. */
  readonly classes: readonly string[];
  /** What the labels were called. */
  readonly label: string;
  /** Residues of a protein that are read. */
  readonly maxLength: number;
  /** By the names of {@linkcode headShapes}. */
  readonly weights: Readonly<Record<string, Float32Array>>;
}

/** How a fine-tuned model was made, in `finetune.json`. */
export interface TunedRecord {
  readonly format: "esmscope-finetune";
  readonly version: string;
  readonly mode: Mode;
  readonly task: Task;
  readonly head: HeadKind;
  readonly classes: readonly string[];
  readonly label: string;
  readonly max_length: number;
  readonly model: { readonly name: string; readonly sha256: string };
  /** Where the head's weights are: beside the others, or in head.safetensors. */
  readonly weights: "whole" | "adapter" | "head";
}

/** Name of the file of a {@linkcode TunedRecord}. */
export const TUNED_RECORD = "finetune.json";
/** Name of the file of a head alone. */
export const HEAD_FILE = "head.safetensors";

/** What transformers has a class for. */
const CLASSES: Partial<Record<HeadKind, string>> = {
  cls: "EsmForSequenceClassification",
  token: "EsmForTokenClassification",
};

/** Hugging Face's fields of config.json. @param hasLanguageHead whether hidden residues can be said too */
export function hfFields(
  { task, spec: { kind, outputs }, classes }: TunedHead,
  hasLanguageHead: boolean,
): Record<string, unknown> {
  const names = classes.length > 0
    ? classes
    : Array.from({ length: outputs }, (_, k) => `LABEL_${k}`);
  const problem = {
    sequence: "single_label_classification",
    regression: "regression",
    multilabel: "multi_label_classification",
    residue: undefined,
  }[task];
  return {
    // Of a head without a class there, the model that the rest is.
    architectures: [CLASSES[kind] ?? (hasLanguageHead ? "EsmForMaskedLM" : "EsmModel")],
    id2label: Object.fromEntries(names.map((name, k) => [String(k), name])),
    label2id: Object.fromEntries(names.map((name, k) => [name, k])),
    ...(problem && { problem_type: problem }),
    ...(!CLASSES[kind] && { esmscope_head: kind }),
  };
}

/** The head with numbers in the units of the labels. */
export function inUnits(
  weights: Readonly<Record<string, Float32Array>>,
  spec: HeadSpec,
  { mean, sd }: { mean: number; sd: number },
): Record<string, Float32Array> {
  const name = lastLayer(spec);
  const own = Object.fromEntries(
    [...headShapes(spec).keys()].map((key) => [key, weights[key].slice()]),
  );
  own[`${name}.weight`] = own[`${name}.weight`].map((w) => w * sd);
  own[`${name}.bias`] = own[`${name}.bias`].map((b) => b * sd + mean);
  return own;
}

/** @throws {UserError} if the text is no {@linkcode TunedRecord} */
export function readRecord(text: string, label: string): TunedRecord {
  const refuse = (requirement: string, current: unknown): never => {
    throw new UserError(
      `Cannot read ${quote(label, 200)} as it must have ${requirement}: current value is ${
        quote(String(current))
      }`,
    );
  };
  let found: Partial<Record<keyof TunedRecord, unknown>>;
  try {
    found = JSON.parse(text);
  } catch {
    return refuse("JSON of a fine-tuned model", text.slice(0, 40));
  }
  if (found?.format !== "esmscope-finetune") refuse("the format esmscope-finetune", found?.format);
  const one = <T extends string>(key: keyof TunedRecord, choices: readonly T[]): T =>
    choices.find((choice) => choice === found[key]) ??
      refuse(`${key} among ${choices.join(", ")}`, found[key]);
  const classes = Array.isArray(found.classes) ? found.classes.map(String) : [];
  const task = one("task", TASKS);
  if ((task === "regression") !== (classes.length === 0)) refuse("classes that fit its task", task);
  const model = found.model as TunedRecord["model"] | undefined;
  return {
    ...{ format: "esmscope-finetune", version: String(found.version), task, classes },
    ...{ mode: one("mode", MODES), head: one("head", HEADS) },
    weights: one("weights", ["whole", "adapter", "head"]),
    label: String(found.label),
    max_length: Number(found.max_length) || refuse("max_length", found.max_length),
    model: { name: String(model?.name ?? ""), sha256: String(model?.sha256 ?? "") },
  };
}
