/** The device and all that lives on it; passed explicitly, as there is no global one. */
import { type AdapterRecord, recordOf, requestAdapter } from "./adapter.ts";
import { CommandStream } from "./command_stream.ts";
import { ErrorLatch, GpuError, trimMessage } from "./errors.ts";
import { type Kernel, KernelCache, type KernelSpec } from "./kernel.ts";
import { ParamArena, type ParamFields } from "./params.ts";
import { collectRead, encodeRead, planRead, type Readings } from "./readback.ts";
import {
  dtypeOf,
  type ElementArrays,
  elementBytes,
  elementCount,
  type ElementType,
  type ElementTypeOf,
  GpuTensor,
  paddedBytes,
  type Uploadable,
} from "./tensor.ts";

/** Which adapter, and how much it must allow. */
export interface GpuOptions {
  /** Name of the device in messages and profilers. */
  label?: string;
  /** Which of several GPUs. @default "high-performance" */
  powerPreference?: GPUPowerPreference;
}

/** Features worth having; never `subgroups`, as onnxruntime then writes WGSL that naga refuses. */
const FEATURES: readonly GPUFeatureName[] = ["shader-f16", "timestamp-query"];

/**
 * An open device with its kernels, parameters and memory count.
 *
 * A device error that no call awaited (`uncapturederror`, lost device, lack of memory) is kept, and
 * every later call fails with it.
 */
export class GpuContext {
  readonly #device: GPUDevice;
  /** Commands of replayed runs. */
  readonly #stream: CommandStream;
  /** What it runs on. */
  readonly adapter: AdapterRecord;
  readonly #latch = new ErrorLatch();
  readonly #arena: ParamArena;
  readonly #kernels: KernelCache;
  /** By the tensor that must be zero at the next read-back. */
  readonly #mustBeZero = new Map<
    GpuTensor<"u32">,
    { readonly problem: string | Error; isBeingRead: boolean }
  >();
  #liveBytes = 0;
  #isDisposed = false;

  private constructor(device: GPUDevice, adapter: AdapterRecord) {
    this.#device = device;
    this.#stream = new CommandStream(device);
    this.adapter = adapter;
    this.#arena = new ParamArena(device);
    this.#kernels = new KernelCache(device);
    device.addEventListener("uncapturederror", (event) => {
      // Without this the runtime also prints it.
      event.preventDefault();
      this.#latch.set(
        `Device error: ${trimMessage((event as GPUUncapturedErrorEvent).error.message)}`,
      );
    });
    device.lost.then(({ reason, message }) => {
      if (!this.#isDisposed) this.#latch.set(`Device lost (${reason}): ${trimMessage(message)}`);
    });
  }

  /**
   * Opens a device of its own with the adapter's maximum limits.
   *
   * @throws {GpuError} if there is no adapter
   */
  static async open({ label = "esmscope", powerPreference }: GpuOptions = {}): Promise<GpuContext> {
    const adapter = await requestAdapter(powerPreference);
    if (!adapter) throw new GpuError("Cannot open a WebGPU device as there must be an adapter");
    const requiredLimits: Record<string, number> = {};
    for (const name in adapter.limits) {
      const value = adapter.limits[name as keyof GPUSupportedLimits];
      if (typeof value === "number") requiredLimits[name] = value;
    }
    const device = await adapter.requestDevice({
      label,
      requiredLimits,
      requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
    });
    return new GpuContext(device, recordOf(adapter));
  }

  /** The adapter that `open` would use, or null; opens no device. */
  static async probe(options: GpuOptions = {}): Promise<AdapterRecord | null> {
    const adapter = await requestAdapter(options.powerPreference);
    return adapter && recordOf(adapter);
  }

  /** WebGPU's own device, to which all work so far is submitted; take it anew for each use of its queue. */
  get device(): GPUDevice {
    this.#stream.flush();
    return this.#device;
  }

  /**
   * Commands to be submitted some at a time, and before all else that goes through the context.
   * @ignore
   */
  get stream(): CommandStream {
    return this.#stream;
  }

  /** What the device allows. */
  get limits(): GPUSupportedLimits {
    return this.#device.limits;
  }

  /** Whether kernels may read and write half precision. */
  get hasHalf(): boolean {
    return this.#device.features.has("shader-f16");
  }

  /** Bytes of live tensors and staging buffers; borrowed buffers do not count. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Number of pipelines in the cache. */
  get kernelCount(): number {
    return this.#kernels.size;
  }

  /** Makes an uninitialised (zero) tensor. @throws {RangeError} if it cannot be bound in one piece */
  alloc<D extends ElementType>(label: string, shape: readonly number[], dtype: D): GpuTensor<D> {
    // Whole vectors of four: onnxruntime binds small tensors that way, and would read past their end.
    const sizeBytes =
      Math.ceil(paddedBytes(elementCount(label, shape) * elementBytes(dtype)) / 16) * 16;
    const most = Math.min(this.limits.maxStorageBufferBindingSize, this.limits.maxBufferSize);
    if (sizeBytes > most) {
      throw new RangeError(
        `Cannot allocate tensor "${label}" as its bytes must be at most ${most}: ` +
          `current value is ${sizeBytes}`,
      );
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.#createBuffer(label, sizeBytes, usage);
    return new GpuTensor(label, shape, dtype, buffer, (owned) => this.#free(owned));
  }

  /** Copies a typed array to a new tensor. @throws {RangeError} if shape and length disagree */
  upload<A extends Uploadable>(
    label: string,
    shape: readonly number[],
    data: A,
  ): GpuTensor<ElementTypeOf<A>> {
    const dtype = dtypeOf(data);
    const length = elementCount(label, shape);
    if (length !== data.length) {
      throw new RangeError(
        `Cannot upload tensor "${label}" as [${shape.join(", ")}] must have ${length} elements: ` +
          `current value is ${data.length}`,
      );
    }
    const tensor = this.alloc(label, shape, dtype);
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const whole = bytes.length - bytes.length % 4;
    // A new buffer, which no command that waits in the stream has seen.
    const { queue } = this.#device;
    if (whole > 0) queue.writeBuffer(tensor.buffer, 0, bytes, 0, whole);
    if (whole < bytes.length) {
      const tail = new Uint8Array(4);
      tail.set(bytes.subarray(whole));
      queue.writeBuffer(tensor.buffer, whole, tail);
    }
    return tensor;
  }

  /**
   * Gives a shape to a buffer owned by someone else, such as onnxruntime; it is never freed here.
   *
   * @throws {RangeError} if the buffer is smaller than the shape
   */
  borrow<D extends ElementType>(
    label: string,
    buffer: GPUBuffer,
    shape: readonly number[],
    dtype: D,
  ): GpuTensor<D> {
    const tensor = new GpuTensor(label, shape, dtype, buffer);
    const sizeBytes = paddedBytes(tensor.byteLength);
    if (buffer.size < sizeBytes) {
      throw new RangeError(
        `Cannot borrow tensor "${label}" as its buffer must have ${sizeBytes} bytes: ` +
          `current value is ${buffer.size}`,
      );
    }
    return tensor;
  }

  /** Builds a kernel or takes it from the cache. @throws {GpuError} if it does not compile */
  kernel<P extends ParamFields>(spec: KernelSpec<P>): Promise<Kernel<P>> {
    this.#check();
    return this.#kernels.get(this.#arena, spec);
  }

  /**
   * Encodes and submits one analysis step; resolves when it is accepted, not when it is done.
   *
   * @throws {GpuError} if the commands are invalid or the device failed before
   */
  async submit(label: string, encode: (encoder: GPUCommandEncoder) => void): Promise<void> {
    this.#check();
    const { device } = this;
    // Nothing is awaited up to the pop, so steps of concurrent callers cannot mix.
    device.pushErrorScope("validation");
    let scope: Promise<GPUError | null>;
    this.#arena.open();
    try {
      const encoder = device.createCommandEncoder({ label });
      encode(encoder);
      const commands = encoder.finish({ label });
      this.#arena.close();
      device.queue.submit([commands]);
    } finally {
      this.#arena.abandon();
      scope = device.popErrorScope();
      scope.catch(() => {});
    }
    const error = await scope;
    await this.#latch.settle();
    if (error) {
      throw new GpuError(
        `Cannot submit "${label}" as it must be valid: ${trimMessage(error.message)}`,
      );
    }
  }

  /**
   * Lets the next read-back also read `tensor`: if it is not all zero then, that call fails.
   *
   * @param problem a message of what is wrong with the device, so that every later call fails too; or an
   *   error of the data, which ends with that read-back: the tensor is cleared
   */
  expectZero(tensor: GpuTensor<"u32">, problem: string | Error): void {
    const guard = this.#mustBeZero.get(tensor);
    // What was expected first is nearer to the cause; but a read that is on its way may come too early for this.
    if (!guard || guard.isBeingRead) {
      this.#mustBeZero.set(tensor, { problem, isBeingRead: false });
    }
  }

  /** Waits for what the device has to say of memory that was asked for. @throws {GpuError} if it failed before */
  async settle(): Promise<void> {
    this.#check();
    await this.#latch.settle();
  }

  /** Copies a tensor to memory; padding is left out. One wait costs about 11 ms: see `readAll`. */
  async read<D extends ElementType>(tensor: GpuTensor<D>): Promise<ElementArrays[D]> {
    const [array] = await this.readAll([tensor]);
    return array as ElementArrays[D];
  }

  /** Copies several tensors to memory with a single wait, in the same order. */
  async readAll<const T extends readonly GpuTensor[]>(tensors: T): Promise<Readings<T>> {
    this.#check();
    const guards = [...this.#mustBeZero];
    for (const [, guard] of guards) guard.isBeingRead = true;
    const all = [...tensors, ...guards.map(([tensor]) => tensor)];
    const plan = planRead(all);
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const staging = this.#createBuffer("readback", Math.max(8, plan.sizeBytes), usage);
    try {
      await this.submit("readback", (encoder) => encodeRead(encoder, all, plan, staging));
      const arrays = await collectRead(all, plan, staging);
      const wrong: Error[] = [];
      guards.forEach(([tensor, guard], i) => {
        if (arrays[tensors.length + i].some((value) => value !== 0)) {
          const { problem } = guard;
          if (typeof problem === "string") this.#latch.set(problem);
          else {
            wrong.push(problem);
            this.device.queue.writeBuffer(tensor.buffer, 0, new Uint32Array(tensor.length));
          }
        }
        // Not before, as reads awaited together must all ask; and not one that was set since.
        if (this.#mustBeZero.get(tensor) === guard) this.#mustBeZero.delete(tensor);
      });
      this.#check();
      if (wrong.length > 0) throw wrong[0];
      return arrays.slice(0, tensors.length) as Readings<T>;
    } finally {
      this.#free(staging);
    }
  }

  /** Destroys the device; tensors of it are dead then. A second call does nothing. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#arena.dispose();
    this.device.destroy();
  }

  /** Destroys the device; every later call throws. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #check(): void {
    if (this.#isDisposed) {
      throw new Error("Cannot use the context as it must be open: it is disposed");
    }
    this.#latch.check();
  }

  #createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): GPUBuffer {
    this.#check();
    this.#device.pushErrorScope("out-of-memory");
    try {
      const buffer = this.#device.createBuffer({ label, size, usage });
      this.#liveBytes += size;
      return buffer;
    } finally {
      this.#latch.watch(
        this.#device.popErrorScope(),
        `Cannot allocate "${label}" of ${size} bytes as there must be device memory for it`,
      );
    }
  }

  #free(buffer: GPUBuffer): void {
    this.#liveBytes -= buffer.size;
    this.#stream.destroy(buffer);
  }
}
