/** Reads folders that PEFT or transformers wrote: adapter_config.json and adapter_model.safetensors or .bin. */
import { createHash } from "node:crypto";
import { basename, join, resolve } from "node:path";
import { quote, UserError } from "../errors.ts";
import type { EsmTensorName } from "../checkpoint/mod.ts";
import { hashSource } from "../checkpoint/checkpoint.ts";
import { isDType } from "../checkpoint/dtype.ts";
import { exists, kindOfPath, readText, reasonOr } from "../checkpoint/files.ts";
import { canonicalName, isRedundant } from "../checkpoint/names.ts";
import { readStoredTensor, shapeText, type StoredTensor } from "../checkpoint/stored_tensor.ts";
import { addStateDict, readWeightFile } from "../checkpoint/weight_file.ts";
import { openRandomAccess, type RandomAccess } from "../io/random_access.ts";
import { firstNonFinite } from "../stats/finite.ts";
import {
  type Adapter,
  checkLora,
  type LoraTensors,
  mergedBias,
  mergedWeight,
  type NamedArray,
} from "./adapter.ts";
import { type AdapterConfig, adapterConfig } from "./config.ts";
import { type AdapterKind, nameOfPath, pathOf, scaleOf } from "./modules.ts";

export const CONFIG_FILE = "adapter_config.json";
/** Weight files, preferred ones first. */
export const WEIGHT_FILES = ["adapter_model.safetensors", "adapter_model.bin"] as const;

/**
 * Reads an adapter whole.
 *
 * @param folder as PEFT's or transformers' `save_pretrained` writes it; other files of a trainer are ignored
 * @param name what to call it. @default the folder's name
 * @throws {UserError} if it is no LoRA adapter of an ESM-2, is damaged, or asks for what is not supported
 */
export async function readAdapter(folder: string, name?: string): Promise<Adapter> {
  await checkFolder(folder);
  const configPath = join(folder, CONFIG_FILE);
  const config = adapterConfig(await readJson(configPath, folder), configPath);
  const paths: string[] = [];
  for (const file of WEIGHT_FILES) {
    const path = join(folder, file);
    if (await exists(path)) paths.push(path);
  }
  if (paths.length === 0) {
    throw new UserError(
      `Cannot use ${folder} as an adapter as it must hold its weights: none of ` +
        `${WEIGHT_FILES.join(", ")} is there`,
    );
  }
  const [first, second] = await Promise.all(paths.map(readArrays));
  if (second) checkSame(folder, first.arrays, second.arrays);
  const parts = sort(first.arrays, paths[0], config);
  const lines = await Promise.all([configPath, paths[0]].map(sumLine));
  return {
    name: name ?? basename(resolve(folder)),
    folder,
    files: [configPath, paths[0]],
    config,
    ...parts,
    notes: [
      ...config.notes,
      ...(second ? [`${paths[0]} is read; ${basename(paths[1])} beside it holds the same.`] : []),
      ...parts.notes,
    ],
    sha256: createHash("sha256").update(lines.join("")).digest("hex"),
  };
}

async function checkFolder(folder: string): Promise<void> {
  const refuse = (reason: string) =>
    new UserError(
      `Cannot use ${
        quote(folder, 200)
      } as an adapter as it must be a folder with ${CONFIG_FILE}: ` +
        reason,
    );
  try {
    if (!(await kindOfPath(folder)).isDirectory) throw refuse("it is a file");
  } catch (error) {
    const reason = reasonOr(error, "nothing is there");
    throw reason === undefined ? error : refuse(reason);
  }
  if (!await exists(join(folder, CONFIG_FILE))) throw refuse("it has none");
}

async function readJson(path: string, folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(path));
  } catch (error) {
    const reason = error instanceof SyntaxError
      ? error.message.split("\n")[0]
      : reasonOr(error, "it is not there");
    if (reason === undefined) throw error;
    throw new UserError(`Cannot use ${folder} as ${CONFIG_FILE} must be readable JSON: ${reason}`);
  }
}

async function sumLine(path: string): Promise<string> {
  using source = await openRandomAccess(path);
  return `${await hashSource(source)}  ${basename(path)}\n`;
}

type Arrays = ReadonlyMap<string, NamedArray>;

async function readArrays(path: string): Promise<{ arrays: Arrays }> {
  using source = await openRandomAccess(path);
  const arrays = new Map<string, NamedArray>();
  for (const [name, tensor] of await storedTensors(source)) {
    // Counters and the like; a weight's format is checked where it is read.
    if (!isDType(tensor.dtype)) {
      throw new UserError(
        `Cannot use ${path} as tensor ${
          quote(name, 200)
        } must be of F32, F16, BF16 or F64: current value ` +
          `is ${tensor.dtype}`,
      );
    }
    const values = await readStoredTensor(tensor);
    const at = firstNonFinite(values);
    if (at >= 0) {
      throw new UserError(
        `Cannot use ${path} as its weights must be finite numbers: element ${at} of ${
          quote(name, 200)
        } ` +
          `is ${values[at]}`,
      );
    }
    arrays.set(name, { shape: tensor.shape, values });
  }
  if (arrays.size === 0) {
    throw new UserError(
      `Cannot use ${path} as it must hold an adapter's tensors: it is an adapter without tensors (as ` +
        "is written when it has been merged into its model)",
    );
  }
  return { arrays };
}

async function storedTensors(source: RandomAccess): Promise<Map<string, StoredTensor>> {
  const file = await readWeightFile(source);
  if (file.kind === "safetensors") return file.tensors;
  const tensors = new Map<string, StoredTensor>(), { root } = file.file;
  if (root instanceof Map && root.size === 0) return tensors;
  await addStateDict(source.label, file.file, root, tensors);
  return tensors;
}

/** Two weight files must say the same. */
function checkSame(folder: string, a: Arrays, b: Arrays): void {
  const names = new Set([...a.keys(), ...b.keys()]);
  for (const name of names) {
    const x = a.get(name), y = b.get(name);
    const same = x && y && shapeText(x.shape) === shapeText(y.shape) &&
      x.values.every((value, i) => value === y.values[i]);
    if (same) continue;
    throw new UserError(
      `Cannot use ${folder} as ${WEIGHT_FILES.join(" and ")} must hold the same where both are ` +
        `there: ${quote(name, 200)} ${
          x && y ? "differs" : `is in ${x ? "the first" : "the second"} only`
        }`,
    );
  }
}

/** Parts of an adapter's name, after its module's path. */
const LORA_PART =
  /^(.+)\.lora_(?:(A|B)(?:\.default)?\.(weight|bias)|(magnitude_vector)(?:\.default)?(?:\.weight)?)$/;

/** What a tensor's name says. */
interface Named {
  /** Of the module. */
  readonly path: string;
  readonly part: keyof LoraTensors | "weight" | "bias";
}

/** Reads a name of any release; undefined for values that are never used. */
function parseName(key: string, label: string): Named | undefined {
  const refuse = (what: string): never => {
    throw new UserError(`Cannot use ${label} as tensor ${quote(key, 200)} ${what}`);
  };
  // PEFT wraps the model in two; transformers need not say so.
  const bare = key.replace(/^base_model\.model\./, "");
  // What a saved module was before training, with matrices that nobody trained.
  if (/(^|\.)original_module\./.test(bare)) return undefined;
  const name = bare.replace(/(^|\.)modules_to_save\.(?:default\.)?/, "$1");
  if (/\.lora_embedding_[AB]\b/.test(name)) {
    refuse("adapts an embedding, which is not supported: targets must be linear layers");
  }
  const [, path, letter, kind, magnitude] = LORA_PART.exec(name) ?? [];
  if (magnitude) return { path, part: "magnitude" };
  if (letter) {
    if (kind === "weight") return { path, part: letter === "A" ? "a" : "b" };
    return letter === "B" ? { path, part: "bBias" } : refuse("is no part of an adapter");
  }
  if (/\.lora_/.test(name)) refuse("is no part of a LoRA or DoRA adapter that is known here");
  const [, module, whole] = /^(.+?)(?:\.base_layer)?\.(weight|bias)$/.exec(name) ?? [];
  return whole
    ? { path: module, part: whole as "weight" | "bias" }
    : refuse("belongs to no part of an ESM-2 adapter");
}

type Sorted = Pick<Adapter, "kind" | "lora" | "replaced" | "head" | "notes">;

/** Finds what each tensor is. */
function sort(arrays: Arrays, label: string, config: AdapterConfig): Sorted {
  const parts = new Map<string, Map<Named["part"], { key: string; array: NamedArray }>>();
  for (const [key, array] of arrays) {
    const named = parseName(key, label);
    if (!named) continue;
    const { path, part } = named;
    if (!parts.has(path)) parts.set(path, new Map());
    const own = parts.get(path)!, other = own.get(part);
    if (other && !equalArrays(other.array, array)) {
      throw new UserError(
        `Cannot use ${label} as it must hold each tensor once: ${quote(other.key, 200)} and ` +
          `${quote(key, 200)} are the same, and their values differ`,
      );
    }
    own.set(part, { key, array });
  }
  const kind = kindOf([...parts.keys()], config, label);
  const lora = new Map<string, LoraTensors>(), replaced = new Map<EsmTensorName, NamedArray>();
  const saved = new Map<string, NamedArray>(), headLora = new Map<string, LoraTensors>();
  for (const [path, own] of parts) {
    const array = (part: Named["part"]) => own.get(part)?.array;
    const [{ key }] = own.values();
    const unknown = (): never => {
      throw new UserError(
        `Cannot use ${label} as each of its tensors must belong to an ESM-2: ${quote(key, 200)} ` +
          "belongs to none, and would be without use",
      );
    };
    const isHead = /^classifier(\.|$)/.test(path);
    if (array("a") || array("b") || array("bBias") || array("magnitude")) {
      const name = nameOfPath(path) ?? unknown();
      const { a, b, bBias, magnitude } = Object.fromEntries(
        [...own].map(([part, { array }]) => [part, array]),
      ) as Partial<LoraTensors>;
      const checked = checkLora(pathOf(name, kind), { a, b, bBias, magnitude }, config, label);
      (isHead ? headLora : lora).set(name, checked);
    }
    for (const part of ["weight", "bias"] as const) {
      const values = array(part);
      if (!values) continue;
      if (isHead) {
        saved.set(`${path}.${part}`, values);
        continue;
      }
      const stored = `${path}.${part}`.replace(/^lm_head\.decoder\.bias$/, "lm_head.bias");
      if (isRedundant(stored)) continue;
      const name = canonicalName(stored) ?? unknown();
      const other = replaced.get(name);
      if (other && !equalArrays(other, values)) {
        throw new UserError(
          `Cannot use ${label} as it must hold ${name} once: two tensors have it, and their values differ`,
        );
      }
      replaced.set(name, values);
    }
  }
  if (lora.size === 0 && headLora.size === 0) {
    throw new UserError(
      `Cannot use ${label} as it must hold lora_A and lora_B of an adapter: it has ${arrays.size} ` +
        "tensors and none of these",
    );
  }
  const head = mergeHead(saved, headLora, kind, config, label);
  const notes = kind !== "sequence" && kind !== "token" && /For(Sequence|Token)Class/.test(
      config.modelClass ?? "",
    )
    ? [`${label} holds no head, though it was trained in ${config.modelClass}.`]
    : [];
  return { kind, lora, replaced, head, notes };
}

function equalArrays(a: NamedArray, b: NamedArray): boolean {
  return shapeText(a.shape) === shapeText(b.shape) &&
    a.values.every((value, i) => value === b.values[i]);
}

/** Which model an adapter was trained in, from its tensors, and where they do not tell from what it says. */
function kindOf(paths: readonly string[], config: AdapterConfig, label: string): AdapterKind {
  const { task, modelClass = "" } = config;
  const has = (pattern: RegExp) => paths.some((path) => pattern.test(path));
  const body = paths.filter((path) => !/^(classifier|lm_head|score)\b/.test(path));
  const inside = body.filter((path) => path.startsWith("esm."));
  if (inside.length > 0 && inside.length < body.length) {
    const other = body.find((path) => !path.startsWith("esm."))!;
    throw new UserError(
      `Cannot use ${label} as its tensors must be of one model: ${
        quote(inside[0])
      } lies in "esm", ` +
        `${quote(other)} does not`,
    );
  }
  const isSequence = has(/^classifier\.(dense|out_proj)$/), isToken = has(/^classifier$/);
  if (isSequence && isToken) {
    throw new UserError(
      `Cannot use ${label} as it must have one head: it has tensors of classifier and of ` +
        "classifier.dense or classifier.out_proj",
    );
  }
  const expected = task === "SEQ_CLS" ? "sequence" : task === "TOKEN_CLS" ? "token" : undefined;
  const found = isSequence ? "sequence" : isToken ? "token" : undefined;
  if (expected && found !== expected) {
    const names = expected === "sequence"
      ? "classifier.dense and classifier.out_proj"
      : "classifier.weight and classifier.bias";
    const current = found
      ? `it has a head of ${found === "token" ? "residues" : "sequences"}`
      : "it has none, so that its head would be random (PEFT 0.2 did not save it)";
    throw new UserError(
      `Cannot use ${label} as an adapter of task_type ${task} must hold its head, ${names}: ${current}`,
    );
  }
  if (found) return found;
  if (has(/^lm_head\b/) || modelClass === "EsmForMaskedLM") return "mlm";
  return inside.length > 0 || body.length === 0 ? "unknown" : "base";
}

/** Heads by the names of their parts. */
const HEADS = {
  sequence: ["classifier.dense", "classifier.out_proj"],
  token: ["classifier"],
} as const;

/** The head with what adapters add to it: it was both saved and adapted by PEFT before 0.16. */
function mergeHead(
  saved: Arrays,
  lora: ReadonlyMap<string, LoraTensors>,
  kind: AdapterKind,
  config: AdapterConfig,
  label: string,
): Map<string, NamedArray> {
  const head = new Map<string, NamedArray>();
  if (kind !== "sequence" && kind !== "token") return head;
  const fail = (rule: string, current: string): never => {
    throw new UserError(`Cannot use ${label} as ${rule}: ${current}`);
  };
  for (const name of HEADS[kind]) {
    const weight = saved.get(`${name}.weight`), bias = saved.get(`${name}.bias`);
    if (!weight || !bias) {
      return fail(
        `its head must have ${name}.weight and ${name}.bias`,
        `${name}.${weight ? "bias" : "weight"} is absent`,
      );
    }
    if (weight.shape.length !== 2 || shapeText(bias.shape) !== shapeText([weight.shape[0]])) {
      fail(
        `${name}.weight must be [out, in] and ${name}.bias [out]`,
        `current shapes are ${shapeText(weight.shape)} and ${shapeText(bias.shape)}`,
      );
    }
    const own = lora.get(name);
    if (own && (own.a.shape[1] !== weight.shape[1] || own.b.shape[0] !== weight.shape[0])) {
      fail(
        `lora_A and lora_B of ${name} must fit its ${shapeText(weight.shape)}`,
        `current shapes are ${shapeText(own.a.shape)} and ${shapeText(own.b.shape)}`,
      );
    }
    const scale = own ? scaleOf(config, name, own.a.shape[0]) : 0;
    head.set(`${name}.weight`, {
      shape: weight.shape,
      values: own ? mergedWeight(weight.values, own, scale) : weight.values,
    });
    head.set(`${name}.bias`, {
      shape: bias.shape,
      values: own?.bBias ? mergedBias(bias.values, own, scale) : bias.values,
    });
  }
  if (kind === "sequence") {
    const dense = head.get("classifier.dense.weight")!.shape;
    const out = head.get("classifier.out_proj.weight")!.shape;
    if (dense[0] !== dense[1] || out[1] !== dense[0]) {
      fail(
        "classifier.dense must be square and classifier.out_proj must read what it gives",
        `current shapes are ${shapeText(dense)} and ${shapeText(out)}`,
      );
    }
  }
  const known = new Set(HEADS[kind].flatMap((name) => [`${name}.weight`, `${name}.bias`]));
  const foreign = [...saved.keys()].find((name) => !known.has(name));
  if (foreign) fail("its head must be that of ESM-2", `tensor ${quote(foreign)} belongs to none`);
  return head;
}
