/** Attention column mass on the GPU: one pass over an attention tensor that stays where it is. */
import { type GpuContext, type GpuTensor, type KernelOf, KernelTable } from "../../lib/gpu/mod.ts";
import source from "./attention_column_mass.wgsl" with { type: "text" };
import { validateTheta } from "./types.ts";

export type { ColumnMass, Pattern, PatternShape } from "./types.ts";
export { columnMass } from "./twin.ts";

/** Threads of a workgroup: neighbouring columns times lanes that share their rows. */
export interface ColumnMassTile {
  /** Columns of a workgroup. */
  columns: number;
  /** Threads that share a column. */
  rowLanes: number;
}

/** Outputs on the device, see `ColumnMass`. */
export interface ColumnMassTensors {
  /** f32[B, H, T] */
  mass: GpuTensor<"f32">;
  /** u32[B, H, T] */
  count: GpuTensor<"u32">;
}

/** The kernel. */
export const COLUMN_MASS = new KernelTable({
  label: "attention_column_mass",
  action: "sum attention",
  source,
  bindings: {
    pattern: ["read", "f32", "B H T T"],
    rowRanges: ["read", "u32", "B 2"],
    mass: ["readWrite", "f32", "B H T"],
    count: ["readWrite", "u32", "B H T"],
  },
  params: { batch: "B", heads: "H", tokens: "T", theta: "f32" },
});
/**
 * Sums the attention above θ that every column receives, and counts the rows.
 *
 * pattern  f32[B, H, T, T]  non-negative; row = query; may be borrowed from onnxruntime
 * rows     u32[B, 2]        rows begin..end-1 of each item count; an end past T is cut to T
 * mass     f32[B, H, T]     summed in single precision, in an order that never changes
 * count    u32[B, H, T]
 *
 * An entry counts if it is strictly above θ, which is rounded to single precision first.
 */
export class AttentionColumnMass {
  private constructor(
    private readonly kernel: KernelOf<typeof COLUMN_MASS>,
    private readonly tile: ColumnMassTile,
  ) {}

  /** Builds the kernel. @throws {GpuError} if the device refuses the tile */
  static async create(
    ctx: GpuContext,
    { columns = 32, rowLanes = 8 }: Partial<ColumnMassTile> = {},
  ): Promise<AttentionColumnMass> {
    const kernel = await COLUMN_MASS.build(ctx, { columns, row_lanes: rowLanes });
    return new AttentionColumnMass(kernel, { columns, rowLanes });
  }

  /** Makes the outputs for an attention tensor. @throws {RangeError} if it is not [B, H, T, T] */
  alloc(pattern: GpuTensor<"f32">): ColumnMassTensors {
    const { kernel: { ctx } } = this, extents = COLUMN_MASS.extents({ pattern });
    return {
      mass: COLUMN_MASS.alloc(ctx, "mass", extents),
      count: COLUMN_MASS.alloc(ctx, "count", extents),
    };
  }

  /**
   * Encodes one dispatch into the caller's step.
   *
   * @throws {RangeError} if θ is negative or shapes do not fit
   */
  encode(
    encoder: GPUCommandEncoder,
    pattern: GpuTensor<"f32">,
    rowRanges: GpuTensor<"u32">,
    { mass, count }: ColumnMassTensors,
    { theta }: { theta: number },
  ): void {
    validateTheta(theta);
    this.kernel.encode(
      encoder,
      { pattern, rowRanges, mass, count },
      { theta },
      ({ B, H, T }) => B * H * Math.ceil(T / this.tile.columns),
    );
  }
}
