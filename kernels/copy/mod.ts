/** Copy: the kernel whose speed is the memory ceiling that others are measured against. */
import {
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import source from "./copy.wgsl" with { type: "text" };

export { copy } from "./twin.ts";

const FIELDS = { vectors: "u32" } as const;
const PARAMS = new ParamLayout(FIELDS);

/** Vectors of 16 bytes that a thread copies. */
const VECTORS_PER_THREAD = 4;

/** The kernel's source, layout and constants for a workgroup size. */
export function copySpec(lanes: number): KernelSpec<typeof FIELDS> {
  return {
    label: "copy",
    source,
    bindings: ["read", "readWrite"],
    params: PARAMS,
    constants: { lanes },
  };
}

/**
 * Copies a tensor on the device.
 *
 * source  f32[…]  a multiple of 4 elements
 * target  f32[…]  as many elements
 */
export class CopyKernel {
  readonly #ctx: GpuContext;
  readonly #kernel: Kernel<typeof FIELDS>;
  readonly #lanes: number;

  private constructor(ctx: GpuContext, kernel: Kernel<typeof FIELDS>, lanes: number) {
    this.#ctx = ctx;
    this.#kernel = kernel;
    this.#lanes = lanes;
  }

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 256 } = {}): Promise<CopyKernel> {
    return new CopyKernel(ctx, await ctx.kernel(copySpec(lanes)), lanes);
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if the lengths do not fit */
  encode(
    encoder: GPUCommandEncoder,
    source: GpuTensor<"f32">,
    target: GpuTensor<"f32">,
  ): void {
    if (source.length % 4 !== 0 || source.length !== target.length) {
      throw new RangeError(
        `Cannot copy as both tensors must have the same multiple of 4 elements: ` +
          `current value is ${source.length} and ${target.length}`,
      );
    }
    const vectors = source.length / 4;
    this.#kernel.dispatch(encoder, {
      tensors: [source, target],
      params: { vectors },
      grid: planGrid(
        Math.ceil(vectors / (this.#lanes * VECTORS_PER_THREAD)),
        this.#ctx.limits,
      ),
    });
  }
}
