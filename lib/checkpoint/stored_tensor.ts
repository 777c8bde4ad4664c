import type { RandomAccess } from "../io/random_access.ts";
import { type DType, isDType, itemBytes, toFloat32 } from "./dtype.ts";

/** A tensor as it lies in a file, whatever the file's format. */
export interface StoredTensor {
  readonly source: RandomAccess;
  /** Absolute byte offset of the element with all indices zero. */
  readonly start: number;
  /** A format of {@linkcode DType}, or another one (integers) that cannot be read as weights. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Steps between elements, counted in elements; absent when rows follow one another. */
  readonly strides?: readonly number[];
}

/** Elements converted at a time: the only memory that a read needs besides its result. */
const CHUNK_ELEMENTS = 1 << 19;

/** Number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Shape for messages: `[33, 128]`. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** Strides of rows that follow one another, in elements. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/**
 * Reads a tensor as float32 in row-major order.
 *
 * @param into array to fill instead of a new one; the result is its beginning
 * @throws {RangeError} if `into` is shorter than the tensor
 */
export async function readStoredTensor(
  tensor: StoredTensor,
  into?: Float32Array,
): Promise<Float32Array> {
  const count = elementCount(tensor.shape);
  const { dtype, source, start, strides } = tensor;
  if (!isDType(dtype)) throw new TypeError(`Cannot read ${dtype} elements as weights`);
  if (into !== undefined && into.length < count) {
    throw new RangeError(`Cannot read ${count} elements into an array of ${into.length}`);
  }
  const out = into === undefined ? new Float32Array(count) : into.subarray(0, count);
  if (count === 0) return out;
  if (strides === undefined) {
    await readRun(source, start, dtype, out);
  } else {
    const span = tensor.shape.reduce((last, extent, a) => last + (extent - 1) * strides[a], 1);
    const run = new Float32Array(span);
    await readRun(source, start, dtype, run);
    gather(run, tensor.shape, strides, out);
  }
  return out;
}

async function readRun(source: RandomAccess, start: number, dtype: DType, out: Float32Array) {
  if (dtype === "F32") {
    await source.read(start, new Uint8Array(out.buffer, out.byteOffset, out.byteLength));
    return;
  }
  const bytes = itemBytes(dtype);
  const scratch = new Uint8Array(Math.min(CHUNK_ELEMENTS, out.length) * bytes);
  for (let at = 0; at < out.length; at += CHUNK_ELEMENTS) {
    const part = out.subarray(at, at + CHUNK_ELEMENTS);
    const raw = scratch.subarray(0, part.length * bytes);
    await source.read(start + at * bytes, raw);
    toFloat32(raw, dtype, part);
  }
}

/** Copies strided elements to row-major order. */
function gather(
  run: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
  out: Float32Array,
) {
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = run[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
