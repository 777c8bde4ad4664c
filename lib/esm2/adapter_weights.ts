/** Weights with adapters beside them, as a model reads them. */
import type { Backend, Tensor } from "../backend/types.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import {
  type AdapterForm,
  type AdapterForms,
  type AdapterPart,
  adapterShape,
  type BlockLinear,
  inverseNormGraph,
  type Linear,
  partsOf,
} from "./adapters.ts";
import { type BlockWeight, blockWeightShape } from "./block.ts";
import { type HeadWeight, headWeightShape } from "./head.ts";
import type { ProgramCache } from "./programs.ts";
import { weightShapes } from "./trainable.ts";
import type { WeightSet, WeightSource } from "./weights.ts";

/** A block by its number, or the head. */
export type Place = number | "head";

/** An adapter beside one linear map. */
export interface LinearAdapter extends AdapterForm {
  /** s of W + s·B·A. */
  readonly scale: number;
}

/** Adapters of a place. */
export interface PlaceAdapters {
  readonly forms: AdapterForms;
  /** By the graph's names, `lora_scale` among them; whoever gives them keeps them. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Full name of a linear map, as the tensors of a checkpoint have it. */
export const linearName = (place: Place, module: Linear): string =>
  place === "head" ? module : `layers.${place}.${module}`;

/** [out, in] of a linear map. */
export function linearExtents(module: Linear, config: Esm2Config): number[] {
  return module === "lm_head.dense"
    ? headWeightShape(`${module}.weight`, config)
    : blockWeightShape(`${module}.weight`, config);
}

const placed = (name: string): [Place, string] => {
  const [, layer, rest] = /^layers\.(\d+)\.(.+)$/.exec(name) ?? [];
  return layer === undefined ? ["head", name] : [Number(layer), rest];
};

/** What {@linkcode AdapterWeights} is made of. */
export interface AdapterParts {
  readonly config: Esm2Config;
  readonly backend: Backend;
  /** By the linear map's full name: `layers.0.self_attn.q_proj`, `lm_head.dense`. */
  readonly linears: ReadonlyMap<string, LinearAdapter>;
  /** Weights that are trained beside the adapters and replace the base's (biases), by full name. @default none */
  readonly replaced?: Iterable<string>;
  /** The current value of an adapter's weight, or of one that is replaced, by full name; stays its own. */
  tensor(name: string): Tensor;
}

/**
 * The weights of a model and adapters beside them. The base is frozen; adapters are read anew for every run,
 * so that they may change between runs.
 */
export class AdapterWeights implements WeightSource {
  readonly #byPlace = new Map<Place, Map<Linear, LinearAdapter>>();
  readonly #replaced = new Map<Place, string[]>();
  readonly #scales = new Map<number, Tensor>();
  /** That of the base, where it changes. */
  readonly embedding?: () => Tensor;

  /** @param base is disposed of with this */
  constructor(readonly base: WeightSource, readonly parts: AdapterParts) {
    if (base.embedding) this.embedding = () => base.embedding!();
    const of = <T>(map: Map<Place, T>, place: Place, empty: T): T => {
      if (!map.has(place)) map.set(place, empty);
      return map.get(place)!;
    };
    for (const [name, adapter] of parts.linears) {
      const [place, module] = placed(name);
      of(this.#byPlace, place, new Map()).set(module as Linear, adapter);
      if (!this.#scales.has(adapter.scale)) {
        const scale = Float32Array.of(adapter.scale);
        this.#scales.set(adapter.scale, parts.backend.upload("lora_scale", [1], scale));
      }
    }
    for (const name of parts.replaced ?? []) {
      const [place, weight] = placed(name);
      of(this.#replaced, place, []).push(weight);
    }
  }

  /** Names and shapes of what is trained: adapters in the order of the linear maps, then what is replaced. */
  static shapes(
    { config, linears, replaced = [] }: Omit<AdapterParts, "backend" | "tensor">,
  ): Map<string, readonly number[]> {
    const shapes = new Map<string, readonly number[]>(), all = weightShapes(config);
    for (const [name, form] of linears) {
      const extents = linearExtents(placed(name)[1] as Linear, config);
      for (const part of partsOf(form)) {
        shapes.set(`${name}.${part}`, adapterShape(part, extents, form) as number[]);
      }
    }
    for (const name of replaced) shapes.set(name, all.get(name as "lm_head.bias")!);
    return shapes;
  }

  /** What is trained of a place, by the names that its graph has. */
  trained(place: Place): string[] {
    const adapters = [...this.#byPlace.get(place) ?? []].flatMap(([module, form]) =>
      partsOf(form).map((part) => `${module}.${part}`)
    );
    return [...adapters, ...this.#replaced.get(place) ?? []];
  }

  async block(layer: number): Promise<WeightSet<BlockWeight>> {
    return this.#replace(layer, await this.base.block(layer));
  }

  async head(): Promise<WeightSet<HeadWeight>> {
    return this.#replace("head", await this.base.head());
  }

  adapters(place: Place): PlaceAdapters | undefined {
    const own = this.#byPlace.get(place);
    if (!own) return undefined;
    const tensors: Record<string, Tensor> = {};
    for (const [module, form] of own) {
      const name = linearName(place, module);
      for (const part of partsOf(form)) {
        tensors[`${module}.${part}`] = this.parts.tensor(`${name}.${part}`);
      }
      tensors[`${module}.lora_scale`] = this.#scales.get(form.scale)!;
    }
    const forms = [...own].map(([module, { rank, bias, magnitude }]) => [
      module,
      { rank, bias, magnitude },
    ]);
    return { forms: Object.fromEntries(forms), tensors };
  }

  [Symbol.dispose](): void {
    for (const scale of this.#scales.values()) scale[Symbol.dispose]();
    this.base[Symbol.dispose]();
  }

  #replace<Name extends string>(place: Place, set: WeightSet<Name>): WeightSet<Name> {
    const names = this.#replaced.get(place);
    if (!names) return set;
    const own = names.map((name) => [name, this.parts.tensor(linearName(place, name as Linear))]);
    return {
      tensors: { ...set.tensors, ...Object.fromEntries(own) },
      [Symbol.dispose]: () => set[Symbol.dispose](),
    };
  }
}

/**
 * Which numbers an adapter does not read in training: 0, or 1 ÷ (1 − p), for each of `count`; undefined where
 * it reads all. Asked again on the way down, so that it must be a function of what it is asked.
 */
export type AdapterDropout = (
  place: Place,
  module: Linear,
  count: number,
) => Float32Array | undefined;

/** What a graph reads of a place's adapters. */
export interface AdapterInputs {
  readonly forms?: AdapterForms;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/**
 * Forms and inputs of a place's adapters, with the row lengths of DoRA as they are now and the masks of dropout.
 *
 * @param base weights of the place
 * @param rows N, or R of the head
 * @param owned frees what is made here
 */
export async function adapterInputs(
  { config, backend, weights, programs }: {
    readonly config: Esm2Config;
    readonly backend: Backend;
    readonly weights: WeightSource;
    readonly programs: ProgramCache;
  },
  place: Place,
  base: Readonly<Record<string, Tensor>>,
  rows: number,
  dropout: AdapterDropout | undefined,
  owned: DisposableStack,
): Promise<AdapterInputs> {
  const found = weights.adapters?.(place);
  if (!found) return { tensors: {} };
  const tensors = { ...found.tensors }, forms: Partial<Record<Linear, AdapterForm>> = {};
  for (const [module, form] of Object.entries(found.forms) as [BlockLinear, AdapterForm][]) {
    const extents = linearExtents(module, config), [out, width] = extents;
    const mask = dropout?.(place, module, rows * width);
    forms[module] = { ...form, dropout: mask !== undefined };
    if (mask) {
      const name = `${module}.lora_dropout`;
      tensors[name] = owned.use(backend.upload(name, [rows, width], mask));
    }
    if (form.magnitude) {
      const part = (name: AdapterPart | "lora_scale") => tensors[`${module}.${name}`];
      const program = await programs.get(inverseNormGraph, extents, form.rank);
      const { lora_inverse_norm: norm } = await program.run({
        weight: base[`${module}.weight`],
        lora_A: part("lora_A"),
        lora_B: part("lora_B"),
        lora_scale: part("lora_scale"),
      }, { lora_inverse_norm: [out] });
      tensors[`${module}.lora_inverse_norm`] = owned.use(norm);
    }
  }
  return { forms, tensors };
}
