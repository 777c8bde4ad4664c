/**
 * ONNX graphs of one block without weights: the whole block, and, for attention too large for one tensor
 * of the device, a graph for each of its parts with some heads at a time.
 *
 * Weights, rotary tables and the padding bias are inputs, so one compiled graph serves every layer.
 */
import { keptOf } from "../onnx/gradient.ts";
import { Graph, inputsOnDemand, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import type { Shape } from "../onnx/shape.ts";
import {
  addAttention,
  addFeedForward,
  attend,
  blockParameterShape,
  type BlockVariant,
  type BlockWeights,
  feedForward,
  finish,
  linearPart,
  queriesKeysValues,
  type RotaryValues,
} from "./block.ts";
import type { AttentionReduction } from "./reduction.ts";

/** What a block graph gives besides the hidden state. */
export interface BlockOutputs {
  /** Which rows of the hidden state; without any it ends with the attention. @default all */
  rows?: "all" | "chosen" | "none";
  /** The attention itself. */
  attention: boolean;
  /** What the reduction makes of it. */
  reduction?: AttentionReduction;
  /** Whether to give what its gradient needs again, see {@linkcode keptValues}. */
  kept?: boolean;
}

/**
 * Names of the nodes whose values a gradient needs and that cost most to compute again, with their shapes. The
 * attention is none of them: it is large, and soon made from queries and keys.
 */
export function keptValues(
  { config: { dModel, ffn, heads, headDim }, batch }: BlockVariant,
  groups: readonly number[],
  width: number,
): Record<string, number[]> {
  const perHead = [batch, heads, width, headDim], rows = batch * width;
  return {
    "attention/q_rotary": perHead,
    "attention/k_rotary": perHead,
    "attention/v_proj/heads": perHead,
    [groups.length > 1 ? "mixed_heads" : "attention/mix"]: perHead,
    "attention/residual": [rows, dModel],
    "<feed_forward/Gelu": [rows, ffn],
  };
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
  if (outputs.rows !== "none") {
    const all = join(g, mixed, "heads", "mixed");
    g.output("hidden", finish(g, x, all, w, variant, rowsInput(g, outputs.rows)));
  }
  for (const [name, { join: how }] of Object.entries(outputs.reduction?.outputs ?? {})) {
    g.output(name, join(g, results.map((result) => result[name]), how, name));
  }
  if (outputs.kept) {
    for (const name of Object.keys(keptValues(variant, groups, 0))) {
      g.output(keptOf(name), g.find(name));
    }
  }
  if (reduced) {
    const ends = outputs.rows === "none" ? [] : mixed;
    keepTogether(g, results.map((own, i) => [...ends.slice(i, i + 1), ...Object.values(own)]));
  }
  if (outputs.rows === "none") g.prune();
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

/** Last third: x, the mixed values of each group of heads, weights (, rows) → hidden. */
export function finishGraph(
  variant: BlockVariant,
  groups: readonly number[],
  rows?: BlockOutputs["rows"],
): Graph {
  const g = newGraph("finish", variant);
  const x = hiddenInput(g, variant), mixed = mixedInputs(g, variant, groups);
  g.output("hidden", finish(g, x, mixed, weightInputs(g, variant), variant, rowsInput(g, rows)));
  return g;
}

/** The last third cut where the feed-forward part begins: x, mixed values, weights → attended. */
export function addAttentionGraph(variant: BlockVariant, groups: readonly number[]): Graph {
  const g = newGraph("add_attention", variant);
  const x = hiddenInput(g, variant), mixed = mixedInputs(g, variant, groups);
  g.output("attended", addAttention(g, x, mixed, weightInputs(g, variant), variant));
  return g;
}

/** attended, weights → what the feed-forward part adds. */
export function feedForwardGraph(variant: BlockVariant): Graph {
  const g = newGraph("feed_forward", variant);
  const attended = g.input("attended", "float32", ["N", variant.config.dModel]);
  g.output("mlp", feedForward(g, attended, weightInputs(g, variant), variant));
  return g;
}

/** attended, what the feed-forward part adds → hidden. */
export function addFeedForwardGraph(variant: BlockVariant): Graph {
  const g = newGraph("add_feed_forward", variant), shape: Shape = ["N", variant.config.dModel];
  const attended = g.input("attended", "float32", shape), mlp = g.input("mlp", "float32", shape);
  g.output("hidden", addFeedForward(g, attended, mlp));
  return g;
}

/** Declares the mixed values of each group of heads; gives those of all. */
function mixedInputs(g: Graph, variant: BlockVariant, groups: readonly number[]): Value {
  const { config: { headDim }, batch } = variant;
  const mixed = groups.map((heads, i) =>
    g.input(`mixed_${i}`, "float32", [batch, heads, "T", headDim])
  );
  return mixed.length === 1 ? mixed[0] : op.concat(g, mixed, 1, "heads");
}

function newGraph(name: string, { batch }: BlockVariant): Graph {
  const g = new Graph(name);
  g.symbols.define("N", [batch, "T"]);
  return g;
}

const hiddenInput = (g: Graph, { config }: BlockVariant) =>
  g.input("x", "float32", ["N", config.dModel]);

const rowsInput = (g: Graph, rows: BlockOutputs["rows"]) =>
  rows === "chosen" ? g.input("rows", "float32", ["R"]) : undefined;

const biasInput = (g: Graph, { batch, padded }: BlockVariant) =>
  padded ? g.input("bias", "float32", [batch, 1, 1, "T"]) : undefined;

/** What weights of linear maps are stored in. */
const STORED = { f32: "float32", int8: "int8", f16: "float16" } as const;

const weightInputs = (g: Graph, variant: BlockVariant): BlockWeights =>
  inputsOnDemand(
    g,
    (name) => blockParameterShape(name, variant),
    (name) => linearPart(name)?.part === "weight" ? STORED[variant.precision ?? "f32"] : "float32",
  );

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
