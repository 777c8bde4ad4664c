/** The inverse of a large positive definite matrix, its products on the model's backend. */
import type { Backend, Program } from "../backend/mod.ts";
import { Graph } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";

/** Below this size the inverse is computed here, in double precision. */
const DIRECT = 96;

/** a [M, K] · b [K, N] in single precision. */
type Multiply = (
  a: Float32Array,
  b: Float32Array,
  shape: readonly [m: number, k: number, n: number],
) => Promise<Float32Array>;

/**
 * Inverse of a symmetric positive definite matrix f32[N, N] by halves: with S = D − BᵀA⁻¹B, the blocks
 * are A⁻¹ + A⁻¹B S⁻¹ BᵀA⁻¹, −A⁻¹B S⁻¹ and S⁻¹. Single precision is enough where the smallest and the
 * largest eigenvalue are not thousands apart.
 */
export async function inverse(
  backend: Backend,
  matrix: Float32Array,
  size: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  await using product = await backend.compile(productGraph());
  const multiply: Multiply = (a, b, shape) => multiplyOn(backend, product, a, b, shape);
  return await invert(matrix, size, multiply, signal);
}

async function invert(
  matrix: Float32Array,
  size: number,
  multiply: Multiply,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  signal?.throwIfAborted();
  if (size <= DIRECT) return invertDirectly(matrix, size);
  const half = size >> 1, rest = size - half;
  const a = block(matrix, size, 0, half, 0, half), b = block(matrix, size, 0, half, half, rest);
  const s = block(matrix, size, half, rest, half, rest);
  const inverseA = await invert(a, half, multiply, signal);
  const ab = await multiply(inverseA, b, [half, half, rest]);
  const bab = await multiply(transposed(b, half, rest), ab, [rest, half, rest]);
  for (let i = 0; i < s.length; i++) s[i] -= bab[i];
  const inverseS = await invert(s, rest, multiply, signal);
  const corner = await multiply(ab, inverseS, [half, rest, rest]);
  const added = await multiply(corner, transposed(ab, half, rest), [half, rest, half]);
  const out = new Float32Array(size * size);
  for (let i = 0; i < half; i++) {
    for (let j = 0; j < half; j++) {
      out[i * size + j] = inverseA[i * half + j] + added[i * half + j];
    }
    for (let j = 0; j < rest; j++) {
      out[i * size + half + j] = out[(half + j) * size + i] = -corner[i * rest + j];
    }
  }
  for (let i = 0; i < rest; i++) {
    out.set(inverseS.subarray(i * rest, (i + 1) * rest), (half + i) * size + half);
  }
  return out;
}

/** Gauss–Jordan without pivoting, which a positive definite matrix does not need. */
export function invertDirectly(matrix: Float32Array, size: number): Float32Array {
  const m = Float64Array.from(matrix);
  for (let k = 0; k < size; k++) {
    const pivot = 1 / m[k * size + k];
    m[k * size + k] = 1;
    for (let j = 0; j < size; j++) m[k * size + j] *= pivot;
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const factor = m[i * size + k];
      m[i * size + k] = 0;
      for (let j = 0; j < size; j++) m[i * size + j] -= factor * m[k * size + j];
    }
  }
  return Float32Array.from(m);
}

function block(
  matrix: Float32Array,
  size: number,
  top: number,
  rows: number,
  left: number,
  columns: number,
): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = (top + i) * size + left;
    out.set(matrix.subarray(from, from + columns), i * columns);
  }
  return out;
}

function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) out[j * rows + i] = matrix[i * columns + j];
  }
  return out;
}

function productGraph(): Graph {
  const g = new Graph("product");
  const a = g.input("a", "float32", ["M", "K"]), b = g.input("b", "float32", ["K", "N"]);
  g.output("c", op.matmul(g, a, b));
  return g;
}

async function multiplyOn(
  backend: Backend,
  program: Program,
  left: Float32Array,
  right: Float32Array,
  [m, k, n]: readonly [number, number, number],
): Promise<Float32Array> {
  using a = backend.upload("a", [m, k], left);
  using b = backend.upload("b", [k, n], right);
  const { c } = await program.run({ a, b }, { c: [m, n] });
  using _ = c;
  return await c.read();
}
