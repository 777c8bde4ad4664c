/** Looks for NaN and infinities in tensors on the device, without a wait. */
import {
  type GpuContext,
  type GpuTensor,
  type Grid,
  type Kernel,
  ParamLayout,
  planGrid,
} from "../gpu/mod.ts";
import { Recent } from "./recent.ts";
import source from "./finite_check.wgsl" with { type: "text" };

const LANES = 256;
const PER_LANE = 16;
const FIELDS = { elements: "u32" } as const;
const PARAMS = new ParamLayout(FIELDS);

/** Sizes of tensors whose numbers are kept on the device: two a shape of batches. */
const MOST_SIZES = 64;

/** How tensors of one size are looked at. */
interface Size {
  buffer: GPUBuffer;
  params: GPUBindGroup;
  grid: Grid;
  /** Tensors seen before. */
  groups: WeakMap<GPUBuffer, GPUBindGroup>;
}

export class FiniteCheck implements Disposable {
  /** u32[1]: values that were not finite so far; made when first needed. */
  #wrong?: GpuTensor<"u32">;
  #kernel?: Promise<Kernel<typeof FIELDS>>;
  /** By elements. */
  readonly #sizes: Recent<number, Size>;

  constructor(readonly gpu: GpuContext) {
    this.#sizes = new Recent(MOST_SIZES, ({ buffer }) => gpu.stream.destroy(buffer));
  }

  /**
   * Adds the check to the commands so far, and submits all; if a value is not finite, the next read-back fails
   * with `error`.
   */
  async check(tensors: readonly GpuTensor<"f32">[], error: Error): Promise<void> {
    const { gpu } = this;
    const kernel = await (this.#kernel ??= gpu.kernel({
      label: "finite check",
      source,
      bindings: ["read", "readWrite"],
      params: PARAMS,
      constants: { lanes: LANES },
    }));
    const wrong = this.#wrong ??= gpu.alloc("values that are no numbers", [1], "u32");
    // At the end of every run: commands of its own would cost the host a tenth of a short pass.
    for (const { buffer, length, byteLength } of tensors) {
      const { params, grid, groups } = this.#sizes.of(length, () => this.#makeSize(length, kernel));
      let group = groups.get(buffer);
      if (!group) {
        const bound = [{ buffer, size: byteLength }, { buffer: wrong.buffer, size: 4 }];
        group = gpu.stream.device.createBindGroup({
          label: "finite check",
          layout: kernel.built.tensorLayout,
          entries: bound.map((resource, binding) => ({ binding, resource })),
        });
        groups.set(buffer, group);
      }
      const { pass } = gpu.stream;
      pass.setPipeline(kernel.built.pipeline);
      pass.setBindGroup(0, group);
      pass.setBindGroup(1, params, [0]);
      pass.dispatchWorkgroups(...grid);
    }
    gpu.stream.flush();
    gpu.expectZero(wrong, error);
    await gpu.settle();
  }

  [Symbol.dispose](): void {
    this.#wrong?.[Symbol.dispose]();
    this.#sizes[Symbol.dispose]();
  }

  #makeSize(elements: number, { built: { paramLayout } }: Kernel<typeof FIELDS>): Size {
    const { device } = this.gpu.stream, bytes = new Uint8Array(PARAMS.sizeBytes);
    PARAMS.pack(new DataView(bytes.buffer), 0, { elements });
    const buffer = device.createBuffer({
      label: "finite check params",
      size: bytes.length,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    // New, so that nothing that waits reads it.
    device.queue.writeBuffer(buffer, 0, bytes);
    const entries = [{ binding: 0, resource: { buffer, size: bytes.length } }];
    return {
      buffer,
      params: device.createBindGroup({ layout: paramLayout, entries }),
      grid: planGrid(Math.ceil(elements / (LANES * PER_LANE)), this.gpu.limits),
      groups: new WeakMap(),
    };
  }
}
