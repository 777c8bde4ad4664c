/** Checks of reverse-mode gradients against slopes in double precision. */
import { allClose } from "../../../tests/assert.ts";
import { gradients } from "../gradient.ts";
import { Graph, type Value } from "../graph.ts";
import type { Shape } from "../shape.ts";
import { type Array64, evaluate } from "./evaluate.ts";

/** Extents of symbolic dimensions. */
export type Extents = Record<string, number>;

/** S = <u, f(inputs)> differentiated with respect to every input, and random values in −1..1. */
export function differentiated(
  shapes: readonly Shape[],
  build: (g: Graph, ...inputs: Value[]) => Value,
  extents: Extents,
  seed: number,
) {
  const graph = new Graph("checked");
  const inputs = shapes.map((shape, i) => graph.input(`input_${i}`, "float32", shape));
  const y = build(graph, ...inputs);
  const cotangent = graph.input("u", y.dtype, y.shape);
  const found = gradients(graph, [{ value: y, cotangent }], inputs);
  const values = uniformValues(graph.inputs, extents, seed);
  return { graph, inputs, y, found, values };
}

/**
 * Fails unless the gradients of S = <u, f(inputs)> with respect to every input equal its central
 * differences element by element, which is <Jᵀu, v> = <u, Jv> for every unit vector v.
 *
 * Inputs that `build` declares itself are given values but not differentiated.
 */
export function checkGradients(
  shapes: readonly Shape[],
  build: (g: Graph, ...inputs: Value[]) => Value,
  extents: Extents,
  seed: number,
): void {
  const { graph, inputs, y, found, values } = differentiated(shapes, build, extents, seed);
  const weight = values.u.data;
  const scalar = () => {
    const [{ data }] = evaluate(graph, values, [y]);
    return data.reduce((sum, x, i) => sum + weight[i] * x, 0);
  };
  const actual = evaluate(graph, values, found);
  inputs.forEach(({ name }, which) => {
    const { data, shape } = values[name];
    const expected = slopes(data, scalar);
    // Constants are stored in single precision: 6e-8 relative in each rule that has one.
    allClose(actual[which].data, expected, { atol: 1e-6, rtol: 1e-6 }, `${name} [${shape}]`);
  });
}

/** Random values in −1..1 for graph inputs, by name. */
export function uniformValues(
  inputs: readonly Value[],
  extents: Extents,
  seed: number,
): Record<string, Array64> {
  const uniform = generator(seed);
  const values: Record<string, Array64> = {};
  for (const { name, shape } of inputs) {
    const sizes = shape.map((d) => typeof d === "number" ? d : extents[d]);
    const data = new Float64Array(sizes.reduce((a, b) => a * b, 1)).map(() => 2 * uniform() - 1);
    values[name] = { shape: sizes, data };
  }
  return values;
}

/** d scalar / d element of `data`, which is changed in place and restored, by central differences. */
export function slopes(data: Float64Array, scalar: () => number): Float64Array {
  return data.map((x, i) => {
    const slope = (step: number) => {
      data[i] = x + step;
      const after = scalar();
      data[i] = x - step;
      const before = scalar();
      data[i] = x;
      return (after - before) / (2 * step);
    };
    // Richardson's extrapolation leaves an error of order step⁴: 1e-11 of the fifth derivative.
    return (4 * slope(0.001) - slope(0.002)) / 3;
  });
}

/** Numbers in 0..1 from a seed (mulberry32, Tommy Ettinger 2017, public domain). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}
