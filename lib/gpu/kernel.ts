/** A compute pipeline with explicit layouts: group 0 = tensors, group 1 = `Params`. */
import { GpuError, trimMessage } from "./errors.ts";
import type { Grid } from "./grid.ts";
import type { ParamArena, ParamFields, ParamLayout, ParamValues } from "./params.ts";
import { type GpuTensor, paddedBytes } from "./tensor.ts";

/** How a kernel uses a tensor. */
export type Access = "read" | "readWrite";

/** All that decides a pipeline; equal specs share one. */
export interface KernelSpec<P extends ParamFields = ParamFields> {
  /** What it is called in messages. */
  label: string;
  /** WGSL text; helper chunks are prepended by the caller. */
  source: string;
  /** Function of the shader. @default "main" */
  entryPoint?: string;
  /** Access of group 0, in binding order: inputs in signature order, then outputs. */
  bindings: readonly Access[];
  /** Layout of its numbers. */
  params: ParamLayout<P>;
  /** Values of `override` constants. */
  constants?: Readonly<Record<string, number>>;
}

/** One run of a kernel. */
export interface Dispatch<P extends ParamFields> {
  /** What the run is called. @default as the kernel */
  label?: string;
  /** One tensor per binding of group 0. */
  tensors: readonly GpuTensor[];
  /** Its numbers. */
  params: ParamValues<P>;
  /** Workgroups. */
  grid: Grid;
}

/** What a pipeline is bound by, for those that encode its dispatches themselves. */
export interface Built {
  readonly pipeline: GPUComputePipeline;
  /** Of group 0. */
  readonly tensorLayout: GPUBindGroupLayout;
  /** Of group 1, with a dynamic offset. */
  readonly paramLayout: GPUBindGroupLayout;
}

/** A built kernel; `dispatch` encodes one compute pass. Made by `GpuContext.kernel`. */
export class Kernel<P extends ParamFields = ParamFields> {
  /** What it was made of. */
  readonly spec: KernelSpec<P>;
  readonly #device: GPUDevice;
  readonly #arena: ParamArena;
  /**
   * What runs it, which replays take over.
   * @ignore
   */
  readonly built: Built;

  /** For {@linkcode GpuContext.kernel}, which shares equal kernels. */
  constructor(device: GPUDevice, arena: ParamArena, spec: KernelSpec<P>, built: Built) {
    this.#device = device;
    this.#arena = arena;
    this.spec = spec;
    this.built = built;
  }

  /**
   * Encodes one dispatch; call it inside `GpuContext.submit`.
   *
   * @throws {RangeError} if the number of tensors is not the number of bindings
   */
  dispatch(encoder: GPUCommandEncoder, { label, tensors, params, grid }: Dispatch<P>): void {
    const { spec } = this, name = label ?? spec.label;
    if (tensors.length !== spec.bindings.length) {
      throw new RangeError(
        `Cannot encode "${name}" as it must get ${spec.bindings.length} tensors: ` +
          `current value is ${tensors.length}`,
      );
    }
    const slot = this.#arena.push(spec.params, params);
    const tensorGroup = this.#device.createBindGroup({
      label: `${name} tensors`,
      layout: this.built.tensorLayout,
      // A borrowed buffer can be a recycled one, far larger than its tensor: bind what is used.
      entries: tensors.map(({ buffer, byteLength }, binding) => ({
        binding,
        resource: { buffer, size: paddedBytes(byteLength) },
      })),
    });
    const paramGroup = this.#device.createBindGroup({
      label: `${name} params`,
      layout: this.built.paramLayout,
      entries: [{ binding: 0, resource: { buffer: slot.buffer, size: spec.params.sizeBytes } }],
    });
    const pass = encoder.beginComputePass({ label: name });
    pass.setPipeline(this.built.pipeline);
    pass.setBindGroup(0, tensorGroup);
    pass.setBindGroup(1, paramGroup, [slot.offset]);
    pass.dispatchWorkgroups(...grid);
    pass.end();
  }
}

/** Kernels by source, constants and layout; a failed build is forgotten, so that it can be retried. */
export class KernelCache {
  readonly #device: GPUDevice;
  readonly #built = new Map<string, Promise<Built>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Pipelines built or being built. */
  get size(): number {
    return this.#built.size;
  }

  /** @throws {GpuError} if the WGSL does not compile or does not fit the layout */
  async get<P extends ParamFields>(arena: ParamArena, spec: KernelSpec<P>): Promise<Kernel<P>> {
    const key = keyOf(spec);
    let built = this.#built.get(key);
    if (!built) {
      built = build(this.#device, spec as unknown as KernelSpec);
      this.#built.set(key, built);
      built.catch(() => this.#built.delete(key));
    }
    return new Kernel(this.#device, arena, spec, await built);
  }
}

function keyOf(spec: KernelSpec): string {
  const constants = Object.entries(spec.constants ?? {}).sort(([a], [b]) => a < b ? -1 : 1);
  return JSON.stringify([
    spec.source,
    spec.entryPoint ?? "main",
    constants,
    spec.bindings,
    spec.params.sizeBytes,
  ]);
}

async function build(device: GPUDevice, spec: KernelSpec): Promise<Built> {
  const { label, source, entryPoint = "main", bindings, params, constants = {} } = spec;
  // From push to pop nothing is awaited: other users of the device have scopes of their own.
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ label, code: source });
  const tensorLayout = device.createBindGroupLayout({
    label: `${label} tensors`,
    entries: bindings.map((access, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: access === "read" ? "read-only-storage" : "storage" },
    })),
  });
  const paramLayout = device.createBindGroupLayout({
    label: `${label} params`,
    entries: [{
      binding: 0,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: params.sizeBytes },
    }],
  });
  const pipeline = device.createComputePipeline({
    label,
    layout: device.createPipelineLayout({ label, bindGroupLayouts: [tensorLayout, paramLayout] }),
    compute: { module, entryPoint, constants: { ...constants } },
  });
  const scope = device.popErrorScope();
  const [error, info] = await Promise.all([scope, module.getCompilationInfo()]);
  const faults = info.messages.filter(({ type }) => type === "error");
  if (faults.length > 0) {
    const [{ lineNum, linePos, message }] = faults;
    throw new GpuError(
      `Cannot build kernel "${label}" as its WGSL must compile: ` +
        `line ${lineNum}, column ${linePos}: ${trimMessage(message)}`,
    );
  }
  if (error) {
    throw new GpuError(
      `Cannot build kernel "${label}" as it must be valid: ${trimMessage(error.message)}`,
    );
  }
  return { pipeline, tensorLayout, paramLayout };
}
