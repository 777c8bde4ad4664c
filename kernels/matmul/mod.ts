/** Products of matrices on the GPU, in single precision. */
import {
  type GpuContext,
  type GpuTensor,
  type Grid,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  type ParamValues,
  planGrid,
} from "../../lib/gpu/mod.ts";
import { chooseTile, type MatmulShape, type MatmulVariant, type Tile, tileCount } from "./types.ts";
import { matmulWgsl } from "./wgsl.ts";

export { matmul } from "./twin.ts";
export {
  chooseTile,
  LARGE_TILE,
  type MatmulShape,
  type MatmulVariant,
  SMALL_TILE,
  type Tile,
} from "./types.ts";

const FIELDS = {
  m: "u32",
  n: "u32",
  k: "u32",
  tilesAcross: "u32",
  tiles: "u32",
  batch: "u32",
} as const;
const PARAMS = new ParamLayout(FIELDS);

/** The kernel's source and layout for one variant and tile. */
export function matmulSpec(variant: MatmulVariant, tile: Tile): KernelSpec<typeof FIELDS> {
  return {
    label: "matmul",
    source: matmulWgsl(variant, tile),
    bindings: variant.bias ? ["read", "read", "read", "readWrite"] : ["read", "read", "readWrite"],
    params: PARAMS,
  };
}

/** How a product is dispatched. */
export interface MatmulPlan {
  spec: KernelSpec<typeof FIELDS>;
  params: ParamValues<typeof FIELDS>;
  grid: Grid;
}

/**
 * Plans c = a · b (+ bias).
 *
 * @param tile for tests and benchmarks; by default the one that fills the device
 * @throws {RangeError} if the grid is too large for the device
 */
export function planMatmul(
  shape: MatmulShape,
  form: Pick<MatmulVariant, "transposed" | "bias">,
  limits: Pick<GPUSupportedLimits, "maxComputeWorkgroupsPerDimension">,
  tile: Tile = chooseTile(shape),
): MatmulPlan {
  const { batch, m, n, k } = shape, tiles = tileCount(tile, shape);
  return {
    spec: matmulSpec({ ...form, vectors: k % 4 === 0 }, tile),
    params: { m, n, k, tilesAcross: Math.ceil(n / tile.columns), tiles, batch },
    grid: planGrid(tiles * batch, limits),
  };
}

/**
 * c = a · b (+ bias) of `batch` products; see the twin `matmul` for the shapes.
 *
 * A sum is made along K in order by fused multiply-adds in single precision.
 */
export class MatmulKernel {
  private constructor(readonly kernel: Kernel<typeof FIELDS>, readonly plan: MatmulPlan) {}

  /** @throws {GpuError} if the device refuses the tile */
  static async create(
    ctx: GpuContext,
    shape: MatmulShape,
    form: Pick<MatmulVariant, "transposed" | "bias">,
    tile?: Tile,
  ): Promise<MatmulKernel> {
    const plan = planMatmul(shape, form, ctx.limits, tile);
    return new MatmulKernel(await ctx.kernel(plan.spec), plan);
  }

  /** Encodes one dispatch. @throws {RangeError} if sizes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    { a, b, bias, c }: Record<"a" | "b" | "c", GpuTensor<"f32">> & { bias?: GpuTensor<"f32"> },
  ): void {
    const { params, grid, spec } = this.plan, { batch, m, n, k } = params;
    checkLengths([[a, batch * m * k], [b, batch * n * k], [c, batch * m * n]]);
    if (bias) checkLengths([[bias, n]]);
    const tensors = bias ? [a, b, bias, c] : [a, b, c];
    this.kernel.dispatch(encoder, { label: spec.label, tensors, params, grid });
  }
}

function checkLengths(expected: readonly (readonly [GpuTensor, number])[]): void {
  for (const [{ label, length }, count] of expected) {
    if (length === count) continue;
    throw new RangeError(
      `Cannot multiply as "${label}" must have ${count} elements: current value is ${length}`,
    );
  }
}
