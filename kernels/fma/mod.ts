/** FMA: the kernel whose speed is the arithmetic ceiling that others are measured against. */
import {
  checkLoopSteps,
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import source from "./fma.wgsl" with { type: "text" };

import type { FmaOptions } from "./twin.ts";

export { type FmaOptions, multiplyAdd } from "./twin.ts";

/** Elements of one thread. */
export const ELEMENTS_PER_THREAD = 16;

const FIELDS = { threads: "u32", rounds: "u32", scale: "f32", offset: "f32" } as const;
const PARAMS = new ParamLayout(FIELDS);

/** The kernel's source, layout and constants for a workgroup size. */
export function fmaSpec(lanes: number): KernelSpec<typeof FIELDS> {
  return {
    label: "fma",
    source,
    bindings: ["read", "readWrite"],
    params: PARAMS,
    constants: { lanes },
  };
}

/**
 * Replaces every x by scale · x + offset, `rounds` times.
 *
 * start   f32[N]  N a multiple of 16
 * result  f32[N]
 *
 * A device may round once or twice a step; with a power of two as scale that is the same. The twin
 * rounds at the end only.
 */
export class FmaKernel {
  readonly #ctx: GpuContext;
  readonly #kernel: Kernel<typeof FIELDS>;
  readonly #lanes: number;

  private constructor(ctx: GpuContext, kernel: Kernel<typeof FIELDS>, lanes: number) {
    this.#ctx = ctx;
    this.#kernel = kernel;
    this.#lanes = lanes;
  }

  /** Builds the kernel. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 256 } = {}): Promise<FmaKernel> {
    return new FmaKernel(ctx, await ctx.kernel(fmaSpec(lanes)), lanes);
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if the lengths do not fit */
  encode(
    encoder: GPUCommandEncoder,
    start: GpuTensor<"f32">,
    result: GpuTensor<"f32">,
    { rounds, scale, offset }: FmaOptions,
  ): void {
    const { length } = start;
    if (length % ELEMENTS_PER_THREAD !== 0 || length !== result.length) {
      throw new RangeError(
        `Cannot run fma as both tensors must have the same multiple of ${ELEMENTS_PER_THREAD} ` +
          `elements: current value is ${length} and ${result.length}`,
      );
    }
    checkLoopSteps("fma", rounds + 1, this.#ctx.adapter);
    const threads = length / ELEMENTS_PER_THREAD;
    this.#kernel.dispatch(encoder, {
      tensors: [start, result],
      params: { threads, rounds, scale, offset },
      grid: planGrid(Math.ceil(threads / this.#lanes), this.#ctx.limits),
    });
  }
}
