/** Attention column mass on the GPU: one pass over an attention tensor that stays where it is. */
import {
  checkShapes,
  type GpuContext,
  type GpuTensor,
  type Grid,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import source from "./attention_column_mass.wgsl" with { type: "text" };
import { type PatternShape, validateTheta } from "./types.ts";

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

function patternShape({ label, shape }: GpuTensor): PatternShape {
  const [batch, heads, tokens, keys] = shape;
  if (shape.length !== 4 || tokens !== keys) {
    throw new RangeError(
      `Cannot sum attention as "${label}" must be [B, H, T, T]: current value is [${
        shape.join(", ")
      }]`,
    );
  }
  return { batch, heads, tokens };
}

function validate(
  { batch, heads, tokens }: PatternShape,
  rows: GpuTensor,
  { mass, count }: ColumnMassTensors,
): void {
  checkShapes("sum attention", [
    [rows, [batch, 2]],
    [mass, [batch, heads, tokens]],
    [count, [batch, heads, tokens]],
  ]);
}

const FIELDS = { batch: "u32", heads: "u32", tokens: "u32", theta: "f32" } as const;
const PARAMS = new ParamLayout(FIELDS);

/** The kernel's source, layout and constants for a tile. */
export function columnMassSpec({ columns, rowLanes }: ColumnMassTile): KernelSpec<typeof FIELDS> {
  return {
    label: "attention_column_mass",
    source,
    bindings: ["read", "read", "readWrite", "readWrite"],
    params: PARAMS,
    constants: { columns, row_lanes: rowLanes },
  };
}

function plan(
  { batch, heads, tokens }: PatternShape,
  { columns }: ColumnMassTile,
  limits: GPUSupportedLimits,
): Grid {
  return planGrid(batch * heads * Math.ceil(tokens / columns), limits);
}

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
  readonly #ctx: GpuContext;
  readonly #kernel: Kernel<typeof FIELDS>;
  readonly #tile: ColumnMassTile;

  private constructor(ctx: GpuContext, kernel: Kernel<typeof FIELDS>, tile: ColumnMassTile) {
    this.#ctx = ctx;
    this.#kernel = kernel;
    this.#tile = tile;
  }

  /** Builds the kernel. @throws {GpuError} if the device refuses the tile */
  static async create(
    ctx: GpuContext,
    { columns = 32, rowLanes = 8 }: Partial<ColumnMassTile> = {},
  ): Promise<AttentionColumnMass> {
    const tile = { columns, rowLanes };
    return new AttentionColumnMass(ctx, await ctx.kernel(columnMassSpec(tile)), tile);
  }

  /** Makes the outputs for an attention tensor. @throws {RangeError} if it is not [B, H, T, T] */
  alloc(pattern: GpuTensor<"f32">): ColumnMassTensors {
    const { batch, heads, tokens } = patternShape(pattern);
    return {
      mass: this.#ctx.alloc("mass", [batch, heads, tokens], "f32"),
      count: this.#ctx.alloc("count", [batch, heads, tokens], "u32"),
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
    rows: GpuTensor<"u32">,
    outputs: ColumnMassTensors,
    { theta }: { theta: number },
  ): void {
    const shape = patternShape(pattern);
    validate(shape, rows, outputs);
    validateTheta(theta);
    this.#kernel.dispatch(encoder, {
      tensors: [pattern, rows, outputs.mass, outputs.count],
      params: { ...shape, theta },
      grid: plan(shape, this.#tile, this.#ctx.limits),
    });
  }
}
