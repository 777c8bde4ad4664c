/** Rows of each item of a matrix made one: weighted mean or largest value. */
import { type GpuContext, type GpuTensor, type KernelOf, KernelTable } from "../../lib/gpu/mod.ts";
import source from "./pool_rows.wgsl" with { type: "text" };
import type { RowPool } from "./types.ts";

export { poolRows } from "./twin.ts";
export type { RowPool, RowRange } from "./types.ts";

/** Threads of a workgroup, each with a column. */
const LANES = 64;

/** The kernel, with an entry point for each pool. */
export const POOL_ROWS = new KernelTable({
  label: "pool_rows",
  action: "pool rows",
  source,
  bindings: {
    state: ["read", "f32", "N D"],
    weights: ["read", "f32", "N"],
    ranges: ["read", "u32", "B 2"],
    pooled: ["readWrite", "f32", "B D"],
  },
  params: { batch: "B", dModel: "D" },
});

/**
 * Pools the rows of each item of a matrix that stays on the device.
 *
 * state    f32[N, D]  may be borrowed from onnxruntime
 * weights  f32[N]     of `mean`; not all zero in a range
 * ranges   u32[B, 2]  rows begin to end (exclusive) of each item, at least one
 * pooled   f32[B, D]  summed in single precision, in an order that depends on the item's rows alone
 */
export class PoolRows {
  private constructor(
    private readonly kernels: Readonly<Record<RowPool, KernelOf<typeof POOL_ROWS>>>,
  ) {}

  /** Builds the kernel. @throws {GpuError} if the device refuses it */
  static async create(ctx: GpuContext): Promise<PoolRows> {
    const [mean, largest] = await Promise.all(
      (["mean", "largest"] as const).map((pool) => POOL_ROWS.build(ctx, { lanes: LANES }, pool)),
    );
    return new PoolRows({ mean, largest });
  }

  /** Makes the output; whoever called frees it. */
  alloc(state: GpuTensor<"f32">, ranges: GpuTensor<"u32">): GpuTensor<"f32"> {
    return POOL_ROWS.alloc(this.kernels.mean.ctx, "pooled", POOL_ROWS.extents({ state, ranges }));
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    tensors: {
      state: GpuTensor<"f32">;
      weights: GpuTensor<"f32">;
      ranges: GpuTensor<"u32">;
      pooled: GpuTensor<"f32">;
    },
    pool: RowPool,
  ): void {
    const groups = ({ B, D }: Readonly<Record<string, number>>) => B * Math.ceil(D / LANES);
    this.kernels[pool].encode(encoder, tensors, {}, groups);
  }
}
