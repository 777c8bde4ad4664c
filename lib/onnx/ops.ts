/**
 * The operators that ESM-2 is made of, typed and shape-checked.
 *
 * Each function adds one node and returns its output value. Semantics are those of the ONNX operator
 * of the same name, opset 23.
 */
import { ABSENT, type Attribute, type Graph, type Value } from "./graph.ts";
import { broadcast, type Dim, sameShape, type Shape, showShape } from "./shape.ts";

/** Of operators that onnxruntime adds. */
export const MICROSOFT = "com.microsoft";

const int = (value: number): Attribute => ({ kind: "int", value });
const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });
const float = (value: number): Attribute => ({ kind: "float", value });

function refuse(op: string, requirement: string, ...values: Value[]): never {
  const found = values.map((v) => `${v.name} ${v.dtype}${showShape(v.shape)}`).join(", ");
  throw new Error(`Cannot add ${op} as ${requirement}: current values are ${found}`);
}

function requireFloat(op: string, ...values: Value[]): void {
  const dtype = values[0].dtype;
  if (dtype !== "float32" && dtype !== "float16" || values.some((v) => v.dtype !== dtype)) {
    refuse(op, "all inputs must be of one float type", ...values);
  }
}

/** Elementwise a + b with broadcasting. */
export const add = (g: Graph, a: Value, b: Value, label?: string): Value =>
  elementwise(g, "Add", a, b, label);

/** Elementwise a · b with broadcasting. */
export const mul = (g: Graph, a: Value, b: Value, label?: string): Value =>
  elementwise(g, "Mul", a, b, label);

/** Elementwise a − b with broadcasting. */
export const sub = (g: Graph, a: Value, b: Value, label?: string): Value =>
  elementwise(g, "Sub", a, b, label);

function elementwise(g: Graph, op: string, a: Value, b: Value, label?: string): Value {
  requireFloat(op, a, b);
  const shape = broadcast(a.shape, b.shape);
  if (!shape) refuse(op, "shapes must broadcast", a, b);
  return g.node({ op, inputs: [a, b], dtype: a.dtype, shape, label });
}

/** x · wᵀ + b for x [N, in], w [out, in] (the layout of checkpoints), b [out], or [N, 1] a number a row, or absent. */
export function gemm(
  g: Graph,
  x: Value,
  w: Value,
  b: Value | undefined,
  label?: string,
): Value {
  const inputs = b ? [x, w, b] : [x, w];
  requireFloat("Gemm", ...inputs);
  const fits = x.shape.length === 2 && w.shape.length === 2 && x.shape[1] === w.shape[1] &&
    (!b || sameShape(b.shape, [w.shape[0]]) || sameShape(b.shape, [x.shape[0], 1]));
  if (!fits) refuse("Gemm", "x must be [N, in], w [out, in] and b [out] or [N, 1]", ...inputs);
  const shape = [x.shape[0], w.shape[0]];
  return g.node({
    op: "Gemm",
    inputs,
    dtype: x.dtype,
    shape,
    attributes: { transB: int(1) },
    label,
  });
}

/** The same numbers in single precision. */
export function widen(g: Graph, x: Value, label?: string): Value {
  const attributes = { to: int(1) };
  return g.node({ op: "Cast", inputs: [x], dtype: "float32", shape: x.shape, attributes, label });
}

/** Matrix product over the last two axes; leading axes broadcast. */
export function matmul(g: Graph, a: Value, b: Value, label?: string): Value {
  requireFloat("MatMul", a, b);
  const [m, k] = a.shape.slice(-2), [k2, n] = b.shape.slice(-2);
  const lead = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (a.shape.length < 2 || b.shape.length < 2 || k !== k2 || !lead) {
    refuse("MatMul", "inner dimensions must agree", a, b);
  }
  return g.node({ op: "MatMul", inputs: [a, b], dtype: a.dtype, shape: [...lead, m, n], label });
}

/** (x − mean) / sqrt(var + epsilon) · w + b over the last axis. */
export function layerNormalization(
  g: Graph,
  x: Value,
  w: Value,
  b: Value,
  epsilon = 1e-5,
  label?: string,
): Value {
  requireFloat("LayerNormalization", x, w, b);
  const last = x.shape.slice(-1);
  if (!sameShape(w.shape, last) || !sameShape(b.shape, last)) {
    refuse("LayerNormalization", "w and b must have the last dimension of x", x, w, b);
  }
  return g.node({
    op: "LayerNormalization",
    inputs: [x, w, b],
    dtype: x.dtype,
    shape: x.shape,
    attributes: { axis: int(-1), epsilon: float(epsilon) },
    label,
  });
}

/** Softmax over the last axis. */
export function softmax(g: Graph, x: Value, label?: string): Value {
  requireFloat("Softmax", x);
  const attributes = { axis: int(-1) };
  return g.node({ op: "Softmax", inputs: [x], dtype: x.dtype, shape: x.shape, attributes, label });
}

/** x/2 · (1 + erf(x/√2)), the exact form that ESM-2 uses. */
export const gelu = (g: Graph, x: Value, label?: string): Value => unary(g, "Gelu", x, {}, label);

/** Elementwise hyperbolic tangent. */
export const tanh = (g: Graph, x: Value, label?: string): Value => unary(g, "Tanh", x, {}, label);

/** Elementwise 1 / (1 + exp(−x)). */
export const sigmoid = (g: Graph, x: Value, label?: string): Value =>
  unary(g, "Sigmoid", x, {}, label);

/** Elementwise max(x, 0). */
export const relu = (g: Graph, x: Value, label?: string): Value => unary(g, "Relu", x, {}, label);

/** Elementwise x where x > alpha, else 0. */
export const thresholdedRelu = (g: Graph, x: Value, alpha: number, label?: string): Value =>
  unary(g, "ThresholdedRelu", x, { alpha: float(alpha) }, label);

/** Elementwise max(0, min(1, alpha · x + beta)). */
export const hardSigmoid = (
  g: Graph,
  x: Value,
  alpha: number,
  beta: number,
  label?: string,
): Value => unary(g, "HardSigmoid", x, { alpha: float(alpha), beta: float(beta) }, label);

/** Elementwise smallest integer not below x. */
export const ceil = (g: Graph, x: Value, label?: string): Value => unary(g, "Ceil", x, {}, label);

/** Elementwise |x|. */
export const abs = (g: Graph, x: Value, label?: string): Value => unary(g, "Abs", x, {}, label);

/** Elementwise −x. */
export const neg = (g: Graph, x: Value, label?: string): Value => unary(g, "Neg", x, {}, label);

/** Elementwise e^x. */
export const exp = (g: Graph, x: Value, label?: string): Value => unary(g, "Exp", x, {}, label);

/** Elementwise natural logarithm. */
export const log = (g: Graph, x: Value, label?: string): Value => unary(g, "Log", x, {}, label);

/** Elementwise error function. */
export const erf = (g: Graph, x: Value, label?: string): Value => unary(g, "Erf", x, {}, label);

/** Elementwise square root. */
export const sqrt = (g: Graph, x: Value, label?: string): Value => unary(g, "Sqrt", x, {}, label);

/** Elementwise 1/x. */
export const reciprocal = (g: Graph, x: Value, label?: string): Value =>
  unary(g, "Reciprocal", x, {}, label);

function unary(
  g: Graph,
  op: string,
  x: Value,
  attributes: Record<string, Attribute>,
  label?: string,
): Value {
  requireFloat(op, x);
  return g.node({ op, inputs: [x], dtype: x.dtype, shape: x.shape, attributes, label });
}

/**
 * Half-split rotary embedding: (a, b) = (x[i], x[i + d/2]) → (a cos − b sin, b cos + a sin).
 *
 * x [B, H, T, d], cos and sin [B, T, d/2].
 */
export function rotaryEmbedding(g: Graph, x: Value, cos: Value, sin: Value, label?: string): Value {
  requireFloat("RotaryEmbedding", x, cos, sin);
  const [b, , t, d] = x.shape;
  const table: Shape = [b, t, typeof d === "number" ? d / 2 : d];
  const fits = x.shape.length === 4 && sameShape(cos.shape, table) && sameShape(sin.shape, table);
  if (!fits || typeof d !== "number" || d % 2 !== 0) {
    refuse("RotaryEmbedding", "x must be [B, H, T, d], cos and sin [B, T, d/2]", x, cos, sin);
  }
  return g.node({
    op: "RotaryEmbedding",
    inputs: [x, cos, sin],
    dtype: x.dtype,
    shape: x.shape,
    label,
  });
}

/** The same of heads side by side: x [B, T, H·d], cos and sin [B, T, d/2]. */
export function rotaryEmbeddingOfRows(
  g: Graph,
  x: Value,
  [cos, sin]: readonly [Value, Value],
  heads: number,
  label?: string,
): Value {
  requireFloat("RotaryEmbedding", x, cos, sin);
  const [b, t, width] = x.shape;
  const table: Shape = [b, t, Number(width) / heads / 2];
  if (x.shape.length !== 3 || !sameShape(cos.shape, table) || !sameShape(sin.shape, table)) {
    refuse("RotaryEmbedding", "x must be [B, T, H·d], cos and sin [B, T, d/2]", x, cos, sin);
  }
  return g.node({
    ...{ op: "RotaryEmbedding", inputs: [x, cos, sin], dtype: x.dtype, shape: x.shape, label },
    attributes: { num_heads: int(heads) },
  });
}

/** What an attention does besides. */
export interface AttentionOptions {
  /** Factor of q · kᵀ. @default 1 */
  scale?: number;
  /** [1, H, T, U] added to the scores of every sequence. */
  bias?: Value;
}

/**
 * Values mixed by softmax(q · kᵀ), head by head, queries [B, T, H·d], keys and values [B, U, H·d]:
 * onnxruntime's own operator, which on a CPU keeps no more of the attention than a few rows, without a bias.
 * A sequence's numbers are the same in any batch.
 */
export function multiHeadAttention(
  g: Graph,
  [q, k, v]: readonly [Value, Value, Value],
  heads: number,
  label?: string,
  { scale = 1, bias }: AttentionOptions = {},
): Value {
  requireFloat("MultiHeadAttention", q, k, v, ...bias ? [bias] : []);
  const [batch, queries, width] = q.shape, keys = k.shape[1];
  const fits = q.shape.length === 3 && Number(width) % heads === 0 &&
    [k, v].every((x) => sameShape(x.shape, [batch, keys, width]));
  if (!fits) {
    const needed = "queries must be [B, T, H·d], keys and values [B, U, H·d]";
    refuse("MultiHeadAttention", needed, q, k, v);
  }
  if (bias && !sameShape(bias.shape, [1, heads, queries, keys])) {
    refuse("MultiHeadAttention", "the bias must be [1, H, T, U]", q, k, bias);
  }
  return g.node({
    ...{ op: "MultiHeadAttention", domain: MICROSOFT },
    // Between them stand a bias of the projections and a mask of keys.
    inputs: bias ? [q, k, v, ABSENT, ABSENT, bias] : [q, k, v],
    ...{ dtype: q.dtype, shape: q.shape, label },
    attributes: { num_heads: int(heads), scale: float(scale) },
  });
}

/** Sum over some axes (0-based), which stay with extent 1. */
export const reduceSum = (g: Graph, x: Value, axes: readonly number[], label?: string): Value =>
  reduce(g, "ReduceSum", x, axes, label);

/** Mean over some axes (0-based), which stay with extent 1. */
export const reduceMean = (g: Graph, x: Value, axes: readonly number[], label?: string): Value =>
  reduce(g, "ReduceMean", x, axes, label);

/** Largest value over some axes (0-based), which stay with extent 1. */
export const reduceMax = (g: Graph, x: Value, axes: readonly number[], label?: string): Value =>
  reduce(g, "ReduceMax", x, axes, label);

function reduce(g: Graph, op: string, x: Value, axes: readonly number[], label?: string): Value {
  requireFloat(op, x);
  if (axes.length === 0 || axes.some((axis) => !(axis in x.shape))) {
    refuse(op, `axes [${axes}] must be of the shape`, x);
  }
  return g.node({
    op,
    inputs: [x, g.int64(axes)],
    dtype: x.dtype,
    shape: x.shape.map((d, i): Dim => axes.includes(i) ? 1 : d),
    attributes: { keepdims: int(1) },
    label,
  });
}

/** Permutes the axes: output axis i is input axis `perm[i]`. */
export function transpose(g: Graph, x: Value, perm: readonly number[], label?: string): Value {
  const axes = [...perm].sort((a, b) => a - b);
  if (perm.length !== x.shape.length || axes.some((axis, i) => axis !== i)) {
    refuse("Transpose", `[${perm}] must permute every axis`, x);
  }
  const shape = perm.map((axis) => x.shape[axis]);
  return g.node({
    op: "Transpose",
    inputs: [x],
    dtype: x.dtype,
    shape,
    attributes: { perm: ints(perm) },
    label,
  });
}

/** The same elements in another shape; at most one dimension may be symbolic. */
export function reshape(g: Graph, x: Value, shape: Shape, label?: string): Value {
  const symbolic = shape.filter((d) => typeof d === "string");
  const isKnown = symbolic.length <= 1 || symbolic.every((name) => g.extents.has(name));
  if (!isKnown || !g.symbols.sameCount(x.shape, shape)) {
    refuse("Reshape", `${showShape(shape)} must hold as many elements`, x);
  }
  const target = symbolic.length > 1
    ? extentsOf(g, shape)
    : g.int64(shape.map((d) => typeof d === "number" ? d : -1));
  return g.node({ op: "Reshape", inputs: [x, target], dtype: x.dtype, shape, label });
}

/** Extents as an int64 vector that is known at run time; the same ones are put together once. */
function extentsOf(g: Graph, shape: Shape): Value {
  const key = showShape(shape), known = g.extents.get(key);
  if (known) return known;
  const inputs = shape.map((d) => typeof d === "number" ? g.int64([d]) : g.extents.get(d)!);
  const extents = g.node({
    op: "Concat",
    inputs,
    dtype: "int64",
    shape: [shape.length],
    attributes: { axis: int(0) },
    label: `extents ${key}`,
  });
  g.extents.set(key, extents);
  return extents;
}

/** One extent of a value, as int64[1]. */
export const extent = (g: Graph, x: Value, axis: number, label?: string): Value =>
  g.node({
    op: "Shape",
    inputs: [x],
    dtype: "int64",
    shape: [1],
    attributes: { start: int(axis), end: int(axis + 1) },
    label,
  });

/** The product of extents, as int64[1]. */
export const countOf = (g: Graph, extents: readonly Value[], label?: string): Value =>
  extents.reduce((a, b) =>
    g.node({ op: "Mul", inputs: [a, b], dtype: "int64", shape: [1], label })
  );

/** Whether x > limit, of values of one element. */
export const exceeds = (g: Graph, x: Value, limit: Value, label?: string): Value =>
  g.node({ op: "Greater", inputs: [x, limit], dtype: "bool", shape: x.shape, label });

/** Whether a or b, of one element each. */
export const either = (g: Graph, a: Value, b: Value, label?: string): Value =>
  g.node({ op: "Or", inputs: [a, b], dtype: "bool", shape: a.shape, label });

/** What one of two branches gives; only that one is computed. Both give values of one type and shape. */
export function choose(
  g: Graph,
  condition: Value,
  [then, otherwise]: readonly [(inner: Graph) => Value, (inner: Graph) => Value],
  label = "choice",
): Value {
  const branches = [g.branch(`${label}/then`, then), g.branch(`${label}/else`, otherwise)] as const;
  const [a, b] = branches.map(({ outputs: [{ value }] }) => value);
  if (condition.dtype !== "bool" || a.dtype !== b.dtype || !sameShape(a.shape, b.shape)) {
    refuse(
      "If",
      "the condition must be bool and both branches give the same shape",
      condition,
      a,
      b,
    );
  }
  return g.node({
    op: "If",
    inputs: [condition],
    dtype: a.dtype,
    shape: a.shape,
    attributes: {
      then_branch: { kind: "graph", value: branches[0] },
      else_branch: { kind: "graph", value: branches[1] },
    },
    label,
  });
}

/** Elements `begin` to `end` (exclusive) of one axis of numeric size. */
export function slice(
  g: Graph,
  x: Value,
  axis: number,
  begin: number,
  end: number,
  label?: string,
): Value {
  const size = x.shape[axis];
  if (typeof size !== "number" || !(0 <= begin && begin < end && end <= size)) {
    refuse("Slice", `${begin}..${end} must lie within axis ${axis}`, x);
  }
  const shape = x.shape.map((d, i): Dim => i === axis ? end - begin : d);
  const inputs = [x, g.int64([begin]), g.int64([end]), g.int64([axis])];
  return g.node({ op: "Slice", inputs, dtype: x.dtype, shape, label });
}

/** Zeros before and after the elements of one axis of numeric size. */
export function pad(
  g: Graph,
  x: Value,
  axis: number,
  before: number,
  after: number,
  label?: string,
): Value {
  requireFloat("Pad", x);
  const size = x.shape[axis];
  if (typeof size !== "number" || !(before >= 0 && after >= 0)) {
    refuse("Pad", `${before} and ${after} must be counts and axis ${axis} of numeric size`, x);
  }
  const rank = x.shape.length, pads = new Array<number>(2 * rank).fill(0);
  pads[axis] = before;
  pads[rank + axis] = after;
  const shape = x.shape.map((d, i): Dim => i === axis ? size + before + after : d);
  return g.node({ op: "Pad", inputs: [x, g.int64(pads)], dtype: x.dtype, shape, label });
}

/** Joins values along one axis of numeric size; all other axes must be equal. */
export function concat(g: Graph, values: readonly Value[], axis: number, label?: string): Value {
  requireFloat("Concat", ...values);
  let total = 0;
  for (const { shape } of values) {
    const rest = (s: Shape) => s.filter((_, i) => i !== axis);
    const size = shape[axis];
    if (typeof size !== "number" || !sameShape(rest(shape), rest(values[0].shape))) {
      refuse("Concat", `shapes must agree on every axis but ${axis}`, ...values);
    }
    total += size;
  }
  const shape = values[0].shape.map((d, i): Dim => i === axis ? total : d);
  const attributes = { axis: int(axis) };
  return g.node({ op: "Concat", inputs: values, dtype: values[0].dtype, shape, attributes, label });
}

/** Rows of x [N, D] by number: i [R], whole numbers held as floats (exact to 2^24), gives [R, D]. */
export function gatherRows(g: Graph, x: Value, i: Value, label = "gather_rows"): Value {
  requireFloat("Gather", x);
  if (x.shape.length !== 2 || i.shape.length !== 1 || i.dtype !== "float32") {
    refuse("Gather", "x must be [N, D] and the row numbers float32 [R]", x, i);
  }
  const int32 = 6;
  const rows = g.node({
    op: "Cast",
    inputs: [i],
    dtype: "int32",
    shape: i.shape,
    attributes: { to: int(int32) },
    label: `${label}/numbers`,
  });
  return g.node({
    op: "Gather",
    inputs: [x, rows],
    dtype: x.dtype,
    shape: [i.shape[0], x.shape[1]],
    attributes: { axis: int(0) },
    label,
  });
}

/**
 * x [N, D] with `updates` [R, D] added to the rows whose numbers are `rows` int32 [R]; a number may
 * occur several times.
 */
export function scatterAddRows(
  g: Graph,
  x: Value,
  rows: Value,
  updates: Value,
  label = "scatter_add_rows",
): Value {
  const [, width] = x.shape;
  requireFloat("ScatterElements", x, updates);
  const fits = rows.dtype === "int32" && sameShape(updates.shape, [...rows.shape, width]);
  if (x.shape.length !== 2 || !fits || typeof width !== "number") {
    refuse("ScatterElements", "x must be [N, D], rows [R] and updates [R, D]", x, rows, updates);
  }
  const integers = (op: string, value: Value, target: number[], shape: Shape) =>
    g.node({
      op,
      inputs: [value, g.int64(target)],
      dtype: "int32",
      shape,
      label: `${label}/${op}`,
    });
  const column = integers("Reshape", rows, [-1, 1], [rows.shape[0], 1]);
  // ScatterND would take the rows as they are, but as int64 only, which WebGPU does not have.
  const every = integers("Expand", column, [1, width], updates.shape);
  return g.node({
    op: "ScatterElements",
    inputs: [x, every, updates],
    dtype: x.dtype,
    shape: x.shape,
    attributes: { axis: int(0), reduction: { kind: "string", value: "add" } },
    label,
  });
}
