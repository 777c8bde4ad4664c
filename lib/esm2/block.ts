/**
 * One ESM-2 block as an ONNX graph without weights (FAIR `esm/modules.py` TransformerLayer).
 *
 * The block is stated once, in three parts that are composed here in two ways: as one graph, and, for
 * attention too large for one tensor of the device, as a graph for each part with some heads at a time.
 * Weights, rotary tables and the padding bias are inputs, so one compiled graph serves every layer.
 *
 *   x     f32[N, D]        residual stream, N = B·T
 *   p     f32[B, H, T, T]  attention after softmax, row = query
 */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import type { Shape } from "../onnx/shape.ts";
import type { AttentionReduction } from "./reduction.ts";

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

export type BlockWeight = typeof BLOCK_WEIGHTS[number];
export type BlockWeights = (name: BlockWeight) => Value;

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

/** What a block graph is specialised to. */
export interface BlockVariant {
  config: Esm2Config;
  /** B, a constant of the graph because reshapes can leave one dimension open only: T. */
  batch: number;
  /** Whether some rows are padded, so that a bias hides the padding from the softmax. */
  padded: boolean;
}

/** Queries, keys and values per head f32[B, H, T, d], queries and keys rotated. */
export function queriesKeysValues(
  g: Graph,
  x: Value,
  w: BlockWeights,
  rotary: RotaryValues,
  { config: { heads, headDim }, batch }: BlockVariant,
): [q: Value, k: Value, v: Value] {
  return g.scope("attention", () => {
    const y = op.layerNormalization(
      g,
      x,
      w("self_attn_layer_norm.weight"),
      w("self_attn_layer_norm.bias"),
    );
    const project = (part: "q" | "k" | "v") => {
      const label = `${part}_proj`;
      const z = op.gemm(
        g,
        y,
        w(`self_attn.${part}_proj.weight`),
        w(`self_attn.${part}_proj.bias`),
        label,
      );
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

/** Output projection, residual connections and feed-forward: the block's output f32[N, D]. */
export function finish(
  g: Graph,
  x: Value,
  mixed: Value,
  w: BlockWeights,
  { config: { dModel } }: BlockVariant,
): Value {
  const attended = g.scope("attention", () => {
    const merged = op.reshape(
      g,
      op.transpose(g, mixed, [0, 2, 1, 3], "merge"),
      ["N", dModel],
      "merged",
    );
    const out = op.gemm(
      g,
      merged,
      w("self_attn.out_proj.weight"),
      w("self_attn.out_proj.bias"),
      "out_proj",
    );
    return op.add(g, x, out, "residual");
  });
  return g.scope("feed_forward", () => {
    const y = op.layerNormalization(
      g,
      attended,
      w("final_layer_norm.weight"),
      w("final_layer_norm.bias"),
    );
    const wide = op.gelu(g, op.gemm(g, y, w("fc1.weight"), w("fc1.bias"), "fc1"));
    return op.add(g, attended, op.gemm(g, wide, w("fc2.weight"), w("fc2.bias"), "fc2"), "residual");
  });
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

/** What a block graph gives besides the hidden state. */
export interface BlockOutputs {
  /** The attention itself. */
  attention: boolean;
  /** What the reduction makes of it. */
  reduction?: AttentionReduction;
}

/**
 * Graph of one block: x, weights, tables (, bias, inputs of the reduction) → hidden (, attention,
 * outputs of the reduction).
 *
 * @param groups how many heads to attend with at a time; several groups keep attention in the cache
 *   and small, but then it cannot be an output, which would have to be joined first
 */
export function blockGraph(
  variant: BlockVariant,
  groups: readonly number[],
  outputs: BlockOutputs,
): Graph {
  const g = newGraph("block", variant);
  const x = hiddenInput(g, variant), w = weightInputs(g, variant);
  const qkv = queriesKeysValues(g, x, w, rotaryInputs(g, variant), variant);
  const bias = biasInput(g, variant), reduced = reductionInputs(g, variant.config.heads, outputs);
  const mixed: Value[] = [], results: Record<string, Value>[] = [];
  let begin = 0;
  for (const heads of groups) {
    const end = begin + heads;
    const own = groupOf(g, qkv, begin, end, variant);
    const [p, part] = attend(g, own, bias);
    if (outputs.attention) g.output("attention", p);
    mixed.push(part);
    if (reduced) results.push(reduced(p, begin, end));
    begin = end;
  }
  g.output("hidden", finish(g, x, join(g, mixed, "heads", "mixed"), w, variant));
  for (const [name, { join: how }] of Object.entries(outputs.reduction?.outputs ?? {})) {
    g.output(name, join(g, results.map((result) => result[name]), how, name));
  }
  if (reduced) {
    keepTogether(g, mixed.map((part, i) => [part, ...Object.values(results[i])]));
  }
  return g;
}

/**
 * Makes onnxruntime compute the values of a group before it begins the next group.
 *
 * It orders nodes by a depth-first search from the last node that nothing reads. Left alone it reduces
 * the attention of all groups when all are computed and no longer in the cache: at 8M, T = 414 the
 * reductions of `contacts` then take 20 % of a block instead of 8 %. So the last node here depends on
 * every group in turn; it reads their shapes only, and nobody asks for its output.
 */
function keepTogether(g: Graph, groups: readonly (readonly Value[])[]): void {
  // The search starts from the last input, and the first group is the first to be ready.
  const shapes = groups.flat().map((value) =>
    g.node({ op: "Shape", inputs: [value], dtype: "int64", shape: [value.shape.length] })
  );
  const order = g.node({
    op: "Concat",
    inputs: shapes,
    dtype: "int64",
    shape: [shapes.reduce((sum, { shape: [rank] }) => sum + (rank as number), 0)],
    attributes: { axis: { kind: "int", value: 0 } },
    label: "order",
  });
  g.output("group_order", order);
}

/** One value of those of all groups of heads. */
function join(g: Graph, parts: readonly Value[], how: "sum" | "heads", name: string): Value {
  if (parts.length === 1) return parts[0];
  if (how === "heads") return op.concat(g, parts, 1, `${name}_heads`);
  return parts.reduce((a, b) => op.add(g, a, b, `${name}_sum`));
}

/** Declares what the reduction of `heads` heads reads; gives what applies it to some of them. */
function reductionInputs(g: Graph, heads: number, { reduction }: BlockOutputs) {
  if (!reduction) return undefined;
  const declared = Object.entries(reduction.inputs).map(([name, { shape, headAxis }]) => {
    return { name, headAxis, value: g.input(name, "float32", shape(heads)) };
  });
  return (pattern: Value, begin: number, end: number) => {
    const own = declared.map(({ name, headAxis, value }) => {
      const whole = headAxis === undefined || end - begin === heads;
      return [name, whole ? value : op.slice(g, value, headAxis, begin, end, `${name}_${begin}`)];
    });
    return reduction.build(g, pattern, Object.fromEntries(own));
  };
}

/** First third of the block: x, weights, tables → q, k, v of each group of heads (`q_0` …). */
export function projectGraph(variant: BlockVariant, groups: readonly number[]): Graph {
  const g = newGraph("project", variant);
  const x = hiddenInput(g, variant);
  const values = queriesKeysValues(
    g,
    x,
    weightInputs(g, variant),
    rotaryInputs(g, variant),
    variant,
  );
  let begin = 0;
  groups.forEach((heads, i) => {
    const own = groupOf(g, values, begin, begin + heads, variant);
    ["q", "k", "v"].forEach((name, j) => g.output(`${name}_${i}`, own[j]));
    begin += heads;
  });
  return g;
}

/** Second third for a group of `heads`: q, k, v (, bias, …) → mixed (, attention, reduction). */
export function attendGraph(variant: BlockVariant, heads: number, outputs: BlockOutputs): Graph {
  const g = newGraph(`attend_${heads}`, variant);
  const { config: { headDim }, batch } = variant;
  const qkv = ["q", "k", "v"].map((name) => g.input(name, "float32", [batch, heads, "T", headDim]));
  const bias = biasInput(g, variant), reduced = reductionInputs(g, heads, outputs);
  const [p, mixed] = attend(g, qkv, bias);
  g.output("mixed", mixed);
  if (outputs.attention) g.output("attention", p);
  const results = reduced?.(p, 0, heads) ?? {};
  Object.entries(results).forEach(([name, value]) => g.output(name, value));
  return g;
}

/** Heads `begin` to `end` of values f32[B, H, T, d]. */
function groupOf(
  g: Graph,
  values: readonly Value[],
  begin: number,
  end: number,
  { config: { heads } }: BlockVariant,
): readonly Value[] {
  if (end - begin === heads) return values;
  return values.map((value) => op.slice(g, value, 1, begin, end, `heads_${begin}`));
}

/** Last third: x, the mixed values of each group of heads, weights → hidden. */
export function finishGraph(variant: BlockVariant, groups: readonly number[]): Graph {
  const g = newGraph("finish", variant);
  const x = hiddenInput(g, variant);
  const { headDim } = variant.config;
  const mixed = groups.map((heads, i) =>
    g.input(`mixed_${i}`, "float32", [variant.batch, heads, "T", headDim])
  );
  const all = mixed.length === 1 ? mixed[0] : op.concat(g, mixed, 1, "heads");
  g.output("hidden", finish(g, x, all, weightInputs(g, variant), variant));
  return g;
}

function newGraph(name: string, { batch }: BlockVariant): Graph {
  const g = new Graph(name);
  g.symbols.define("N", [batch, "T"]);
  return g;
}

const hiddenInput = (g: Graph, { config }: BlockVariant) =>
  g.input("x", "float32", ["N", config.dModel]);

const biasInput = (g: Graph, { batch, padded }: BlockVariant) =>
  padded ? g.input("bias", "float32", [batch, 1, 1, "T"]) : undefined;

/** Declares a weight as graph input when it is first asked for: unused inputs cost time on a GPU. */
function weightInputs(g: Graph, { config }: BlockVariant): BlockWeights {
  const declared = new Map<BlockWeight, Value>();
  return (name) => {
    let value = declared.get(name);
    if (!value) {
      value = g.input(name, "float32", blockWeightShape(name, config));
      declared.set(name, value);
    }
    return value;
  };
}

function rotaryInputs(g: Graph, { config: { headDim }, batch }: BlockVariant): RotaryValues {
  const shape: Shape = [batch, "T", headDim / 2];
  const table = (name: string) => g.input(name, "float32", shape);
  return {
    queryCos: table("query_cos"),
    querySin: table("query_sin"),
    keyCos: table("key_cos"),
    keySin: table("key_sin"),
  };
}
