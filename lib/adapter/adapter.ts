/** An adapter of PEFT's form, in memory. */
import { quote, UserError } from "../errors.ts";
import type { Esm2Config, EsmTensorName } from "../checkpoint/mod.ts";
import { expectedTensors } from "../checkpoint/names.ts";
import { shapeText } from "../checkpoint/stored_tensor.ts";
import type { AdapterConfig } from "./config.ts";
import {
  type AdapterKind,
  linearModules,
  pathOf,
  patternValue,
  POOLER,
  scaleOf,
  targetMatcher,
  targetsOf,
} from "./modules.ts";

/** Numbers with a shape. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Matrices beside one linear map. */
export interface LoraTensors {
  /** f32[r, in] */
  readonly a: NamedArray;
  /** f32[out, r] */
  readonly b: NamedArray;
  /** f32[out], of `lora_bias`. */
  readonly bBias?: NamedArray;
  /** f32[out], of DoRA. */
  readonly magnitude?: NamedArray;
}

/** An adapter as its folder has it, checked by itself; {@linkcode fitAdapter} checks it with a model. */
export interface Adapter {
  /** Name of its folder. */
  readonly name: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly config: AdapterConfig;
  readonly kind: AdapterKind;
  /** By the linear map's name: `layers.0.self_attn.q_proj`, `lm_head.dense`. */
  readonly lora: ReadonlyMap<string, LoraTensors>;
  /** Whole tensors in place of the model's: biases, modules that were saved. */
  readonly replaced: ReadonlyMap<EsmTensorName, NamedArray>;
  /** The head of its task, what adapters add to it included: `classifier.dense.weight` … */
  readonly head: ReadonlyMap<string, NamedArray>;
  /** What a person should know. */
  readonly notes: readonly string[];
  /** SHA-256 of its `sha256sum` lines. */
  readonly sha256: string;
}

/** W + s·B·A f32[out, in], with DoRA its rows scaled to the magnitudes; computed in double precision. */
export function mergedWeight(
  weight: Float32Array,
  { a, b, magnitude }: LoraTensors,
  scale: number,
  into: Float32Array = new Float32Array(weight.length),
): Float32Array {
  const [rank, width] = a.shape, out = b.shape[0], row = new Float64Array(width);
  for (let i = 0; i < out; i++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = b.values[i * rank + k], at = k * width;
      for (let j = 0; j < width; j++) row[j] += factor * a.values[at + j];
    }
    let squares = 0;
    for (let j = 0; j < width; j++) {
      row[j] = weight[i * width + j] + scale * row[j];
      squares += row[j] * row[j];
    }
    const factor = magnitude ? magnitude.values[i] / Math.sqrt(squares) : 1;
    for (let j = 0; j < width; j++) into[i * width + j] = factor * row[j];
  }
  return into;
}

/** b + s·(bias of B). */
export function mergedBias(
  bias: Float32Array,
  { bBias }: LoraTensors,
  scale: number,
  into: Float32Array = new Float32Array(bias.length),
): Float32Array {
  for (let i = 0; i < bias.length; i++) into[i] = bias[i] + scale * (bBias?.values[i] ?? 0);
  return into;
}

/** s of the linear map of an adapter. @param name of its tensors without `.weight` */
export const scaleIn = (
  { config, kind, lora }: Pick<Adapter, "config" | "kind" | "lora">,
  name: string,
) => scaleOf(config, pathOf(name, kind), lora.get(name)!.a.shape[0]);

/**
 * Checks the parts of an adapter beside one linear map against each other and against its configuration.
 *
 * @param path for messages and patterns
 */
export function checkLora(
  path: string,
  lora: Partial<LoraTensors>,
  config: AdapterConfig,
  label: string,
): LoraTensors {
  const fail = (rule: string, current: string): never => {
    throw new UserError(`Cannot use ${label} as ${rule}: ${current}`);
  };
  const { a, b, bBias, magnitude } = lora;
  if (!a || !b) {
    const [has, lacks] = a ? ["lora_A", "lora_B"] : b ? ["lora_B", "lora_A"] : ["a part", "lora_A"];
    return fail(`${path} must have both lora_A and lora_B`, `it has ${has} and no ${lacks}`);
  }
  if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[0] !== b.shape[1]) {
    fail(
      `lora_A of ${path} must be [r, in] and lora_B [out, r]`,
      `current shapes are ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
    );
  }
  const rank = patternValue(config.rankPattern, path) ?? config.rank;
  if (a.shape[0] !== rank) {
    fail(
      `lora_A of ${path} must have the rank that adapter_config.json says, ${rank}`,
      `current shape is ${shapeText(a.shape)}`,
    );
  }
  const vector = (part: string, array: NamedArray | undefined, option: string, on: boolean) => {
    if (on && !array) fail(`${path} must have ${part} where ${option} is true`, "it is absent");
    if (!on && array) fail(`${option} must be true where ${path} has ${part}`, "it is false");
    if (array && shapeText(array.shape) !== shapeText([b.shape[0]])) {
      fail(
        `${part} of ${path} must be ${shapeText([b.shape[0]])}`,
        `current shape is ${shapeText(array.shape)}`,
      );
    }
  };
  vector("lora_B.bias", bBias, "lora_bias", config.loraBias);
  vector("lora_magnitude_vector", magnitude, "use_dora", config.dora);
  return { a, b, ...(bBias && { bBias }), ...(magnitude && { magnitude }) };
}

/**
 * Checks that an adapter belongs to a model: every tensor of it has a place of the right shape, and every
 * target of its configuration has tensors.
 *
 * @param model name for messages
 * @returns what a person should know
 * @throws {UserError} naming the tensor or target that does not fit
 */
export function fitAdapter(adapter: Adapter, config: Esm2Config, model: string): string[] {
  const { config: own, kind, lora, replaced, folder, head } = adapter;
  const made = own.baseModel === "" ? "" : ` (it was made for ${quote(own.baseModel)})`;
  const fail = (rule: string, current: string): never => {
    throw new UserError(`Cannot use ${folder} with ${model} as ${rule}: ${current}${made}`);
  };
  const notes: string[] = [];
  const shapes = new Map<string, readonly number[]>(
    expectedTensors(config).map(({ name, shape }) => [name, shape]),
  );
  for (const [name, { shape }] of replaced) {
    const wanted = shapes.get(name);
    if (!wanted) fail("each of its tensors must belong to the model", `${name} belongs to none`);
    if (shapeText(wanted!) !== shapeText(shape)) {
      fail(
        `${name} must have the model's shape ${shapeText(wanted!)}`,
        `current shape is ${shapeText(shape)}`,
      );
    }
  }
  const modules = linearModules(config, kind), byName = new Map(modules.map((m) => [m.name, m]));
  for (const [name, { a, b }] of lora) {
    if (name === POOLER) continue;
    const path = pathOf(name, kind), wanted = shapes.get(`${name}.weight`);
    if (!byName.has(name) || !wanted) {
      fail("each of its tensors must belong to a linear layer of the model", `${path} is none`);
    }
    const [out, width] = wanted!;
    if (a.shape[1] !== width || b.shape[0] !== out) {
      fail(
        `lora_A and lora_B of ${path} must fit its ${shapeText([out, width])}`,
        `current shapes are ${shapeText(a.shape)} and ${shapeText(b.shape)}`,
      );
    }
  }
  for (const [name, { shape }] of head) {
    if (shape.length === 2 && shape[1] !== config.dModel) {
      fail(
        `${name} must read ${config.dModel} numbers, the model's width`,
        `current shape is ${shapeText(shape)}`,
      );
    }
  }
  const { targets, ignored } = targetsOf(own, modules, folder, "ignored");
  if (ignored.length > 0) {
    notes.push(
      `target_modules of ${adapter.name} names ${
        ignored.join(", ")
      }: names of classes, which PEFT ` +
        "matches with no module, so that nothing was trained there.",
    );
  }
  const without = targets.filter(({ name, needed }) => needed && !lora.has(name));
  if (without.length > 0) {
    const more = without.length > 1 ? ` and ${without.length - 1} more` : "";
    fail("each target must have lora_A and lora_B", `${without[0].path}${more} has none`);
  }
  const isTarget = targetMatcher(own);
  for (const name of lora.keys()) {
    const path = pathOf(name, kind);
    if (!isTarget(path)) {
      fail(
        "target_modules must match every module that has tensors, or they would be without use",
        `${path} is not matched`,
      );
    }
    const bias = `${name}.bias` as EsmTensorName;
    if (own.bias !== "none" && shapes.has(bias) && !replaced.has(bias)) {
      fail(
        `the bias of each target must be there where bias is ${own.bias} (some releases of PEFT did ` +
          "not save it)",
        `that of ${path} is absent`,
      );
    }
  }
  if (lora.has(POOLER)) {
    notes.push(`${POOLER} of ${adapter.name} changes nothing that is read here.`);
  }
  const last = (name: string) => name.replaceAll("\\", "/").replace(/\/+$/, "").split("/").at(-1);
  if (own.baseModel !== "" && last(own.baseModel) !== last(model)) {
    notes.push(`${adapter.name} was made for ${own.baseModel}, and runs on ${model}.`);
  }
  return notes;
}
