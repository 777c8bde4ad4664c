/** Writes adapters as PEFT does, and makes new ones. */
import { UserError } from "../errors.ts";
import type { Checkpoint, EsmTensorName } from "../checkpoint/mod.ts";
import { hfName } from "../checkpoint/names.ts";
import { writeSafetensors, type WrittenTensor } from "../checkpoint/write_safetensors.ts";
import { philox4x32, philoxKey } from "../../kernels/philox/mod.ts";
import { type Adapter, type LoraTensors, type NamedArray, scaleIn } from "./adapter.ts";
import { adapterConfig, configText, type NewAdapter, newFields } from "./config.ts";
import { type AdapterKind, linearModules, nameOfPath, pathOf, targetsOf } from "./modules.ts";
import { CONFIG_FILE, WEIGHT_FILES } from "./read.ts";

/** An adapter's tensors by the names that PEFT has for them, in the order of its files. */
export function peftTensors(adapter: Omit<Adapter, "files" | "sha256">): Map<string, NamedArray> {
  const { kind, lora, replaced, head } = adapter, found = new Map<string, NamedArray>();
  const put = (key: string, array: NamedArray | undefined) => {
    if (array) found.set(`base_model.model.${key}`, array);
  };
  for (const [name, { a, b, bBias, magnitude }] of lora) {
    const path = pathOf(name, kind);
    put(`${path}.lora_A.weight`, a);
    put(`${path}.lora_B.weight`, b);
    put(`${path}.lora_B.bias`, bBias);
    put(`${path}.lora_magnitude_vector`, magnitude);
  }
  for (const [tensor, array] of replaced) {
    const own = hfName(tensor), path = kind === "base" ? own.replace(/^esm\./, "") : own;
    const [, module, part] = /^(.+)\.(weight|bias)$/.exec(path)!;
    const name = nameOfPath(module);
    put(name !== undefined && lora.has(name) ? `${module}.base_layer.${part}` : path, array);
  }
  for (const [key, array] of head) put(key, array);
  return new Map([...found].sort(([a], [b]) => a < b ? -1 : 1));
}

/**
 * Writes adapter_config.json and adapter_model.safetensors.
 *
 * @param pathOf where to write a file of that name
 */
export async function writeAdapter(
  pathOf: (file: string) => string,
  adapter: Omit<Adapter, "files" | "sha256">,
): Promise<void> {
  const tensors: Record<string, WrittenTensor> = {};
  for (const [key, { shape, values }] of peftTensors(adapter)) {
    tensors[key] = { dtype: "F32", shape, data: values };
  }
  await writeSafetensors(pathOf(WEIGHT_FILES[0]), tensors, { format: "pt" });
  await Deno.writeTextFile(pathOf(CONFIG_FILE), configText(adapter.config.fields));
}

/** Arrays by name: `layers.0.self_attn.q_proj.lora_A`, `layers.0.fc1.bias`, `classifier.dense.weight`. */
export type AdapterArrays = Record<string, NamedArray>;

const PARTS = [
  ["a", "lora_A"],
  ["b", "lora_B"],
  ["bBias", "lora_B.bias"],
  ["magnitude", "lora_magnitude_vector"],
] as const;

/** All that an adapter holds, as a training has it; the values are the adapter's own. */
export function adapterArrays({ lora, replaced, head }: Adapter): AdapterArrays {
  const found: AdapterArrays = {};
  for (const [name, own] of lora) {
    for (const [key, part] of PARTS) if (own[key]) found[`${name}.${part}`] = own[key];
  }
  for (const [name, array] of replaced) found[name] = array;
  for (const [name, array] of head) found[name] = array;
  return found;
}

/** The adapter with other values. @param values by the names of {@linkcode adapterArrays}; absent ones stay */
export function withArrays(
  adapter: Adapter,
  values: Readonly<Record<string, Float32Array>>,
): Adapter {
  const other = (name: string, array: NamedArray): NamedArray => ({
    shape: array.shape,
    values: values[name] ?? array.values,
  });
  const lora = [...adapter.lora].map(([name, own]): [string, LoraTensors] => {
    const parts = PARTS.flatMap(([key, part]) => {
      const array = own[key];
      return array ? [[key, other(`${name}.${part}`, array)]] : [];
    });
    return [name, Object.fromEntries(parts) as LoraTensors];
  });
  const each = <Name extends string>(arrays: ReadonlyMap<Name, NamedArray>) =>
    new Map([...arrays].map(([name, array]) => [name, other(name, array)]));
  return {
    ...adapter,
    lora: new Map(lora),
    replaced: each(adapter.replaced),
    head: each(adapter.head),
  };
}

/**
 * Adapters by the linear map's name as the model's graphs take them.
 *
 * @throws {UserError} if one lies where the graphs have none: at the decoder or the contact head
 */
export function linearAdapters(adapter: Adapter): Map<
  string,
  { rank: number; bias: boolean; magnitude: boolean; scale: number }
> {
  const other = [...adapter.lora.keys()].find((name) => !/^(layers\.|lm_head\.dense$)/.test(name));
  if (other !== undefined) {
    throw new UserError(
      `Cannot train ${adapter.folder} as its targets must be layers of the blocks or lm_head.dense: ` +
        `current value has ${pathOf(other, adapter.kind)}`,
    );
  }
  return new Map(
    [...adapter.lora].map(([name, { a, bBias, magnitude }]) => [name, {
      rank: a.shape[0],
      bias: bBias !== undefined,
      magnitude: magnitude !== undefined,
      scale: scaleIn(adapter, name),
    }]),
  );
}

/** Of a new adapter. */
export interface NewAdapterOptions extends NewAdapter {
  kind: AdapterKind;
  name: string;
  seed: number;
  /** The head's arrays, where the task has one. */
  head?: ReadonlyMap<string, NamedArray>;
}

/**
 * An adapter that changes nothing yet: A uniform in ±1 ÷ √in, B zero, the magnitudes of DoRA the lengths of
 * the rows as they are; biases, where they are trained, the model's own.
 *
 * @throws {UserError} if a target matches nothing
 */
export async function newAdapter(
  checkpoint: Checkpoint,
  { kind, name, seed, head = new Map(), ...o }: NewAdapterOptions,
): Promise<Adapter> {
  const config = adapterConfig(newFields(o), "the new adapter");
  const modules = linearModules(checkpoint.config, kind)
    .filter(({ name, needed }) => needed || name === "lm_head.dense" && kind === "mlm");
  const { targets } = targetsOf(config, modules, "the new adapter");
  const lora = new Map<string, LoraTensors>(), replaced = new Map<EsmTensorName, NamedArray>();
  for (const [i, { name }] of targets.entries()) {
    const weight = `${name}.weight` as EsmTensorName, { shape } = checkpoint.tensors.get(weight)!;
    const [out, width] = shape, values = new Float32Array(config.rank * width);
    uniform(values, 1 / Math.sqrt(width), seed, i);
    lora.set(name, {
      a: { shape: [config.rank, width], values },
      b: { shape: [out, config.rank], values: new Float32Array(out * config.rank) },
      ...(config.dora && {
        magnitude: { shape: [out], values: rowLengths(await checkpoint.read(weight), out) },
      }),
    });
  }
  for (const [tensor, { shape }] of checkpoint.tensors) {
    const [, linear] = /^(.+)\.bias$/.exec(tensor) ?? [];
    const isSaved = config.bias === "all" || config.bias === "lora_only" && lora.has(linear);
    if (linear === undefined || !isSaved || linear === "contact_head.regression") continue;
    if (kind !== "mlm" && linear.startsWith("lm_head")) continue;
    replaced.set(tensor, { shape, values: await checkpoint.read(tensor) });
  }
  return {
    name,
    folder: name,
    files: [],
    config,
    kind,
    lora,
    replaced,
    head,
    notes: [],
    sha256: "",
  };
}

function rowLengths(weight: Float32Array, rows: number): Float32Array {
  const width = weight.length / rows;
  return Float32Array.from({ length: rows }, (_, i) => {
    let squares = 0;
    for (let j = 0; j < width; j++) squares += weight[i * width + j] ** 2;
    return Math.sqrt(squares);
  });
}

/** Fills an array with numbers in −spread..spread, each a function of seed, which array and position alone. */
function uniform(into: Float32Array, spread: number, seed: number, which: number): void {
  const words = new Uint32Array(4), key = philoxKey(seed);
  for (let i = 0; i < into.length; i++) {
    if (i % 4 === 0) philox4x32(words, i / 4, which, 0, STREAM, key);
    into[i] = spread * (2 * (words[i % 4] + 0.5) / 2 ** 32 - 1);
  }
}

/** Not one of the streams of trainings' choices. */
const STREAM = 0x6c6f7261;
