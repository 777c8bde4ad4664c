/** Backend whose tensors are Float32Arrays in the process's memory: native CPU and WebAssembly. */
import { dirname } from "node:path";
import type { Graph } from "../onnx/graph.ts";
import { serialize } from "../onnx/serialize.ts";
import { showAs, tensorText } from "../display.ts";
import { type LaneGraph, Lanes } from "./lanes.ts";
import type { InferenceSession, Ort, OrtTensor } from "./ort.ts";
import { firstNonFinite } from "../stats/finite.ts";
import {
  type Backend,
  type BackendName,
  backendText,
  checkCount,
  elementCount,
  type Program,
  releasedError,
  type Tensor,
} from "./types.ts";

export interface HostOptions {
  name: BackendName;
  detail: string;
  session: InferenceSession.SessionOptions;
  /**
   * Whether the build writes into output arrays it is given. onnxruntime-node does; the web build
   * accepts them but leaves them untouched, so there the arrays it returns are used.
   */
  writesGivenOutputs: boolean;
}

class HostTensor implements Tensor {
  static {
    showAs<HostTensor>(this.prototype, {
      text: (tensor) => tensorText("Tensor", tensor, "f32", tensor.#values ? "" : " (released)"),
    });
  }

  readonly sizeBytes: number;
  #native?: OrtTensor;
  /** Undefined once released. */
  #values?: Float32Array;
  #isHeld = false;

  constructor(
    readonly backend: HostBackend,
    readonly label: string,
    readonly shape: readonly number[],
    values: Float32Array,
    /** What becomes of the array. */
    readonly release: (tensor: HostTensor, values: Float32Array) => void,
  ) {
    this.#values = values;
    this.sizeBytes = values.byteLength;
  }

  get data(): Float32Array {
    this.#isHeld = true;
    return this.peek();
  }

  /** Whether somebody may still look at the array. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  peek(): Float32Array {
    if (!this.#values) throw releasedError(this.label);
    return this.#values;
  }

  native(ort: Ort): OrtTensor {
    const values = this.peek();
    return this.#native ??= new ort.Tensor("float32", values, this.shape) as OrtTensor;
  }

  // deno-lint-ignore require-await -- throws by rejecting
  async read(): Promise<Float32Array> {
    return this.peek().slice();
  }

  keep(): HostTensor {
    return this.backend.upload(this.label, this.shape, this.peek().slice());
  }

  [Symbol.dispose](): void {
    const values = this.#values;
    if (!values) return;
    this.#values = undefined;
    this.#native = undefined;
    this.release(this, values);
  }
}

/** Bytes that graphs read. */
class ByteTensor implements Tensor {
  readonly sizeBytes: number;
  #native?: OrtTensor;
  /** Undefined once released. */
  #values?: Int8Array;

  constructor(
    readonly label: string,
    readonly shape: readonly number[],
    values: Int8Array,
    readonly release: (tensor: ByteTensor) => void,
  ) {
    this.#values = values;
    this.sizeBytes = values.byteLength;
  }

  native(ort: Ort): OrtTensor {
    if (!this.#values) throw releasedError(this.label);
    return this.#native ??= new ort.Tensor("int8", this.#values, this.shape) as OrtTensor;
  }

  peek(): undefined {
    if (!this.#values) throw releasedError(this.label);
  }

  read(): Promise<Float32Array> {
    return Promise.reject(new Error(`Cannot read "${this.label}" as it must hold floats: bytes`));
  }

  keep(): Tensor {
    throw new Error(`Cannot keep "${this.label}" as it must hold floats: bytes`);
  }

  [Symbol.dispose](): void {
    if (!this.#values) return;
    this.#values = this.#native = undefined;
    this.release(this);
  }
}

/**
 * Keeps released output arrays for the next run of the same size, because fresh pages cost more than
 * the attention they are filled with. Only the sizes of the last runs are kept, and no more than so many
 * bytes.
 */
class ArrayPool {
  #free = new Map<number, Float32Array[]>();
  #bytes = 0;
  static readonly #sizesKept = 16;
  /** What a training keeps on its way up comes back on its way down. */
  static readonly #mostBytes = 320 * 2 ** 20;

  take(length: number): Float32Array {
    const array = this.#free.get(length)?.pop();
    if (!array) return new Float32Array(length);
    this.#bytes -= array.byteLength;
    return array;
  }

  give(array: Float32Array): void {
    const list = this.#free.get(array.length) ?? [];
    this.#free.delete(array.length);
    this.#free.set(array.length, list);
    list.push(array);
    this.#bytes += array.byteLength;
    for (const [size, old] of this.#free) {
      if (this.#free.size <= ArrayPool.#sizesKept && this.#bytes <= ArrayPool.#mostBytes) break;
      this.#bytes -= old.length * size * Float32Array.BYTES_PER_ELEMENT;
      this.#free.delete(size);
    }
  }

  clear(): void {
    this.#free.clear();
    this.#bytes = 0;
  }
}

export class HostBackend implements Backend {
  static {
    showAs<HostBackend>(this.prototype, { text: backendText });
  }

  readonly name: BackendName;
  readonly detail: string;
  readonly tensorLimit = {
    bytes: 32 * 2 ** 20,
    hard: false,
    // A few heads whose scores stay in the cache: 8M at T = 414 takes 7.2 ms a block instead of 8.0.
    fastAttentionBytes: 4 * 2 ** 20,
  };
  #live = new Set<HostTensor | ByteTensor>();
  #pool = new ArrayPool();

  constructor(readonly ort: Ort, readonly options: HostOptions) {
    this.name = options.name;
    this.detail = options.detail;
  }

  get liveBytes(): number {
    let sum = 0;
    for (const tensor of this.#live) sum += tensor.sizeBytes;
    return sum;
  }

  async compile(graph: Graph): Promise<Program> {
    const { model, options } = this.#read(graph);
    return new HostProgram(this, await this.ort.InferenceSession.create(model, options));
  }

  openLanes(most: number): Lanes | undefined {
    const { intraOpNumThreads: threads = 1 } = this.options.session;
    if (threads < 2 || most < 2 || this.name !== "cpu") return undefined;
    return new Lanes(threads, (graph) => this.#read(graph), most);
  }

  #read(graph: Graph): LaneGraph {
    return { model: serialize(graph), options: inFolder(this.options.session, folderOf(graph)) };
  }

  upload(label: string, shape: readonly number[], data: Float32Array): HostTensor {
    checkCount(label, shape, data);
    return this.#track(new HostTensor(this, label, shape, data, (t) => this.#live.delete(t)));
  }

  uploadSpare(label: string, shape: readonly number[], data: Float32Array): HostTensor {
    checkCount(label, shape, data);
    return new HostTensor(this, label, shape, data, () => {});
  }

  uploadBytes(label: string, shape: readonly number[], data: Int8Array): Tensor {
    checkCount(label, shape, data);
    const tensor = new ByteTensor(label, shape, data, (t) => this.#live.delete(t));
    this.#live.add(tensor);
    return tensor;
  }

  // deno-lint-ignore require-await -- throws by rejecting
  async expectFinite(
    tensors: readonly Tensor[],
    describe: (tensor?: Tensor, index?: number) => Error,
  ): Promise<void> {
    for (const tensor of tensors) {
      const index = firstNonFinite((tensor as HostTensor).peek());
      if (index >= 0) throw describe(tensor, index);
    }
  }

  /** A tensor for an output; its array returns to the pool when it is disposed. */
  output(label: string, shape: readonly number[], data?: Float32Array): HostTensor {
    const array = data ?? this.#pool.take(elementCount(shape));
    return this.#track(
      new HostTensor(this, label, shape, array, (t, values) => {
        if (this.#live.delete(t) && !data && !t.isHeld) this.#pool.give(values);
      }),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#live.clear();
    this.#pool.clear();
    return Promise.resolve();
  }

  #track(tensor: HostTensor): HostTensor {
    this.#live.add(tensor);
    return tensor;
  }
}

/** The folder of the files that hold a graph's constants. @throws {Error} if there are several */
function folderOf({ constants }: Graph): string | undefined {
  const paths = constants.flatMap(({ data }) =>
    data instanceof Uint8Array ? [] : dirname(data.path)
  );
  const [folder, ...others] = new Set(paths);
  if (others.length > 0) {
    throw new Error(
      `Cannot compile a graph as its constants' files must lie in one folder: they lie in ${folder} ` +
        `and ${others.join(", ")}`,
    );
  }
  return folder;
}

function inFolder(
  options: InferenceSession.SessionOptions,
  folder: string | undefined,
): InferenceSession.SessionOptions {
  if (folder === undefined) return options;
  const { session, ...extra } = options.extra as Record<string, Record<string, unknown>>;
  const own = { ...session, model_external_initializers_file_folder_path: folder };
  return { ...options, extra: { ...extra, session: own } };
}

class HostProgram implements Program {
  constructor(readonly backend: HostBackend, readonly session: InferenceSession) {}

  async run(
    inputs: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>> {
    const { ort, options } = this.backend;
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, tensor] of Object.entries(inputs)) {
      feeds[name] = (tensor as HostTensor | ByteTensor).native(ort);
    }
    const results: Record<string, HostTensor> = {};
    if (options.writesGivenOutputs) {
      const fetches: Record<string, OrtTensor> = {};
      try {
        for (const [name, shape] of Object.entries(outputs)) {
          results[name] = this.backend.output(name, shape);
          fetches[name] = results[name].native(ort);
        }
        await this.session.run(feeds, fetches);
      } catch (error) {
        Object.values(results).forEach((t) => t[Symbol.dispose]());
        throw error;
      }
    } else {
      const found = await this.session.run(feeds, Object.keys(outputs));
      for (const [name, shape] of Object.entries(outputs)) {
        results[name] = this.backend.output(name, shape, found[name].data as Float32Array);
      }
    }
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release();
  }
}
