import { deepEqual, equal, match, throws } from "../../tests/assert.ts";
import { Graph } from "./graph.ts";
import * as op from "./ops.ts";

const fresh = () => {
  const g = new Graph("g");
  g.symbols.define("N", [2, "T"]);
  return g;
};

Deno.test("gemm gives [N, out] and refuses inner sizes that differ", () => {
  const g = fresh();
  const x = g.input("x", "float32", ["N", 6]);
  const w = g.input("w", "float32", [4, 6]), b = g.input("b", "float32", [4]);
  deepEqual(op.gemm(g, x, w, b).shape, ["N", 4]);
  const wrong = g.input("wrong", "float32", [4, 5]);
  throws(() => op.gemm(g, x, wrong, b), /Cannot add Gemm as .*wrong float32\[4, 5\]/);
});

Deno.test("reshape checks element counts through symbolic products", () => {
  const g = fresh();
  const x = g.input("x", "float32", ["N", 6]);
  deepEqual(op.reshape(g, x, [2, "T", 3, 2]).shape, [2, "T", 3, 2]);
  deepEqual(op.reshape(g, op.reshape(g, x, [2, "T", 6]), ["N", 6]).shape, ["N", 6]);
  throws(() => op.reshape(g, x, [3, "T", 2, 3]), /Cannot add Reshape/);
  throws(() => op.reshape(g, x, ["N", "T"]), /Cannot add Reshape/);
});

Deno.test("matmul broadcasts leading axes and checks the inner one", () => {
  const g = fresh();
  const a = g.input("a", "float32", [2, 4, "T", 3]), b = g.input("b", "float32", [1, 4, 3, "T"]);
  deepEqual(op.matmul(g, a, b).shape, [2, 4, "T", "T"]);
  throws(() => op.matmul(g, a, a), /Cannot add MatMul/);
});

Deno.test("transpose, slice and concat compute shapes", () => {
  const g = fresh();
  const x = g.input("x", "float32", [2, 6, "T", 3]);
  deepEqual(op.transpose(g, x, [0, 2, 1, 3]).shape, [2, "T", 6, 3]);
  throws(() => op.transpose(g, x, [0, 1, 1, 3]), /must permute every axis/);
  const low = op.slice(g, x, 1, 0, 4), high = op.slice(g, x, 1, 4, 6);
  deepEqual(low.shape, [2, 4, "T", 3]);
  deepEqual(op.concat(g, [low, high], 1).shape, [2, 6, "T", 3]);
  throws(() => op.slice(g, x, 1, 4, 7), /Cannot add Slice/);
  throws(() => op.slice(g, x, 2, 0, 1), /Cannot add Slice/);
  const odd = g.input("odd", "float32", [2, 1, "S", 3]);
  throws(() => op.concat(g, [low, odd], 1), /Cannot add Concat/);
});

Deno.test("rotaryEmbedding requires half-size tables", () => {
  const g = fresh();
  const x = g.input("x", "float32", [2, 4, "T", 6]);
  const half = g.input("half", "float32", [2, "T", 3]);
  const full = g.input("full", "float32", [2, "T", 6]);
  deepEqual(op.rotaryEmbedding(g, x, half, half).shape, [2, 4, "T", 6]);
  throws(() => op.rotaryEmbedding(g, x, full, half), /Cannot add RotaryEmbedding/);
});

Deno.test("heads side by side require tables of a head's half and rows alike", () => {
  const g = fresh();
  const x = g.input("x", "float32", [2, "T", 12]);
  const half = g.input("half", "float32", [2, "T", 3]);
  const full = g.input("full", "float32", [2, "T", 6]);
  deepEqual(op.rotaryEmbeddingOfRows(g, x, [half, half], 2).shape, [2, "T", 12]);
  throws(() => op.rotaryEmbeddingOfRows(g, x, [full, half], 2), /Cannot add RotaryEmbedding/);
  deepEqual(op.multiHeadAttention(g, [x, x, x], 2).shape, [2, "T", 12]);
  throws(() => op.multiHeadAttention(g, [x, x, full], 2), /Cannot add MultiHeadAttention/);
  throws(() => op.multiHeadAttention(g, [x, x, x], 5), /Cannot add MultiHeadAttention/);
});

Deno.test("elementwise operations refuse shapes that do not broadcast and mixed types", () => {
  const g = fresh();
  const a = g.input("a", "float32", [2, "T"]), b = g.input("b", "float32", [3, "T"]);
  const h = g.input("h", "float16", [2, "T"]);
  throws(() => op.add(g, a, b), /shapes must broadcast/);
  throws(() => op.mul(g, a, h), /one float type/);
});

Deno.test("Graph names nodes by scope and keeps names unique", () => {
  const g = fresh();
  const x = g.input("x", "float32", ["N", 4]);
  const first = g.scope("layer 3", () => op.gelu(g, x));
  const second = g.scope("layer 3", () => op.gelu(g, first));
  equal(first.name, "layer 3/Gelu");
  equal(second.name, "layer 3/Gelu.1");
  equal(second.producer!.inputs[0], first);
  throws(() => g.input("x", "float32", [1]), /twice/);
  throws(() => new Graph("other").output("y", x), /must be computed by a node/);
  throws(() => op.gelu(new Graph("other"), x), /of another graph/);
  match(g.toString(), /layer 3\/Gelu:\[N, 4\] = Gelu\(x\)/);
});

Deno.test("Graph stores equal constants once", () => {
  const g = fresh();
  g.int64([1, 2]);
  g.int64([1, 2]);
  g.scalar(0.5);
  g.scalar(0.5);
  equal(g.constants.length, 2);
  throws(() => g.initializer("w", [2, 2], new Float32Array(3)), /4 elements: current count is 3/);
});

Deno.test("reductions keep the axes they sum over, and refuse others", () => {
  const g = fresh();
  const x = g.input("x", "float32", [2, "T", 3]);
  deepEqual(op.reduceSum(g, x, [0, 1]).shape, [1, 1, 3]);
  deepEqual(op.reduceMean(g, x, [2]).shape, [2, "T", 1]);
  throws(() => op.reduceSum(g, x, [3]), /axes \[3\] must be of the shape/);
  throws(() => op.reduceMean(g, x, []), /Cannot add ReduceMean/);
});

Deno.test("pad and scatterAddRows compute shapes and refuse what does not fit", () => {
  const g = fresh();
  const x = g.input("x", "float32", ["N", 3]), u = g.input("u", "float32", ["R", 3]);
  const rows = g.input("rows", "int32", ["R"]);
  deepEqual(op.pad(g, x, 1, 2, 1).shape, ["N", 6]);
  throws(() => op.pad(g, x, 0, 1, 1), /Cannot add Pad/);
  deepEqual(op.scatterAddRows(g, x, rows, u).shape, ["N", 3]);
  throws(() => op.scatterAddRows(g, x, rows, x), /Cannot add ScatterElements/);
});

Deno.test("Graph.prune leaves what an output needs, and constants can be made again", () => {
  const g = fresh();
  const x = g.input("x", "float32", ["N", 4]);
  g.input("unused", "float32", [1]);
  op.mul(g, x, g.scalar(3));
  g.output("y", op.mul(g, x, g.scalar(2)));
  g.prune();
  deepEqual(g.inputs, [x]);
  equal(g.nodes.length, 1);
  equal(g.constants.length, 1);
  g.scalar(3);
  equal(g.constants.length, 2);
});
