/** A labelled buffer with a shape; whoever allocates it frees it. */

import { showAs, tensorText } from "../display.ts";

/** Typed array per element type; 64-bit and 8-bit elements do not exist in WGSL. */
export interface ElementArrays {
  /** Single precision. */
  f32: Float32Array<ArrayBuffer>;
  /** Whole numbers from 0 to 2^32 − 1. */
  u32: Uint32Array<ArrayBuffer>;
  /** Whole numbers with a sign. */
  i32: Int32Array<ArrayBuffer>;
  /** Half precision. */
  f16: Float16Array<ArrayBuffer>;
}
/** What the elements of a tensor on the device may be. */
export type ElementType = keyof ElementArrays;

/** What `upload` takes: also views of shared memory and of larger arrays. */
export type Uploadable = Float32Array | Uint32Array | Int32Array | Float16Array;
/** The element type of an array. */
export type ElementTypeOf<A extends Uploadable> = A extends Float32Array ? "f32"
  : A extends Uint32Array ? "u32"
  : A extends Int32Array ? "i32"
  : "f16";

const ARRAYS = { f32: Float32Array, u32: Uint32Array, i32: Int32Array, f16: Float16Array };

/** Bytes of one element. */
export function elementBytes(dtype: ElementType): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/** Element type of a typed array. */
export function dtypeOf<A extends Uploadable>(data: A): ElementTypeOf<A> {
  for (const [dtype, type] of Object.entries(ARRAYS)) {
    if (data instanceof type) return dtype as ElementTypeOf<A>;
  }
  throw new TypeError(
    `Cannot upload as the data must be a Float32Array, Uint32Array, Int32Array or Float16Array: ` +
      `current value is ${Object.prototype.toString.call(data)}`,
  );
}

/** Copies `length` elements out of mapped memory into an array of their type. */
export function copyElements<D extends ElementType>(
  dtype: D,
  bytes: ArrayBuffer,
  offset: number,
  length: number,
): ElementArrays[D] {
  return new ARRAYS[dtype](bytes, offset, length).slice() as ElementArrays[D];
}

/** Elements of a shape; [] is a scalar. @throws {RangeError} if an extent is no natural number */
export function elementCount(label: string, shape: readonly number[]): number {
  for (const extent of shape) {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new RangeError(
        `Cannot make tensor "${label}" as extents must be natural numbers: ` +
          `current value is [${shape.join(", ")}]`,
      );
    }
  }
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Bytes a buffer gets: whole 4-byte words, never none, as WebGPU refuses empty bindings. */
export function paddedBytes(byteLength: number): number {
  return Math.max(4, Math.ceil(byteLength / 4) * 4);
}

/** A shape and element type over a device buffer, owned or borrowed. */
export class GpuTensor<D extends ElementType = ElementType> {
  static {
    showAs<GpuTensor>(this.prototype, {
      text: (one) => tensorText("GpuTensor", one, one.dtype, one.#buffer ? "" : " (released)"),
    });
  }

  /** What it is called in messages. */
  readonly label: string;
  /** Extents, row-major. */
  readonly shape: readonly number[];
  /** What its elements are. */
  readonly dtype: D;
  /** Elements. */
  readonly length: number;
  /** Bytes of the elements, without padding. */
  readonly byteLength: number;
  #buffer: GPUBuffer | undefined;
  readonly #release: ((buffer: GPUBuffer) => void) | undefined;

  /** `release` frees an owned buffer; a borrowed one has none. Made by `GpuContext`. */
  constructor(
    label: string,
    shape: readonly number[],
    dtype: D,
    buffer: GPUBuffer,
    release?: (buffer: GPUBuffer) => void,
  ) {
    this.label = label;
    this.shape = [...shape];
    this.dtype = dtype;
    this.length = elementCount(label, shape);
    this.byteLength = this.length * elementBytes(dtype);
    this.#buffer = buffer;
    this.#release = release;
  }

  /** WebGPU's own buffer. @throws {Error} after `dispose` */
  get buffer(): GPUBuffer {
    if (!this.#buffer) {
      throw new Error(`Cannot use tensor "${this.label}" as it must be live: it is disposed`);
    }
    return this.#buffer;
  }

  /** True if the buffer belongs to someone else, who must keep it until the work is submitted. */
  get isBorrowed(): boolean {
    return this.#release === undefined;
  }

  /** Frees an owned buffer, forgets a borrowed one; a second call does nothing. */
  dispose(): void {
    const buffer = this.#buffer;
    this.#buffer = undefined;
    if (buffer) this.#release?.(buffer);
  }

  /** Frees it. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
