/**
 * Products of matrices in 8-bit integers, exact in 32 bits: each row of x and each unit of w has a scale of its
 * own, so that a row's result depends on nothing but that row.
 *
 * Of onnxruntime's operators: its MatMulNBits hardly beats floats on a CPU, and its DynamicQuantizeMatMul has
 * one scale for all rows, so that proteins of a batch would change each other.
 */
import type { Graph, Value } from "./graph.ts";
import * as op from "./ops.ts";

/** Steps that a byte has above zero and below, where values are of both signs alike. */
const STEPS = 127;

/** Where zero lies in a byte, for values that are hardly negative; the steps above it. */
const LOW_ZERO = 32, HIGH_STEPS = 255 - LOW_ZERO;

/** x in bytes with the scale of each row. */
interface QuantizedRows {
  /** u8[N, K] */
  bytes: Value;
  /** u8 */
  zero: Value;
  /** f32[N, 1] */
  scale: Value;
}

/** What has been made of a value of a graph: several products read the same rows. */
const made = new WeakMap<Value, QuantizedRows>();

/** Zeros of so many rows, which all products of a graph read. */
const zerosOf = new WeakMap<Graph, Map<string, Value>>();

/**
 * Rows of x f32[N, K] as bytes.
 *
 * @param least what no value is below (Gelu's -0.17), so that most of a byte serves those above zero
 */
function quantizeRows(g: Graph, x: Value, least: number | undefined, label: string): QuantizedRows {
  const known = made.get(x);
  if (known) return known;
  return g.scope(label, () => {
    const largest = op.reduceMax(g, least === undefined ? op.abs(g, x) : x, [1], "largest");
    const steps = least === undefined ? STEPS : HIGH_STEPS;
    const step = op.mul(g, largest, g.scalar(1 / steps), "step");
    // A row whose largest value is small still has a place for the least. A row of zeros may have a scale of
    // zero: whatever its bytes are, it gives zeros.
    const scale = least === undefined ? step : g.node({
      ...{ op: "Max", inputs: [step, g.scalar(-least / LOW_ZERO)], dtype: "float32" },
      ...{ shape: step.shape, label: "scale" },
    });
    const zero = g.uint8(least === undefined ? STEPS + 1 : LOW_ZERO);
    const flat = op.reshape(g, scale, [x.shape[0]], "scales");
    const bytes = g.node({
      ...{ op: "QuantizeLinear", inputs: [x, flat, zeros(g, flat, zero)], dtype: "uint8" },
      shape: x.shape,
      attributes: { axis: { kind: "int", value: 0 } },
      label: "bytes",
    });
    const rows = { bytes, zero, scale };
    made.set(x, rows);
    return rows;
  });
}

/** `zero` as many times as there are rows. */
function zeros(g: Graph, rows: Value, zero: Value): Value {
  const known = zerosOf.get(g) ?? new Map<string, Value>();
  zerosOf.set(g, known);
  const key = `${zero.name} ${rows.shape[0]}`, found = known.get(key);
  if (found) return found;
  const extent = g.node({
    ...{ op: "Shape", inputs: [rows], dtype: "int64", shape: [1], label: "rows" },
  });
  const value = g.node({
    ...{ op: "Expand", inputs: [zero, extent], dtype: "uint8", shape: rows.shape, label: "zeros" },
  });
  known.set(key, value);
  return value;
}

/**
 * x · (s w) + b in bytes.
 *
 *   x  f32[N, K]
 *   w  i8[K, O]   symmetric, see {@linkcode quantizeWeight}
 *   s  f32[O]
 *   b  f32[O]
 */
export function quantizedLinear(
  g: Graph,
  x: Value,
  { weight, scale, bias, least }: { weight: Value; scale: Value; bias: Value; least?: number },
  label: string,
): Value {
  const rows = quantizeRows(g, x, least, `${label}/input`);
  return g.scope(label, () => {
    const product = g.node({
      op: "MatMulIntegerToFloat",
      domain: op.MICROSOFT,
      inputs: [rows.bytes, weight, g.scalar(1), scale, rows.zero],
      dtype: "float32",
      shape: [x.shape[0], weight.shape[1]],
      label: "product",
    });
    // As a vector it would be joined with Gelu to one operator that is slower than both.
    const row = op.reshape(g, bias, [1, weight.shape[1]], "bias");
    return op.add(g, op.mul(g, product, rows.scale, "scaled"), row, "biased");
  });
}

/** A matrix in bytes with the scale of each unit. */
export interface QuantizedWeight {
  /** i8[in, out] */
  readonly bytes: Int8Array;
  /** f32[out] */
  readonly scales: Float32Array;
}

/** Rounds a matrix f32[out, in] to bytes; each unit's largest weight becomes ±127. */
export function quantizeWeight(
  values: Float32Array,
  [out, width]: readonly number[],
): QuantizedWeight {
  const bytes = new Int8Array(out * width), scales = new Float32Array(out);
  for (let n = 0; n < out; n++) {
    const row = values.subarray(n * width, (n + 1) * width);
    let largest = 0;
    for (const value of row) largest = Math.max(largest, Math.abs(value));
    const step = largest / STEPS || 1;
    scales[n] = step;
    for (let k = 0, to = n; k < width; k++, to += out) bytes[to] = Math.round(row[k] / step);
  }
  return { bytes, scales };
}
