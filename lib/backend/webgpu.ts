/** onnxruntime's WebGPU provider on a device of our own, which our kernels share. */
import { UserError } from "../errors.ts";
import { GpuContext, type GpuTensor } from "../gpu/mod.ts";
import type { Graph } from "../onnx/graph.ts";
import { serialize } from "../onnx/serialize.ts";
import {
  type InferenceSession,
  loadWebGpu,
  loadWebGpuAsyncify,
  type Ort,
  type OrtTensor,
} from "./ort.ts";
import { type Backend, checkCount, elementCount, type Program, type Tensor } from "./types.ts";

/** After this many uploaded bytes the queue is flushed, so that staging memory is given back. */
const FLUSH_BYTES = 64 * 2 ** 20;

/** Opens the backend on its own device. @throws {GpuError} if there is no adapter */
export async function openWebGpu(): Promise<WebGpuBackend> {
  const gpu = await GpuContext.open();
  try {
    const suspends = "Suspending" in WebAssembly;
    const ort = await (suspends ? loadWebGpu() : loadWebGpuAsyncify());
    ort.env.wasm.numThreads = 1;
    return new WebGpuBackend(ort, gpu);
  } catch (error) {
    gpu.dispose();
    throw error;
  }
}

class DeviceTensor implements Tensor {
  #native?: OrtTensor;

  constructor(
    readonly label: string,
    readonly shape: readonly number[],
    readonly gpu: GpuTensor<"f32">,
    readonly backend: WebGpuBackend,
    readonly release: (tensor: DeviceTensor) => void,
  ) {}

  get sizeBytes(): number {
    return elementCount(this.shape) * 4;
  }

  native(ort: Ort): OrtTensor {
    return this.#native ??= ort.Tensor.fromGpuBuffer(this.gpu.buffer as never, {
      dataType: "float32",
      dims: [...this.shape],
    }) as unknown as OrtTensor;
  }

  read(): Promise<Float32Array> {
    return this.backend.gpu.read(this.gpu);
  }

  [Symbol.dispose](): void {
    this.release(this);
  }
}

export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly detail: string;
  readonly tensorLimit;
  #live = new Set<DeviceTensor>();
  /** Buffers of disposed outputs by element count, for the next run of the same shapes. */
  #free = new Map<number, GpuTensor<"f32">[]>();
  #unflushed = 0;

  constructor(readonly ort: Ort, readonly gpu: GpuContext) {
    const { adapter, limits } = gpu;
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
    const session = await this.ort.InferenceSession.create(serialize(graph), {
      executionProviders: [{ name: "webgpu", device: this.gpu.device } as never],
      preferredOutputLocation: "gpu-buffer",
      // A node that would run on the CPU makes creation fail instead of copying behind our back.
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    });
    return new DeviceProgram(this, session);
  }

  upload(label: string, shape: readonly number[], data: Float32Array): DeviceTensor {
    checkCount(label, shape, data);
    if (data.byteLength > this.tensorLimit.bytes) {
      throw new UserError(
        `Cannot load "${label}" as a tensor must be at most ${this.tensorLimit.bytes} bytes on this ` +
          `adapter: this one has ${data.byteLength}; use --backend cpu`,
      );
    }
    const buffer = this.gpu.upload(label, shape, data);
    this.#unflushed += data.byteLength;
    if (this.#unflushed > FLUSH_BYTES) {
      this.gpu.device.queue.submit([]);
      this.#unflushed = 0;
    }
    return this.#track(label, shape, buffer, () => buffer[Symbol.dispose]());
  }

  /** A tensor for an output; its buffer is kept for the next one of that size. */
  output(label: string, shape: readonly number[]): DeviceTensor {
    const count = elementCount(shape);
    const buffer = this.#free.get(count)?.pop() ?? this.gpu.alloc(label, [count], "f32");
    return this.#track(label, shape, buffer, () => {
      const list = this.#free.get(count) ?? [];
      this.#free.delete(count);
      this.#free.set(count, list);
      if (list.length < 4) list.push(buffer);
      else buffer[Symbol.dispose]();
      for (const [size, old] of this.#free) {
        if (this.#free.size <= 8) break;
        old.forEach((b) => b[Symbol.dispose]());
        this.#free.delete(size);
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const list of this.#free.values()) list.forEach((b) => b[Symbol.dispose]());
    this.#free.clear();
    this.gpu.dispose();
    return Promise.resolve();
  }

  #track(
    label: string,
    shape: readonly number[],
    buffer: GpuTensor<"f32">,
    free: () => void,
  ): DeviceTensor {
    const view = this.gpu.borrow(label, buffer.buffer, shape, "f32");
    const tensor = new DeviceTensor(label, shape, view, this, (t) => {
      if (this.#live.delete(t)) free();
    });
    this.#live.add(tensor);
    return tensor;
  }
}

class DeviceProgram implements Program {
  constructor(readonly backend: WebGpuBackend, readonly session: InferenceSession) {}

  async run(
    inputs: Readonly<Record<string, Tensor>>,
    outputs: Readonly<Record<string, readonly number[]>>,
  ): Promise<Record<string, Tensor>> {
    const { ort } = this.backend;
    const feeds: Record<string, OrtTensor> = {}, fetches: Record<string, OrtTensor> = {};
    const results: Record<string, DeviceTensor> = {};
    try {
      for (const [name, tensor] of Object.entries(inputs)) {
        feeds[name] = (tensor as DeviceTensor).native(ort);
      }
      for (const [name, shape] of Object.entries(outputs)) {
        results[name] = this.backend.output(name, shape);
        fetches[name] = results[name].native(ort);
      }
      await this.session.run(feeds, fetches);
      return results;
    } catch (error) {
      Object.values(results).forEach((t) => t[Symbol.dispose]());
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release();
  }
}
