/** Small dense layers in double precision on the host, for what is too small for the engine. */

/** y = x Wᵀ + b */
export interface Linear {
  /** f64[out, in] */
  readonly weight: Float64Array;
  /** f64[out] */
  readonly bias?: Float64Array;
  readonly inputs: number;
  readonly outputs: number;
}

/** f64[rows, out] of x f64[rows, in]. */
export function linear(
  x: Float32Array | Float64Array,
  { weight, bias, inputs, outputs }: Linear,
): Float64Array {
  const rows = x.length / inputs, out = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++) {
    const from = r * inputs;
    for (let o = 0; o < outputs; o++) {
      let sum = bias ? bias[o] : 0;
      const at = o * inputs;
      for (let i = 0; i < inputs; i++) sum += x[from + i] * weight[at + i];
      out[r * outputs + o] = sum;
    }
  }
  return out;
}

/** Weights of a layer normalisation, f64[width] each. */
export interface Norm {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

/** Layer normalisation of rows in place, biased variance, ε 1e-5, sums in double precision. */
export function normaliseRows<A extends Float32Array | Float64Array>(
  x: A,
  { weight, bias }: { weight: ArrayLike<number>; bias: ArrayLike<number> },
): A {
  const width = weight.length;
  for (let at = 0; at < x.length; at += width) {
    let mean = 0, variance = 0;
    for (let i = 0; i < width; i++) mean += x[at + i];
    mean /= width;
    for (let i = 0; i < width; i++) variance += (x[at + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(variance / width + 1e-5);
    for (let i = 0; i < width; i++) x[at + i] = (x[at + i] - mean) * scale * weight[i] + bias[i];
  }
  return x;
}

/** The same in a new array. */
export const normalise = (x: Float64Array, norm: Norm): Float64Array =>
  normaliseRows(x.slice(), norm);

/** max(x, 0), in a new array. */
export const relu = (x: Float64Array): Float64Array => x.map((value) => Math.max(value, 0));

/** a + b, in a new array. */
export const sum = (a: Float64Array, b: Float64Array): Float64Array =>
  a.map((value, i) => value + b[i]);
