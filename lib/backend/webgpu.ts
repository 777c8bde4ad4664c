/** onnxruntime's WebGPU provider on a device of our own, which our kernels share. */
import { showAs, tensorText } from "../display.ts";
import { UserError } from "../errors.ts";
import { variableOf } from "../gpu/environment.ts";
import { GpuContext, type GpuTensor } from "../gpu/mod.ts";
import type { Graph } from "../onnx/graph.ts";
import { serialize } from "../onnx/serialize.ts";
import {
  DeviceProgram,
  type DeviceTensor,
  type ProgramHost,
  type ReplayHost,
} from "./device_program.ts";
import { loadWebGpu, loadWebGpuAsyncify, type Ort, type OrtTensor } from "./ort.ts";
import { FiniteCheck } from "./finite_check.ts";
import { ReplayCheck } from "./replay/check.ts";
import { ScratchPool } from "./replay/scratch.ts";
import { DeviceTap } from "./replay/tap.ts";
import {
  type Backend,
  backendText,
  checkCount,
  elementCount,
  type Program,
  releasedError,
  type Tensor,
} from "./types.ts";

/** After this many uploaded bytes the queue is flushed, so that staging memory is given back. */
const FLUSH_BYTES = 64 * 2 ** 20;

export interface WebGpuOptions {
  /**
   * Whether runs of shapes seen before are replayed without onnxruntime.
   * @default unless ESMSCOPE_REPLAY is 0
   */
  replay?: boolean;
  /**
   * Whether replays make products of matrices by our own kernel instead of onnxruntime's.
   * @default on real GPUs: a software adapter takes longer to compile than to multiply
   */
  ownProducts?: boolean;
}

/** Opens the backend on its own device. @throws {GpuError} if there is no adapter */
export async function openWebGpu(
  { replay = variableOf("ESMSCOPE_REPLAY") !== "0", ownProducts }: WebGpuOptions = {},
): Promise<WebGpuBackend> {
  const gpu = await GpuContext.open();
  try {
    const suspends = "Suspending" in WebAssembly;
    const ort = await (suspends ? loadWebGpu() : loadWebGpuAsyncify());
    ort.env.wasm.numThreads = 1;
    const own = ownProducts ?? !gpu.adapter.isFallback;
    return new WebGpuBackend(ort, gpu, { replay, ownProducts: own });
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

class BufferTensor implements DeviceTensor {
  static {
    showAs<BufferTensor>(this.prototype, {
      text: (tensor) => tensorText("Tensor", tensor, "f32", tensor.#gpu ? "" : " (released)"),
    });
  }

  readonly extents: string;
  #native?: OrtTensor;
  /** Undefined once released. */
  #gpu?: GpuTensor<"f32">;

  constructor(
    readonly label: string,
    readonly shape: readonly number[],
    gpu: GpuTensor<"f32">,
    readonly backend: WebGpuBackend,
    readonly release: (tensor: BufferTensor) => void,
  ) {
    this.#gpu = gpu;
    this.extents = shape.join();
  }

  get gpu(): GpuTensor<"f32"> {
    if (!this.#gpu) throw releasedError(this.label);
    return this.#gpu;
  }

  get sizeBytes(): number {
    return elementCount(this.shape) * 4;
  }

  native(ort: Ort): OrtTensor {
    const { buffer } = this.gpu;
    return this.#native ??= ort.Tensor.fromGpuBuffer(buffer as never, {
      dataType: "float32",
      dims: [...this.shape],
    }) as unknown as OrtTensor;
  }

  async read(): Promise<Float32Array> {
    return await this.backend.gpu.read(this.gpu);
  }

  peek(): undefined {
    if (!this.#gpu) throw releasedError(this.label);
  }

  keep(): BufferTensor {
    return this.backend.copyOf(this);
  }

  [Symbol.dispose](): void {
    if (!this.#gpu) return;
    // Who took the view cannot use it either: the buffer serves other tensors now.
    this.#gpu[Symbol.dispose]();
    this.#gpu = undefined;
    this.#native = undefined;
    this.release(this);
  }
}

/** Numbers in half precision, which graphs read. */
class HalfTensor implements DeviceTensor {
  readonly extents: string;
  readonly sizeBytes: number;
  #native?: OrtTensor;
  /** Undefined once released. */
  #gpu?: GpuTensor<"f16">;

  constructor(
    readonly label: string,
    readonly shape: readonly number[],
    gpu: GpuTensor<"f16">,
    readonly release: (tensor: HalfTensor) => void,
  ) {
    this.#gpu = gpu;
    this.extents = shape.join();
    this.sizeBytes = gpu.byteLength;
  }

  get gpu(): GpuTensor<"f16"> {
    if (!this.#gpu) throw releasedError(this.label);
    return this.#gpu;
  }

  native(ort: Ort): OrtTensor {
    const { buffer } = this.gpu;
    return this.#native ??= ort.Tensor.fromGpuBuffer(buffer as never, {
      dataType: "float16",
      dims: [...this.shape],
    }) as unknown as OrtTensor;
  }

  peek(): undefined {
    if (!this.#gpu) throw releasedError(this.label);
  }

  read(): Promise<Float32Array> {
    return Promise.reject(this.#refusal("read"));
  }

  keep(): Tensor {
    throw this.#refusal("keep");
  }

  #refusal(action: string): Error {
    return new Error(`Cannot ${action} "${this.label}" as it must hold single precision: halves`);
  }

  [Symbol.dispose](): void {
    const gpu = this.#gpu;
    if (!gpu) return;
    this.#gpu = this.#native = undefined;
    gpu[Symbol.dispose]();
    this.release(this);
  }
}

export class WebGpuBackend implements Backend, ProgramHost {
  static {
    showAs<WebGpuBackend>(this.prototype, { text: backendText });
  }

  readonly name = "webgpu";
  readonly detail: string;
  readonly tensorLimit;
  readonly replays?: ReplayHost;
  /** The device as onnxruntime is given it. */
  readonly #device: GPUDevice;
  /** The end of the last call: onnxruntime is one module, whatever the number of backends. */
  static #turn: Promise<unknown> = Promise.resolve();
  #live = new Set<BufferTensor | HalfTensor>();
  /** Buffers of disposed outputs by element count, for the next run of the same shapes. */
  #free = new Map<number, GpuTensor<"f32">[]>();
  #unflushed = 0;
  readonly #finite: FiniteCheck;

  constructor(
    readonly ort: Ort,
    readonly gpu: GpuContext,
    { replay, ownProducts }: Required<WebGpuOptions>,
  ) {
    const { adapter, limits, device } = gpu;
    this.#device = device;
    this.#finite = new FiniteCheck(gpu);
    if (replay) {
      this.replays = {
        tap: new DeviceTap(device),
        scratch: new ScratchPool(gpu),
        check: new ReplayCheck(gpu),
        ownProducts,
        uniformAlignment: limits.minUniformBufferOffsetAlignment,
      };
      this.#device = this.replays.tap.device;
    }
    const adapterName = adapter.description || adapter.device || adapter.vendor || "adapter";
    const version = ort.env.versions.web ?? ort.env.versions.common;
    this.detail = `onnxruntime-web ${version}, ${adapterName}${
      adapter.isFallback ? " (software)" : ""
    }`;
    const bytes = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    // One dispatch for all heads: a GPU needs the parallelism more than the locality.
    this.tensorLimit = { bytes, hard: true, fastAttentionBytes: bytes };
  }

  get liveBytes(): number {
    let sum = 0;
    for (const tensor of this.#live) sum += tensor.sizeBytes;
    return sum;
  }

  async compile(graph: Graph): Promise<Program> {
    const model = serialize(graph);
    const session = await this.exclusive(() =>
      this.ort.InferenceSession.create(model, {
        executionProviders: [{
          name: "webgpu",
          device: this.#device,
          // Of the few runs that are not replays no buffer is kept: replays have buffers of their own.
          ...(this.replays && { storageBufferCacheMode: "lazyRelease" }),
        } as never],
        preferredOutputLocation: "gpu-buffer",
        // A node that would run on the CPU makes creation fail instead of copying behind our back.
        extra: { session: { disable_cpu_ep_fallback: "1" } },
      })
    );
    return new DeviceProgram(this, session);
  }

  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = WebGpuBackend.#turn.then(work);
    WebGpuBackend.#turn = done.catch(() => {});
    return done;
  }

  upload(label: string, shape: readonly number[], data: Float32Array): BufferTensor {
    this.#checkUpload(label, shape, data);
    const kept = this.#free.get(data.length)?.pop();
    if (kept) {
      // A buffer seen before finds the commands that were encoded with it.
      this.gpu.device.queue.writeBuffer(kept.buffer, 0, data as Float32Array<ArrayBuffer>);
      return this.#track(label, shape, kept, () => this.#keep(kept));
    }
    const buffer = this.gpu.upload(label, shape, data);
    this.#uploaded(data);
    return this.#track(label, shape, buffer, () => buffer[Symbol.dispose]());
  }

  uploadSpare(label: string, shape: readonly number[], data: Float32Array): BufferTensor {
    this.#checkUpload(label, shape, data);
    const buffer = this.gpu.upload(label, shape, data);
    this.#uploaded(data);
    return new BufferTensor(label, shape, buffer, this, () => {});
  }

  uploadHalves(label: string, shape: readonly number[], data: Float16Array): Tensor {
    this.#checkUpload(label, shape, data);
    const buffer = this.gpu.upload(label, shape, data);
    this.#uploaded(data);
    const tensor = new HalfTensor(label, shape, buffer, (t) => this.#live.delete(t));
    this.#live.add(tensor);
    return tensor;
  }

  #checkUpload(
    label: string,
    shape: readonly number[],
    data: Float32Array | Float16Array,
  ): void {
    checkCount(label, shape, data);
    if (data.byteLength > this.tensorLimit.bytes) {
      throw new UserError(
        `Cannot load "${label}" as a tensor must be at most ${this.tensorLimit.bytes} bytes on this ` +
          `adapter: this one has ${data.byteLength}; use --backend cpu`,
      );
    }
  }

  /** Gives staging memory back now and then. */
  #uploaded({ byteLength }: Float32Array | Float16Array): void {
    this.#unflushed += byteLength;
    if (this.#unflushed > FLUSH_BYTES) {
      this.gpu.device.queue.submit([]);
      this.#unflushed = 0;
    }
  }

  /** A tensor of its own with the same values. */
  copyOf(tensor: BufferTensor): BufferTensor {
    const { label, shape, gpu: { buffer, byteLength } } = tensor;
    const copy = this.gpu.alloc(label, shape, "f32");
    const encoder = this.gpu.device.createCommandEncoder({ label: `keep ${label}` });
    encoder.copyBufferToBuffer(buffer, 0, copy.buffer, 0, byteLength);
    this.gpu.device.queue.submit([encoder.finish()]);
    return this.#track(label, shape, copy, () => copy[Symbol.dispose]());
  }

  async expectFinite(tensors: readonly Tensor[], describe: () => Error): Promise<void> {
    await this.#finite.check(tensors.map((tensor) => (tensor as BufferTensor).gpu), describe());
  }

  /** A tensor for an output; its buffer is kept for the next one of that size. */
  output(label: string, shape: readonly number[]): BufferTensor {
    const count = elementCount(shape);
    const buffer = this.#free.get(count)?.pop() ?? this.gpu.alloc(label, [count], "f32");
    return this.#track(label, shape, buffer, () => this.#keep(buffer));
  }

  /** Keeps a buffer that is free for the next output of its size, where there are not enough. */
  #keep(buffer: GpuTensor<"f32">): void {
    const { length } = buffer, list = this.#free.get(length) ?? [];
    this.#free.delete(length);
    this.#free.set(length, list);
    if (list.length < 4) list.push(buffer);
    else buffer[Symbol.dispose]();
    for (const [size, old] of this.#free) {
      if (this.#free.size <= 8) break;
      old.forEach((b) => b[Symbol.dispose]());
      this.#free.delete(size);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const list of this.#free.values()) list.forEach((b) => b[Symbol.dispose]());
    this.#free.clear();
    this.replays?.scratch[Symbol.dispose]();
    this.replays?.check[Symbol.dispose]();
    this.#finite[Symbol.dispose]();
    this.gpu.dispose();
    return Promise.resolve();
  }

  #track(
    label: string,
    shape: readonly number[],
    buffer: GpuTensor<"f32">,
    free: () => void,
  ): BufferTensor {
    const view = this.gpu.borrow(label, buffer.buffer, shape, "f32");
    const tensor = new BufferTensor(label, shape, view, this, (t) => {
      if (this.#live.delete(t)) free();
    });
    this.#live.add(tensor);
    return tensor;
  }
}
