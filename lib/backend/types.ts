/** What the engine needs of a device; `webgpu.ts`, `cpu.ts` and `wasm.ts` provide it. */
import type { Graph } from "../onnx/graph.ts";
import type { Lanes } from "./lanes.ts";
import type { GpuContext, GpuTensor } from "../gpu/mod.ts";

/** What runs the model: the GPU, native code on the CPU, or WebAssembly. */
export type BackendName = "webgpu" | "cpu" | "wasm";

/**
 * A float32 tensor that lives on the host or on the GPU. Whoever received it disposes of it.
 *
 * Once released (disposed of, or lent to a visitor that has returned) its memory serves other tensors, so
 * every use of it throws.
 */
export interface Tensor extends Disposable {
  /** What it is called in messages. */
  readonly label: string;
  /** Extents, row-major. */
  readonly shape: readonly number[];
  /** Bytes of its elements. */
  readonly sizeBytes: number;
  /** The values, where the tensor lives on the host; the array stays as it is for who holds it. */
  readonly data?: Float32Array;
  /** The GPU buffer, where it lives there; valid until the tensor is disposed. */
  readonly gpu?: GpuTensor;
  /** A copy of the values. */
  read(): Promise<Float32Array>;
  /** The same array as `data`, for who looks at it now and keeps no view of it: later runs overwrite it. */
  peek(): Float32Array | undefined;
  /** A tensor of its own with the same values, which outlives this one; the caller disposes of it. */
  keep(): Tensor;
}

/** What the use of a released tensor throws. */
export function releasedError(label: string): Error {
  return new Error(
    `Cannot use tensor "${label}" as it must not be released yet: its result was disposed of or its ` +
      `visitor has returned; take a tensor with keep() or a copy with read() before`,
  );
}

/** A compiled graph. */
export interface Program extends AsyncDisposable {
  /**
   * Runs once.
   *
   * @param inputs one tensor per graph input
   * @param outputs the shape of each graph output
   * @returns one tensor per output, owned by the caller
   */
  run(
    inputs: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>>;
}

/** How large a tensor may or should be here. */
export interface TensorLimit {
  /** Largest tensor that one step should make; attention beyond it is computed some heads at a time. */
  bytes: number;
  /** Whether the device cannot go beyond it (GPU binding size) or only should not (memory). */
  hard: boolean;
  /** Attention of at most this size at a time is fastest where nobody needs to see it whole. */
  fastAttentionBytes: number;
}

/** An execution device with its tensors and compiled graphs. */
export interface Backend extends AsyncDisposable {
  /** Which backend this is. */
  readonly name: BackendName;
  /** One phrase for people: library, version, threads or adapter. */
  readonly detail: string;
  /** The GPU context whose device the tensors share; webgpu only. */
  readonly gpu?: GpuContext;
  /** How large a tensor may be. */
  readonly tensorLimit: TensorLimit;
  /** Bytes of tensors not yet disposed. */
  readonly liveBytes: number;
  /**
   * Makes a program of a graph.
   *
   * @throws {Error} if an operator is not supported or shapes do not fit
   */
  compile(graph: Graph): Promise<Program>;
  /**
   * Opens threads that run graphs beside each other, at most so many; absent or none where there is one thread.
   *
   * @ignore
   */
  openLanes?(most: number): Lanes | undefined;
  /** Makes a tensor of `data`. A host backend keeps the array itself, the GPU copies it. */
  upload(label: string, shape: readonly number[], data: Float32Array): Tensor;
  /** The same of what is kept only to save time, which therefore does not count as live. */
  uploadSpare(label: string, shape: readonly number[], data: Float32Array): Tensor;
  /** Makes a tensor of bytes, which graphs read and nobody else; absent where there is no use for one. */
  uploadBytes?(label: string, shape: readonly number[], data: Int8Array): Tensor;
  /** The same of numbers in half precision; absent where graphs cannot read them. */
  uploadHalves?(label: string, shape: readonly number[], data: Float16Array): Tensor;
  /**
   * Fails if one of some tensors has a value that is no finite number: at once on a host, on a GPU with
   * the next read-back, for which nothing waits.
   *
   * @param describe what to throw; a GPU says neither which tensor nor which element it was
   */
  expectFinite(
    tensors: readonly Tensor[],
    describe: (tensor?: Tensor, index?: number) => Error,
  ): Promise<void>;
  /** Makes a tensor to be filled; what it holds before is undefined. */
  output(label: string, shape: readonly number[]): Tensor;
}

/** A backend as one line. */
export const backendText = ({ name, detail }: Backend): string => `Backend ${name}: ${detail}`;

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** @throws {Error} if `data` does not fill `shape` */
export function checkCount(
  label: string,
  shape: readonly number[],
  data: ArrayLike<number>,
): void {
  if (data.length !== elementCount(shape)) {
    throw new Error(
      `Cannot upload "${label}" as [${shape}] must have ${elementCount(shape)} elements: ` +
        `current count is ${data.length}`,
    );
  }
}
