/**
 * ESMFold's trunk as small graphs without weights, which are inputs by the names that files give them within a
 * block: any block runs them. Pairs come in rows, R of the L rows of the map at a time, so that no more than a
 * few rows of what a step makes between are there at once; each number is the same whatever R is.
 *
 * Of one protein without padding: what openfold hides by masks is not there.
 */
import { Graph, inputsOnDemand, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import { blockTensors, type TrunkExtents } from "./tensors.ts";

type Weight = (name: string) => Value;

/** Shapes of weights by their names within a block, or within a multiplication or an attention, all alike. */
const shapesOf = (extents: TrunkExtents): Record<string, readonly number[]> =>
  Object.fromEntries(
    [...blockTensors(extents)].map(([name, shape]) => [
      name.replace(/^tri_(?:mul|att)_[a-z]+\./, ""),
      shape,
    ]),
  );

const normed = (g: Graph, x: Value, w: Weight, name: string) =>
  op.layerNormalization(g, x, w(`${name}.weight`), w(`${name}.bias`), 1e-5, name);
const linear = (g: Graph, x: Value, w: Weight, name: string) =>
  op.gemm(g, x, w(`${name}.weight`), w(`${name}.bias`), name);
const bare = (g: Graph, x: Value, w: Weight, name: string) =>
  op.gemm(g, x, w(`${name}.weight`), undefined, name);

/** A graph whose weights are inputs. */
function begin(name: string, extents: TrunkExtents): { g: Graph; w: Weight } {
  const g = new Graph(name), shapes = shapesOf(extents);
  return { g, w: inputsOnDemand(g, (name: string) => shapes[name]) };
}

/** Rows of pairs that run together, by how many each has. */
export type Rows = readonly number[];

/** Hands out a value's parts along an axis as `name0`, `name1` …; the extents of each are those given. */
function outputParts(
  g: Graph,
  name: string,
  x: Value,
  axis: number,
  extents: readonly number[],
): void {
  if (extents.length === 1) return g.output(`${name}0`, x);
  let begin = 0;
  for (const [n, extent] of extents.entries()) {
    const end = begin + extent;
    g.output(`${name}${n}`, op.slice(g, x, axis, begin, end, `part_${name}${n}`));
    begin = end;
  }
}

/** Inputs `name0`, `name1` … side by side along an axis. */
function joined(
  g: Graph,
  name: string,
  axis: number,
  shapes: readonly (readonly number[])[],
): Value {
  const parts = shapes.map((shape, n) => g.input(`${name}${n}`, "float32", [...shape]));
  return parts.length === 1 ? parts[0] : op.concat(g, parts, axis, `joined_${name}`);
}

/** W xᵀ + b f32[out, N] of x f32[N, in]: what `linear` gives, transposed. */
const across = (g: Graph, x: Value, weight: Value, bias: Value | undefined, name: string) =>
  op.gemm(g, weight, x, bias && op.reshape(g, bias, [...bias.shape, 1], `${name}_bias`), name);

/** s f32[L, S] → queries of each group of rows and all keys and values of the attention along the sequence. */
export function projectSequenceGraph(extents: TrunkExtents, rows: Rows): Graph {
  const { g, w } = begin("project_sequence", extents), { single, singleHeadWidth: d } = extents;
  const heads = single / d, length = rows.reduce((a, b) => a + b);
  const y = normed(g, g.input("s", "float32", [length, single]), w, "layernorm_1");
  const all = op.reshape(g, bare(g, y, w, "seq_attention.proj"), [length, heads, 3, d]);
  const part = (n: number) =>
    op.reshape(g, op.slice(g, all, 2, n, n + 1), [1, length, single], `${"qkv"[n]}_part`);
  outputParts(g, "q", part(0), 1, rows);
  g.output("k", part(1));
  g.output("v", part(2));
  return g;
}

/** What the attention along the sequence mixes for some rows, f32[R, S], biased by their pairs f32[R·L, P]. */
export function attendSequenceGraph(extents: TrunkExtents, length: number, rows: number): Graph {
  const { g, w } = begin("attend_sequence", extents);
  const { single, pair, singleHeadWidth: d } = extents, heads = single / d;
  const z = g.input("z", "float32", [rows * length, pair]);
  const y = normed(g, z, w, "pair_to_sequence.layernorm");
  const bias = across(g, y, w("pair_to_sequence.linear.weight"), undefined, "bias");
  const of = (name: string, count: number) => g.input(name, "float32", [1, count, single]);
  const mixed = op.multiHeadAttention(
    g,
    [of("q", rows), of("k", length), of("v", length)],
    heads,
    "mix",
    { scale: d ** -0.5, bias: op.reshape(g, bias, [1, heads, rows, length]) },
  );
  g.output("mixed", op.reshape(g, mixed, [rows, single]));
  return g;
}

/** s f32[L, S] after the attention along the sequence, of what groups of rows mixed. */
export function finishSequenceGraph(extents: TrunkExtents, rows: Rows): Graph {
  const { g, w } = begin("finish_sequence", extents), { single } = extents;
  const s = g.input("s", "float32", [rows.reduce((a, b) => a + b), single]);
  const gate = op.sigmoid(
    g,
    linear(g, normed(g, s, w, "layernorm_1"), w, "seq_attention.g_proj"),
    "gating",
  );
  const mixed = joined(g, "mixed", 0, rows.map((count) => [count, single]));
  const out = linear(g, op.mul(g, gate, mixed, "gated"), w, "seq_attention.o_proj");
  g.output("out", op.add(g, s, out, "residual"));
  return g;
}

/** x f32[N, W] → x + MLP(x). */
export function residualMlpGraph(
  extents: TrunkExtents,
  name: "mlp_seq" | "mlp_pair",
  count: number,
): Graph {
  const { g, w } = begin(name, extents);
  const width = name === "mlp_seq" ? extents.single : extents.pair;
  const x = g.input(name === "mlp_seq" ? "s" : "z", "float32", [count, width]);
  const y = normed(g, x, w, `${name}.mlp.0`);
  const hidden = op.relu(g, linear(g, y, w, `${name}.mlp.1`), "relu");
  g.output("out", op.add(g, x, linear(g, hidden, w, `${name}.mlp.3`), "residual"));
  return g;
}

/** s f32[L, S] → what columns and groups of rows give to pairs, f32[L, P/2] and f32[R, P/2]. */
export function projectToPairsGraph(extents: TrunkExtents, rows: Rows): Graph {
  const { g, w } = begin("project_to_pairs", extents), { single, pair } = extents;
  const s = g.input("s", "float32", [rows.reduce((a, b) => a + b), single]);
  const y = normed(g, s, w, "sequence_to_pair.layernorm");
  const both = linear(g, y, w, "sequence_to_pair.proj");
  g.output("columns", op.slice(g, both, 1, 0, pair / 2, "given_to_columns"));
  outputParts(g, "rows", op.slice(g, both, 1, pair / 2, pair, "given_to_rows"), 0, rows);
  return g;
}

/** z f32[R·L, P] plus products and differences of what columns and rows give. */
export function addToPairsGraph(extents: TrunkExtents, length: number, rows: number): Graph {
  const { g, w } = begin("add_to_pairs", extents), { pair } = extents, half = pair / 2;
  const column = op.reshape(g, g.input("columns", "float32", [length, half]), [1, length, half]);
  const row = op.reshape(g, g.input("rows", "float32", [rows, half]), [rows, 1, half]);
  const both = op.concat(
    g,
    [
      op.mul(g, column, row, "products"),
      op.sub(g, column, row, "differences"),
    ],
    2,
    "both",
  );
  const flat = op.reshape(g, both, [rows * length, pair]);
  const z = g.input("z", "float32", [rows * length, pair]);
  g.output("out", op.add(g, z, linear(g, flat, w, "sequence_to_pair.o_proj"), "residual"));
  return g;
}

/** Channels from `begin` to `end` (exclusive). */
export type Channels = readonly [begin: number, end: number];

/** z f32[R·L, P] → some channels of the two factors of a triangle multiplication, f32[C, R·L] each. */
export function projectTriangleGraph(
  extents: TrunkExtents,
  count: number,
  [first, end]: Channels,
): Graph {
  const { g, w } = begin("project_triangle", extents), { pair } = extents;
  const x = normed(g, g.input("z", "float32", [count, pair]), w, "layer_norm_in");
  const own = (name: string) =>
    end - first === pair ? w(name) : op.slice(g, w(name), 0, first, end, `some_${name}`);
  for (const part of ["a", "b"]) {
    const of = (name: string) =>
      across(g, x, own(`linear_${name}.weight`), own(`linear_${name}.bias`), name);
    const gate = op.sigmoid(g, of(`${part}_g`), `${part}_gating`);
    g.output(part, op.mul(g, gate, of(`${part}_p`), `${part}_factor`));
  }
  return g;
}

/**
 * Products of some channels of a triangle multiplication for groups of rows, f32[C, R·L] each, of factors in the
 * same groups: Σ_k a[i, k] b[j, k], of the incoming one Σ_k a[k, i] b[k, j].
 */
export function multiplyTriangleGraph(
  direction: "out" | "in",
  rows: Rows,
  channels: number,
): Graph {
  const g = new Graph("multiply_triangle"), length = rows.reduce((a, b) => a + b);
  const shapes = rows.map((count) => [channels, count * length]);
  const cube = (name: string) =>
    op.reshape(g, joined(g, name, 1, shapes), [channels, length, length], `${name}_maps`);
  const turned = (x: Value, name: string) => op.transpose(g, x, [0, 2, 1], `${name}_turned`);
  const a = cube("a"), b = cube("b");
  const products = direction === "out"
    ? op.matmul(g, a, turned(b, "b"), "products")
    : op.matmul(g, turned(a, "a"), b, "products");
  const flat = op.reshape(g, products, [channels, length * length], "flat");
  outputParts(g, "p", flat, 1, rows.map((count) => count * length));
  return g;
}

/** Rows of z f32[R·L, P] after a triangle multiplication, of its products by groups of channels f32[C, R·L]. */
export function finishTriangleGraph(
  extents: TrunkExtents,
  count: number,
  channels: readonly number[],
): Graph {
  const { g, w } = begin("finish_triangle", extents), { pair } = extents;
  const z = g.input("z", "float32", [count, pair]);
  const p = joined(g, "p", 0, channels.map((own) => [own, count]));
  const sums = normed(g, op.transpose(g, p, [1, 0], "sums"), w, "layer_norm_out");
  const gate = op.sigmoid(g, linear(g, normed(g, z, w, "layer_norm_in"), w, "linear_g"), "gating");
  const out = op.mul(g, linear(g, sums, w, "linear_z"), gate, "gated");
  g.output("out", op.add(g, z, out, "residual"));
  return g;
}

/** z f32[R·L, P] → the biases of a triangle attention, f32[H, R·L]. */
export function triangleBiasGraph(extents: TrunkExtents, count: number): Graph {
  const { g, w } = begin("triangle_bias", extents);
  const z = normed(g, g.input("z", "float32", [count, extents.pair]), w, "layer_norm");
  g.output("bias", across(g, z, w("linear.weight"), undefined, "biases"));
  return g;
}

/** Biases of groups of rows as those of the whole map, f32[1, H, L, L]. */
export function joinBiasGraph(heads: number, rows: Rows): Graph {
  const g = new Graph("join_bias"), length = rows.reduce((a, b) => a + b);
  const all = joined(g, "bias", 1, rows.map((count) => [heads, count * length]));
  g.output("all", op.reshape(g, all, [1, heads, length, length]));
  return g;
}

/** Rows of z f32[R·L, P] after the triangle attention along them; bias f32[1, H, L, L] of the whole map. */
export function attendTriangleGraph(extents: TrunkExtents, length: number, rows: number): Graph {
  const { g, w } = begin("attend_triangle", extents);
  const { pair, pairHeadWidth: d } = extents, heads = pair / d, count = rows * length;
  const z = g.input("z", "float32", [count, pair]);
  const x = normed(g, z, w, "layer_norm");
  const of = (name: string) =>
    op.reshape(g, bare(g, x, w, `mha.linear_${name}`), [rows, length, pair], `${name}_rows`);
  const bias = g.input("bias", "float32", [1, heads, length, length]);
  const mixed = op.multiHeadAttention(g, [of("q"), of("k"), of("v")], heads, "mix", {
    ...{ scale: d ** -0.5, bias },
  });
  const gate = op.sigmoid(g, linear(g, x, w, "mha.linear_g"), "gating");
  const gated = op.mul(g, gate, op.reshape(g, mixed, [count, pair], "merged"), "gated");
  g.output("out", op.add(g, z, linear(g, gated, w, "mha.linear_o"), "residual"));
  return g;
}

/** Some rows f32[R·L, P] of the map transposed, of all its groups of rows. */
export function turnRowsGraph(pair: number, rows: Rows, first: number, count: number): Graph {
  const g = new Graph("turn_rows"), length = rows.reduce((a, b) => a + b);
  const parts = rows.map((own, n) => {
    const z = g.input(`z${n}`, "float32", [own * length, pair]);
    const map = op.reshape(g, z, [own, length, pair], `map${n}`);
    return count === length ? map : op.slice(g, map, 1, first, first + count, `columns${n}`);
  });
  const columns = parts.length === 1 ? parts[0] : op.concat(g, parts, 0, "columns");
  const turned = op.transpose(g, columns, [1, 0, 2], "turned");
  g.output("out", op.reshape(g, turned, [count * length, pair]));
  return g;
}

/** x f32[N, in] → x Wᵀ + b. */
export function affineGraph(count: number, inputs: number, outputs: number): Graph {
  const g = new Graph("affine");
  const x = g.input("x", "float32", [count, inputs]);
  const weight = g.input("weight", "float32", [outputs, inputs]);
  g.output("out", op.gemm(g, x, weight, g.input("bias", "float32", [outputs])));
  return g;
}
