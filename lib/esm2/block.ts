/**
 * One ESM-2 block (FAIR `esm/modules.py` TransformerLayer), stated once, in three parts that
 * `block_graphs.ts` composes.
 *
 *   x     f32[N, D]        residual stream, N = B·T
 *   p     f32[B, H, T, T]  attention after softmax, row = query
 */
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { Shape } from "../onnx/shape.ts";
import * as op from "../onnx/ops.ts";
import {
  type AdapterForms,
  adapterShape,
  type BlockLinear,
  linear,
  type LinearInput,
} from "./adapters.ts";

/** Names of a block's tensors as fair-esm has them, after "layers.{i}.". */
export const BLOCK_WEIGHTS = [
  "self_attn_layer_norm.weight",
  "self_attn_layer_norm.bias",
  "self_attn.q_proj.weight",
  "self_attn.q_proj.bias",
  "self_attn.k_proj.weight",
  "self_attn.k_proj.bias",
  "self_attn.v_proj.weight",
  "self_attn.v_proj.bias",
  "self_attn.out_proj.weight",
  "self_attn.out_proj.bias",
  "final_layer_norm.weight",
  "final_layer_norm.bias",
  "fc1.weight",
  "fc1.bias",
  "fc2.weight",
  "fc2.bias",
] as const;

/** One of {@linkcode BLOCK_WEIGHTS}. */
export type BlockWeight = typeof BLOCK_WEIGHTS[number];
/** All that a block reads of its weights and of the adapters beside them. */
export type BlockParameter = BlockWeight | LinearInput<BlockLinear>;
export type BlockWeights = (name: BlockParameter) => Value;

/** Rotary tables f32[B, T, d/2]; those for queries carry the factor d^-½. */
export interface RotaryValues {
  queryCos: Value;
  querySin: Value;
  keyCos: Value;
  keySin: Value;
}

/** Shape of a block's tensor. */
export function blockWeightShape(name: BlockWeight, { dModel, ffn }: Esm2Config): number[] {
  if (name === "fc1.weight") return [ffn, dModel];
  if (name === "fc2.weight") return [dModel, ffn];
  if (name === "fc1.bias") return [ffn];
  return name.endsWith("proj.weight") ? [dModel, dModel] : [dModel];
}

/** Shape of what a block reads: a weight, or a part of an adapter. */
export function blockParameterShape(
  name: BlockParameter,
  { config, adapters }: BlockVariant,
): Shape {
  const [, module, part] = /^(.+)\.(lora_.+)$/.exec(name) ?? [];
  if (!module) return blockWeightShape(name as BlockWeight, config);
  const extents = blockWeightShape(`${module as BlockLinear}.weight`, config);
  return adapterShape(part as "lora_A", extents, adapters![module as BlockLinear]!);
}

/** What a block graph is specialised to. */
export interface BlockVariant {
  config: Esm2Config;
  /** B, a constant of the graph because reshapes can leave one dimension open only: T. */
  batch: number;
  /** Whether some rows are padded, so that a bias hides the padding from the softmax. */
  padded: boolean;
  /** Linear maps with adapters. @default none */
  adapters?: AdapterForms;
}

/** Queries, keys and values per head f32[B, H, T, d], queries and keys rotated. */
export function queriesKeysValues(
  g: Graph,
  x: Value,
  w: BlockWeights,
  rotary: RotaryValues,
  { config: { heads, headDim }, batch, adapters }: BlockVariant,
): [q: Value, k: Value, v: Value] {
  return g.scope("attention", () => {
    const y = op.layerNormalization(
      g,
      x,
      w("self_attn_layer_norm.weight"),
      w("self_attn_layer_norm.bias"),
    );
    const project = (part: "q" | "k" | "v") => {
      const label = `${part}_proj` as const;
      const z = linear<BlockLinear>(g, y, w, `self_attn.${label}`, adapters, label);
      const split = op.reshape(g, z, [batch, "T", heads, headDim], `${label}/split`);
      return op.transpose(g, split, [0, 2, 1, 3], `${label}/heads`);
    };
    return [
      op.rotaryEmbedding(g, project("q"), rotary.queryCos, rotary.querySin, "q_rotary"),
      op.rotaryEmbedding(g, project("k"), rotary.keyCos, rotary.keySin, "k_rotary"),
      project("v"),
    ];
  });
}

/** Attention p f32[B, h, T, T] and its mix of the values f32[B, h, T, d], for any number of heads h. */
export function attend(
  g: Graph,
  [q, k, v]: readonly Value[],
  bias: Value | undefined,
): [p: Value, mixed: Value] {
  return g.scope("attention", () => {
    const scores = op.matmul(g, q, op.transpose(g, k, [0, 1, 3, 2], "keys"), "scores");
    const p = op.softmax(g, bias ? op.add(g, scores, bias, "hide_padding") : scores, "softmax");
    return [p, op.matmul(g, p, v, "mix")];
  });
}

/** Output projection of the mixed values, added to the residual stream: f32[N, D]. */
export function addAttention(
  g: Graph,
  x: Value,
  mixed: Value,
  w: BlockWeights,
  { config: { dModel }, adapters }: BlockVariant,
): Value {
  return g.scope("attention", () => {
    const merged = op.reshape(
      g,
      op.transpose(g, mixed, [0, 2, 1, 3], "merge"),
      ["N", dModel],
      "merged",
    );
    const out = linear(g, merged, w, "self_attn.out_proj", adapters, "out_proj");
    return op.add(g, x, out, "residual");
  });
}

/** What the feed-forward part adds to the residual stream f32[N, D]. */
export function feedForward(
  g: Graph,
  attended: Value,
  w: BlockWeights,
  { adapters }: BlockVariant,
): Value {
  return g.scope("feed_forward", () => {
    const y = op.layerNormalization(
      g,
      attended,
      w("final_layer_norm.weight"),
      w("final_layer_norm.bias"),
    );
    const wide = op.gelu(g, linear(g, y, w, "fc1", adapters, "fc1"));
    return linear(g, wide, w, "fc2", adapters, "fc2");
  });
}

/** Both additions to the residual stream. */
export function addFeedForward(g: Graph, attended: Value, added: Value): Value {
  return g.scope("feed_forward", () => op.add(g, attended, added, "residual"));
}

/** Output projection, residual connections and feed-forward: the block's output f32[N, D]. */
export function finish(
  g: Graph,
  x: Value,
  mixed: Value,
  w: BlockWeights,
  variant: BlockVariant,
): Value {
  const attended = addAttention(g, x, mixed, w, variant);
  return addFeedForward(g, attended, feedForward(g, attended, w, variant));
}

/** The whole block on values of any graph: new hidden state and attention. */
export function block(
  g: Graph,
  x: Value,
  w: BlockWeights,
  rotary: RotaryValues,
  bias: Value | undefined,
  variant: BlockVariant,
): { hidden: Value; attention: Value } {
  const [p, mixed] = attend(g, queriesKeysValues(g, x, w, rotary, variant), bias);
  return { hidden: finish(g, x, mixed, w, variant), attention: p };
}
