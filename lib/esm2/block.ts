/**
 * One ESM-2 block (FAIR `esm/modules.py` TransformerLayer), stated once, in three parts that
 * `block_graphs.ts` composes.
 *
 *   x     f32[N, D]        residual stream, N = B·T
 *   p     f32[B, H, T, T]  attention after softmax, row = query
 */
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import type { Dim, Shape } from "../onnx/shape.ts";
import * as op from "../onnx/ops.ts";
import { quantizedLinear } from "../onnx/quantized.ts";
import {
  type AdapterForms,
  adapterShape,
  BLOCK_LINEARS,
  type BlockLinear,
  linear,
  type LinearInput,
} from "./adapters.ts";
import type { LowPrecision } from "./precision.ts";

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
/** Scales of a linear map whose weights are bytes: f32[out]. */
export type WeightScale = `${BlockLinear}.weight_scale`;
/** All that a block reads of its weights and of the adapters beside them. */
export type BlockParameter = BlockWeight | WeightScale | LinearInput<BlockLinear>;
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
  { config, adapters, precision }: BlockExtents,
): Shape {
  const linear = precision === "int8" ? linearPart(name) : undefined;
  if (linear) {
    const [out, width] = blockWeightShape(`${linear.module}.weight`, config);
    return linear.part === "weight" ? [width, out] : [out];
  }
  const [, module, part] = /^(.+)\.(lora_.+)$/.exec(name) ?? [];
  if (!module) return blockWeightShape(name as BlockWeight, config);
  const extents = blockWeightShape(`${module as BlockLinear}.weight`, config);
  return adapterShape(part as "lora_A", extents, adapters![module as BlockLinear]!);
}

/** Which linear map's weights, or scales where these are bytes, a name stands for. */
export function linearPart(
  name: BlockParameter,
): { module: BlockLinear; part: "weight" | "weight_scale" } | undefined {
  for (const module of BLOCK_LINEARS) {
    for (const part of ["weight", "weight_scale"] as const) {
      if (name === `${module}.${part}`) return { module, part };
    }
  }
  return undefined;
}

/** What a block of a graph depends on. */
export interface BlockExtents {
  config: Esm2Config;
  /** B: a number, or the name of an extent of the graph that reshapes look up. */
  batch: Dim;
  /** Linear maps with adapters. @default none */
  adapters?: AdapterForms;
  /** Absent for single precision. Adapters and gradients have no other. */
  precision?: LowPrecision;
}

/** What a block graph is specialised to. */
export interface BlockVariant extends BlockExtents {
  /** A constant of the graph because reshapes can leave one dimension open only: T. */
  batch: number;
  /** Whether some rows are padded, so that a bias hides the padding from the softmax. */
  padded: boolean;
}

/** Gelu's least value, rounded down. */
const LEAST_GELU = -0.17;

/** A linear map of the block. @param least what no value of x is below, where that is known */
function linearOf(
  g: Graph,
  x: Value,
  w: BlockWeights,
  module: BlockLinear,
  { adapters, precision }: BlockExtents,
  label: string,
  least?: number,
): Value {
  if (precision !== "int8") {
    const exact: BlockWeights = precision === undefined
      ? w
      : (name) => name === `${module}.weight` ? op.widen(g, w(name), `${label}/weight`) : w(name);
    return linear<BlockLinear>(g, x, exact, module, adapters, label);
  }
  const weight = w(`${module}.weight`), scale = w(`${module}.weight_scale`);
  return quantizedLinear(g, x, { weight, scale, bias: w(`${module}.bias`), least }, label);
}

/** What the attention's projections read of the stream x f32[N, D]. */
export const attentionInput = (g: Graph, x: Value, w: BlockWeights): Value =>
  op.layerNormalization(
    g,
    x,
    w("self_attn_layer_norm.weight"),
    w("self_attn_layer_norm.bias"),
  );

/** Queries, keys and values per head f32[B, H, T, d], queries and keys rotated. */
export function queriesKeysValues(
  g: Graph,
  x: Value,
  w: BlockWeights,
  rotary: RotaryValues,
  extents: BlockExtents,
): [q: Value, k: Value, v: Value] {
  return g.scope("attention", () => {
    const y = attentionInput(g, x, w);
    const project = (part: "q" | "k" | "v") => projectHeads(g, y, part, w, extents);
    return [
      op.rotaryEmbedding(g, project("q"), rotary.queryCos, rotary.querySin, "q_rotary"),
      op.rotaryEmbedding(g, project("k"), rotary.keyCos, rotary.keySin, "k_rotary"),
      project("v"),
    ];
  });
}

/** Queries, keys and values f32[B, T, D], heads side by side, queries and keys rotated. */
export function queriesKeysValuesOfRows(
  g: Graph,
  x: Value,
  w: BlockWeights,
  { queryCos, querySin, keyCos, keySin }: RotaryValues,
  extents: BlockExtents,
): [q: Value, k: Value, v: Value] {
  const { config: { heads, dModel }, batch } = extents;
  return g.scope("attention", () => {
    const y = attentionInput(g, x, w);
    const project = (part: "q" | "k" | "v") => {
      const label = `${part}_proj` as const;
      const z = linearOf(g, y, w, `self_attn.${label}`, extents, label);
      return op.reshape(g, z, [batch, "T", dModel], `${label}/rows`);
    };
    const rotate = op.rotaryEmbeddingOfRows;
    return [
      rotate(g, project("q"), [queryCos, querySin], heads, "q_rotary"),
      rotate(g, project("k"), [keyCos, keySin], heads, "k_rotary"),
      project("v"),
    ];
  });
}

/** Queries, keys or values of the normalised stream y f32[N, D], by head and not rotated: f32[B, H, T, d]. */
export function projectHeads(
  g: Graph,
  y: Value,
  part: "q" | "k" | "v",
  w: BlockWeights,
  extents: BlockExtents,
): Value {
  const label = `${part}_proj` as const;
  return splitHeads(g, linearOf(g, y, w, `self_attn.${label}`, extents, label), extents, label);
}

/** Rows with heads side by side, f32[N, D] or f32[B, T, D], by head: f32[B, H, T, d]. */
export function splitHeads(
  g: Graph,
  rows: Value,
  { config: { heads, headDim }, batch }: BlockExtents,
  label: string,
): Value {
  const split = op.reshape(g, rows, [batch, "T", heads, headDim], `${label}/split`);
  return op.transpose(g, split, [0, 2, 1, 3], `${label}/heads`);
}

/** Attention p f32[B, h, T, T] and its mix of the values f32[B, h, T, d], for any number of heads h. */
export function attend(
  g: Graph,
  [q, k, v]: readonly Value[],
  bias: Value | undefined,
): [p: Value, mixed: Value] {
  return g.scope("attention", () => {
    const p = attentionPattern(g, q, k, bias);
    return [p, op.matmul(g, p, v, "mix")];
  });
}

/** Mixed values f32[B, H, T, d] as rows f32[N, D]. */
export function mergeHeads(g: Graph, mixed: Value, { dModel }: Esm2Config): Value {
  const byToken = op.transpose(g, mixed, [0, 2, 1, 3], "merge");
  return op.reshape(g, byToken, ["N", dModel], "merged");
}

/** Attention p f32[B, h, T, T] of rotated queries and keys. */
export function attentionPattern(g: Graph, q: Value, k: Value, bias: Value | undefined): Value {
  const scores = op.matmul(g, q, op.transpose(g, k, [0, 1, 3, 2], "keys"), "scores");
  return op.softmax(g, bias ? op.add(g, scores, bias, "hide_padding") : scores, "softmax");
}

/**
 * Output projection of the mixed values, added to the residual stream: f32[N, D].
 *
 * @param mixed f32[B, H, T, d], or as rows f32[N, D]
 * @param rows f32[R], the rows that are wanted, which then are all that is computed: f32[R, D]; all by default
 */
export function addAttention(
  g: Graph,
  x: Value,
  mixed: Value,
  w: BlockWeights,
  extents: BlockExtents,
  rows?: Value,
): Value {
  return g.scope("attention", () => {
    const merged = mixed.shape.length === 4 ? mergeHeads(g, mixed, extents.config) : mixed;
    const [stream, heads] = rows
      ? [op.gatherRows(g, x, rows, "stream_rows"), op.gatherRows(g, merged, rows, "heads_rows")]
      : [x, merged];
    const out = linearOf(g, heads, w, "self_attn.out_proj", extents, "out_proj");
    return op.add(g, stream, out, "residual");
  });
}

/** What the feed-forward part adds to the residual stream f32[N, D]. */
export function feedForward(
  g: Graph,
  attended: Value,
  w: BlockWeights,
  extents: BlockExtents,
): Value {
  return g.scope("feed_forward", () => {
    const y = op.layerNormalization(
      g,
      attended,
      w("final_layer_norm.weight"),
      w("final_layer_norm.bias"),
    );
    const wide = op.gelu(g, linearOf(g, y, w, "fc1", extents, "fc1"));
    return linearOf(g, wide, w, "fc2", extents, "fc2", LEAST_GELU);
  });
}

/** Both additions to the residual stream. */
export function addFeedForward(g: Graph, attended: Value, added: Value): Value {
  return g.scope("feed_forward", () => op.add(g, attended, added, "residual"));
}

/** Output projection, residual connections and feed-forward: the block's output f32[N, D], or that of `rows`. */
export function finish(
  g: Graph,
  x: Value,
  mixed: Value,
  w: BlockWeights,
  variant: BlockExtents,
  rows?: Value,
): Value {
  const attended = addAttention(g, x, mixed, w, variant, rows);
  return addFeedForward(g, attended, feedForward(g, attended, w, variant));
}

/** The whole block on values of any graph: new hidden state and attention. */
export function block(
  g: Graph,
  x: Value,
  w: BlockWeights,
  rotary: RotaryValues,
  bias: Value | undefined,
  variant: BlockExtents,
): { hidden: Value; attention: Value } {
  const [p, mixed] = attend(g, queriesKeysValues(g, x, w, rotary, variant), bias);
  return { hidden: finish(g, x, mixed, w, variant), attention: p };
}
