/** An interpreter of graphs in double precision: slow, plain, and independent of onnxruntime. */
import type { Attribute, Graph, Node, Value } from "../graph.ts";
import { erf } from "./erf.ts";

export interface Array64 {
  shape: number[];
  data: Float64Array;
}

/** Values of `wanted` for the inputs given by name; extents of symbolic dimensions are the inputs'. */
export function evaluate(
  g: Graph,
  inputs: Readonly<Record<string, Array64>>,
  wanted: readonly Value[],
): Array64[] {
  const known = new Map<Value, Array64>();
  for (const value of g.inputs) known.set(value, inputs[value.name]);
  for (const { value, data } of g.constants) {
    const bytes = (data as Uint8Array).slice().buffer;
    const numbers = value.dtype === "int64"
      ? Float64Array.from(new BigInt64Array(bytes), Number)
      : Float64Array.from(new Float32Array(bytes));
    known.set(value, { shape: value.shape.map(Number), data: numbers });
  }
  for (const node of g.nodes) {
    const operator = OPERATORS[node.op];
    if (!operator) throw new Error(`Cannot evaluate ${node.op}: no such operator here`);
    known.set(node.outputs[0], operator(node.inputs.map((v) => known.get(v)!), node));
  }
  return wanted.map((value) => known.get(value)!);
}

type Operator = (inputs: Array64[], node: Node) => Array64;

const map = (f: (x: number) => number): Operator => ([{ shape, data }]) => ({
  shape,
  data: data.map(f),
});

const zip = (f: (a: number, b: number) => number): Operator => ([a, b]) => {
  const shape = broadcast(a.shape, b.shape);
  return build(shape, (at) => f(pick(a, at), pick(b, at)));
};

/** Each row of the last axis by itself. */
const rows = (f: (row: Float64Array, i: number) => ArrayLike<number>): Operator => ([x]) => {
  const n = x.shape.at(-1)!, data = new Float64Array(x.data.length);
  for (let at = 0; at < data.length; at += n) data.set(f(x.data.subarray(at, at + n), at / n), at);
  return { shape: x.shape, data };
};

const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);

const OPERATORS: Record<string, Operator> = {
  Add: zip((a, b) => a + b),
  Sub: zip((a, b) => a - b),
  Mul: zip((a, b) => a * b),
  Neg: map((x) => -x),
  Exp: map(Math.exp),
  Erf: map(erf),
  Sqrt: map(Math.sqrt),
  Reciprocal: map((x) => 1 / x),
  Gelu: map((x) => x / 2 * (1 + erf(x * Math.SQRT1_2))),
  Tanh: map(Math.tanh),
  Relu: map((x) => Math.max(x, 0)),
  Abs: map(Math.abs),
  Ceil: map(Math.ceil),
  Cast: map(Math.trunc),
  Softmax: rows((row) => {
    const most = Math.max(...row), powers = row.map((x) => Math.exp(x - most));
    return powers.map((x) => x / sum(powers));
  }),
  LayerNormalization: (inputs, node) => {
    const [, w, b] = inputs, epsilon = number(node.attributes.epsilon);
    return rows((row) => {
      const mean = sum(row) / row.length;
      const variance = sum(row.map((x) => (x - mean) ** 2)) / row.length;
      return row.map((x, i) => (x - mean) / Math.sqrt(variance + epsilon) * w.data[i] + b.data[i]);
    })(inputs, node);
  },
  Gemm: ([x, w, b]) =>
    build([x.shape[0], w.shape[0]], ([i, j]) => {
      let dot = b?.data[j] ?? 0;
      for (let k = 0; k < x.shape[1]; k++) dot += pick(x, [i, k]) * pick(w, [j, k]);
      return dot;
    }),
  MatMul: ([a, b]) => {
    const lead = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return build([...lead, a.shape.at(-2)!, b.shape.at(-1)!], (at) => {
      const before = at.slice(0, -2), [i, j] = at.slice(-2);
      let dot = 0;
      for (let k = 0; k < a.shape.at(-1)!; k++) {
        dot += pick(a, [...before, i, k]) * pick(b, [...before, k, j]);
      }
      return dot;
    });
  },
  RotaryEmbedding: ([x, cos, sin]) => {
    const half = x.shape[3] / 2;
    return build(x.shape, ([b, h, t, i]) => {
      const c = pick(cos, [b, t, i % half]), s = pick(sin, [b, t, i % half]);
      const first = pick(x, [b, h, t, i % half]), second = pick(x, [b, h, t, i % half + half]);
      return i < half ? first * c - second * s : second * c + first * s;
    });
  },
  ReduceSum: (inputs) => reduced(inputs, 1),
  ReduceMean: (inputs) => {
    const [{ shape }, axes] = inputs;
    return reduced(inputs, [...axes.data].reduce((n, axis) => n * shape[axis], 1));
  },
  Reshape: ([x, { data: target }]) => {
    const fixed = target.reduce((n, d) => d < 0 ? n : n * d, 1);
    return { shape: Array.from(target, (d) => d < 0 ? x.data.length / fixed : d), data: x.data };
  },
  Expand: ([x, { data: target }]) => build(broadcast(x.shape, [...target]), (at) => pick(x, at)),
  Transpose: ([x], { attributes }) => {
    const perm = (attributes.perm as { value: readonly number[] }).value;
    const source = perm.map((_, i) => perm.indexOf(i));
    return build(perm.map((axis) => x.shape[axis]), (at) => pick(x, source.map((i) => at[i])));
  },
  Slice: ([x, begin, end, axis]) => {
    const a = axis.data[0], first = begin.data[0];
    const shape = x.shape.with(a, end.data[0] - first);
    return build(shape, (at) => pick(x, at.with(a, at[a] + first)));
  },
  Pad: ([x, pads]) => {
    const rank = x.shape.length;
    const shape = x.shape.map((d, i) => d + pads.data[i] + pads.data[rank + i]);
    return build(shape, (at) => {
      const source = at.map((i, axis) => i - pads.data[axis]);
      return source.every((i, axis) => i >= 0 && i < x.shape[axis]) ? pick(x, source) : 0;
    });
  },
  Concat: (inputs, { attributes }) => {
    const axis = number(attributes.axis);
    const shape = inputs[0].shape.with(axis, inputs.reduce((n, x) => n + x.shape[axis], 0));
    return build(shape, (at) => {
      let i = at[axis], part = 0;
      while (i >= inputs[part].shape[axis]) i -= inputs[part++].shape[axis];
      return pick(inputs[part], at.with(axis, i));
    });
  },
  Gather: ([x, rows]) =>
    build([rows.data.length, x.shape[1]], ([r, d]) => pick(x, [rows.data[r], d])),
  ScatterElements: ([x, rows, updates]) => {
    const data = x.data.slice(), width = x.shape[1];
    updates.data.forEach((u, i) => data[rows.data[i] * width + i % width] += u);
    return { shape: x.shape, data };
  },
};

function reduced([x, { data: axes }]: Array64[], divisor: number): Array64 {
  const out = build(x.shape.map((d, i) => axes.includes(i) ? 1 : d), () => 0);
  const strides = stridesOf(out.shape);
  eachIndex(x.shape, (at, i) => {
    const target = at.reduce((n, a, axis) => n + (axes.includes(axis) ? 0 : a * strides[axis]), 0);
    out.data[target] += x.data[i] / divisor;
  });
  return out;
}

function build(shape: number[], f: (at: number[]) => number): Array64 {
  const data = new Float64Array(shape.reduce((a, b) => a * b, 1));
  eachIndex(shape, (at, i) => data[i] = f(at));
  return { shape, data };
}

function eachIndex(shape: readonly number[], visit: (at: number[], i: number) => void): void {
  const strides = stridesOf(shape), count = shape.reduce((a, b) => a * b, 1);
  for (let i = 0; i < count; i++) {
    visit(shape.map((d, axis) => Math.floor(i / strides[axis]) % d), i);
  }
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
}

/** The element at an index of the broadcast shape: leading axes are dropped, extents of 1 repeated. */
function pick({ shape, data }: Array64, at: readonly number[]): number {
  let i = 0;
  shape.forEach((d, axis) => i = i * d + (d === 1 ? 0 : at[at.length - shape.length + axis]));
  return data[i];
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1, y = b[b.length - rank + i] ?? 1;
    return x === 1 ? y : x;
  });
}

const number = (a: Attribute) => (a as { value: number }).value;
