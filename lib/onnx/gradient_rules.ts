/**
 * How each operator of `ops.ts` carries a cotangent back to its inputs (vector–Jacobian products).
 *
 * With S the scalar that is differentiated, y the operator's output and dy = dS/dy, a rule gives dS/dx
 * for each input x. Statistics that several inputs need are computed once.
 */
import type { Attribute, Graph, Node, Value } from "./graph.ts";
import * as op from "./ops.ts";
import { sameShape, type Shape } from "./shape.ts";

/** A cotangent that is zero outside elements `begin` to `end` (exclusive) of one axis. */
export interface Part {
  axis: number;
  begin: number;
  end: number;
  value: Value;
}

export type Cotangent = Value | Part;

/** One function per input, called only if its cotangent is wanted; absent where there is none. */
export type Rule = (g: Graph, node: Node, dy: Value) => ((() => Cotangent) | undefined)[];

export const RULES: Readonly<Record<string, Rule>> = {
  Add: (g, { inputs: [a, b] }, dy) => [
    () => sumTo(g, dy, a.shape),
    () => sumTo(g, dy, b.shape),
  ],
  Sub: (g, { inputs: [a, b] }, dy) => [
    () => sumTo(g, dy, a.shape),
    () => op.neg(g, sumTo(g, dy, b.shape)),
  ],
  Mul: (g, { inputs: [a, b] }, dy) => [
    () => sumTo(g, op.mul(g, dy, b), a.shape),
    () => sumTo(g, op.mul(g, dy, a), b.shape),
  ],
  Neg: (g, _, dy) => [() => op.neg(g, dy)],
  Exp: (g, { outputs: [y] }, dy) => [() => op.mul(g, dy, y)],
  Sqrt: (g, { outputs: [y] }, dy) => [
    () => op.mul(g, dy, op.reciprocal(g, op.mul(g, y, g.scalar(2)))),
  ],
  Reciprocal: (g, { outputs: [y] }, dy) => [
    () => op.neg(g, op.mul(g, dy, op.mul(g, y, y))),
  ],
  Erf: (g, { inputs: [x] }, dy) => [
    () => op.mul(g, dy, op.mul(g, bell(g, x), g.scalar(2 / Math.sqrt(Math.PI)))),
  ],
  Gelu: (g, { inputs: [x] }, dy) => [() => op.mul(g, dy, geluSlope(g, x))],
  // 1 − y²
  Tanh: (g, { outputs: [y] }, dy) => [
    () => op.sub(g, dy, op.mul(g, dy, op.mul(g, y, y))),
  ],
  // y ÷ y where y > 0, whatever it is; at 0 the slope is 0, as torch has it. WebGPU has no sign.
  Relu: (g, { outputs: [y] }, dy) => [
    () => op.mul(g, dy, op.mul(g, y, op.reciprocal(g, op.add(g, y, g.scalar(1e-30))))),
  ],
  ReduceSum: (g, { inputs: [x] }, dy) => [() => spread(g, dy, x)],
  ReduceMean: (g, { inputs: [x] }, dy) => [() => {
    const n = x.shape.reduce<number>((count, d, i) => dy.shape[i] === d ? count : count * +d, 1);
    if (Number.isNaN(n)) throw new Error(`Cannot differentiate a mean over symbolic extents`);
    return spread(g, op.mul(g, dy, g.scalar(1 / n)), x);
  }],
  Reshape: (g, { inputs: [x] }, dy) => [() => op.reshape(g, dy, x.shape)],
  Transpose: (g, { attributes }, dy) => [() => {
    const perm = ints(attributes.perm);
    return op.transpose(g, dy, perm.map((_, i) => perm.indexOf(i)));
  }],
  Slice: (g, { inputs: [, begin, end, axis] }, dy) => [() => ({
    axis: constant(g, axis),
    begin: constant(g, begin),
    end: constant(g, end),
    value: dy,
  })],
  Pad: (g, { inputs: [x, pads] }, dy) => [() => {
    const before = constants(g, pads).slice(0, x.shape.length);
    const axis = x.shape.findIndex((d, i) => d !== dy.shape[i]);
    return axis < 0 ? dy : op.slice(g, dy, axis, before[axis], before[axis] + +x.shape[axis]);
  }],
  Concat: (g, { inputs, attributes }, dy) => {
    const axis = int(attributes.axis);
    let end = 0;
    return inputs.map((x) => {
      const begin = end;
      end += x.shape[axis] as number;
      return () => op.slice(g, dy, axis, begin, begin + (x.shape[axis] as number));
    });
  },
  Gather: (g, { inputs: [x, rows] }, dy) => [
    () => op.scatterAddRows(g, zerosLike(g, x), rows, dy),
  ],
  Gemm: (g, { inputs: [x, w, b] }, dy) => [
    () => op.matmul(g, dy, w),
    () => op.matmul(g, op.transpose(g, dy, [1, 0]), x),
    b && (() => sumTo(g, dy, b.shape)),
  ],
  MatMul: (g, { inputs: [a, b], outputs: [y] }, dy) => [
    () => {
      const da = sumTo(g, op.matmul(g, dy, swapLast(g, b)), a.shape);
      // Over the last axes, which of attention are the shorter ones, Σ da · a = Σ dy · y.
      if (sameShape(y.shape.slice(0, -1), a.shape.slice(0, -1))) {
        ALONG.set(da, () => op.reduceSum(g, op.mul(g, dy, y), [y.shape.length - 1]));
      }
      return da;
    },
    () => sumTo(g, transposedProduct(g, a, dy), b.shape),
  ],
  // dx = p · (dp − Σ dp · p)
  Softmax: (g, { outputs: [p] }, dp) => [() => {
    const along = ALONG.get(dp) ?? (() => op.reduceSum(g, op.mul(g, dp, p), [p.shape.length - 1]));
    return op.mul(g, p, op.sub(g, dp, along()));
  }],
  LayerNormalization: layerNormalization,
  // The rotation back; a factor in the tables is the same both ways.
  RotaryEmbedding: (g, { inputs: [, cos, sin] }, dy) => [
    () => op.rotaryEmbedding(g, dy, cos, op.neg(g, sin)),
  ],
};

/** What adds Σ dx · x over the last axis of x, by dS/dx of a value that only one product reads. */
const ALONG = new WeakMap<Value, () => Value>();

/**
 * With x̂ = (x − mean) / σ, dx̂ = dy · w: dx = (dx̂ − mean(dx̂) − x̂ · mean(dx̂ · x̂)) / σ over the last axis.
 */
function layerNormalization(g: Graph, node: Node, dy: Value) {
  const [x, w, b] = node.inputs, { epsilon } = node.attributes;
  const last = [x.shape.length - 1];
  const statistics = once(() => {
    const centred = op.sub(g, x, op.reduceMean(g, x, last));
    const variance = op.reduceMean(g, op.mul(g, centred, centred), last);
    const scale = op.reciprocal(g, op.sqrt(g, op.add(g, variance, g.scalar(float(epsilon)))));
    return { normalised: op.mul(g, centred, scale), scale };
  });
  return [
    () => {
      const { normalised, scale } = statistics();
      const inner = op.mul(g, dy, w);
      const along = op.reduceMean(g, op.mul(g, inner, normalised), last);
      const centred = op.sub(g, inner, op.reduceMean(g, inner, last));
      return op.mul(g, op.sub(g, centred, op.mul(g, normalised, along)), scale);
    },
    () => sumTo(g, op.mul(g, dy, statistics().normalised), w.shape),
    () => sumTo(g, dy, b.shape),
  ];
}

/** Φ(x) + x · φ(x), Φ and φ being the standard normal distribution and density, in few steps. */
function geluSlope(g: Graph, x: Value): Value {
  const z = op.mul(g, x, g.scalar(Math.SQRT1_2));
  const cumulative = op.add(g, op.mul(g, op.erf(g, z), g.scalar(0.5)), g.scalar(0.5));
  const scale = g.scalar(-Math.log(Math.sqrt(2 * Math.PI)));
  const density = op.exp(g, op.sub(g, scale, op.mul(g, z, z)));
  return op.add(g, cumulative, op.mul(g, x, density));
}

/** exp(−x²) */
const bell = (g: Graph, x: Value) => op.exp(g, op.neg(g, op.mul(g, x, x)));

/** Sum over the axes along which a value of `shape` was repeated. */
function sumTo(g: Graph, dy: Value, shape: Shape): Value {
  const lead = dy.shape.length - shape.length;
  const repeated = dy.shape.flatMap((d, i) => i < lead || d !== shape[i - lead] ? [i] : []);
  const sum = repeated.length === 0 ? dy : op.reduceSum(g, dy, repeated);
  return sameShape(sum.shape, shape) ? sum : op.reshape(g, sum, shape);
}

/** `dy` repeated to the shape of x, which may be known only at run time. */
const spread = (g: Graph, dy: Value, x: Value) => op.add(g, dy, zerosLike(g, x));

const zerosLike = (g: Graph, x: Value) => op.sub(g, x, x);

/** Axes −2 and −1 exchanged; undoes an exchange instead of adding another. */
function swapLast(g: Graph, x: Value): Value {
  const rank = x.shape.length;
  const perm = x.shape.map((_, i) => i < rank - 2 ? i : 2 * rank - 3 - i);
  const before = x.producer;
  if (before?.op === "Transpose" && `${ints(before.attributes.perm)}` === `${perm}`) {
    return before.inputs[0];
  }
  return op.transpose(g, x, perm);
}

/** aᵀ · dy, or (dyᵀ · a)ᵀ where that transposes less: attention is larger than the values it mixes. */
function transposedProduct(g: Graph, a: Value, dy: Value): Value {
  const size = (...shape: Shape) => {
    const { names, factor } = g.symbols.count(shape);
    return names.length * 1e9 + factor;
  };
  const lead = dy.shape.slice(0, -2), [m, k] = a.shape.slice(-2), n = dy.shape.at(-1)!;
  const others = Math.max(size(...lead, m, n), size(...lead, n, k));
  return size(...lead, m, k) <= others
    ? op.matmul(g, swapLast(g, a), dy)
    : swapLast(g, op.matmul(g, swapLast(g, dy), a));
}

function once<T>(compute: () => T): () => T {
  let result: { value: T } | undefined;
  return () => (result ??= { value: compute() }).value;
}

function constants(g: Graph, value: Value): number[] {
  const { data } = g.constants.find((c) => c.value === value)!;
  return Array.from(new BigInt64Array((data as Uint8Array).slice().buffer), Number);
}

const constant = (g: Graph, value: Value) => constants(g, value)[0];

const int = (a: Attribute) => (a as { value: number }).value;
const float = int;
const ints = (a: Attribute) => (a as { value: readonly number[] }).value;
