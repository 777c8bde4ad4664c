/** Products of matrices on the GPU, in single precision, of weights in single or half precision. */
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
import {
  chooseTile,
  type MatmulForm,
  type MatmulShape,
  type MatmulVariant,
  type Tile,
  tileCount,
} from "./types.ts";
import { matmulWgsl } from "./wgsl.ts";

export { matmul } from "./twin.ts";
export {
  chooseTile,
  LARGE_TILE,
  type MatmulForm,
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
    bindings: [
      "read",
      ...Array.from({ length: variant.products ?? 1 }, () => [
        ...(variant.bias ? ["read", "read"] as const : ["read"] as const),
        "readWrite" as const,
      ]).flat(),
    ],
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
  { transposed, bias, half = false, products = 1 }: MatmulForm,
  limits: Pick<GPUSupportedLimits, "maxComputeWorkgroupsPerDimension">,
  tile: Tile = chooseTile(shape, products),
): MatmulPlan {
  const { batch, m, n, k } = shape, tiles = tileCount(tile, shape);
  return {
    // Named in this order whatever the caller's: it is part of what shares a pipeline.
    spec: matmulSpec({ transposed, bias, vectors: k % 4 === 0, half, products }, tile),
    params: { m, n, k, tilesAcross: Math.ceil(n / tile.columns), tiles, batch },
    grid: planGrid(tiles * batch * products, limits),
  };
}

/** What a factor a is multiplied with, what is added, and where the result goes. */
export interface MatmulPart {
  b: GpuTensor<"f32" | "f16">;
  bias?: GpuTensor<"f32">;
  c: GpuTensor<"f32">;
}

/**
 * c = a · b (+ bias) of `batch` products, for one b or several; see the twin `matmul` for the shapes.
 *
 * A sum is made along K in order by fused multiply-adds in single precision.
 */
export class MatmulKernel {
  private constructor(readonly kernel: Kernel<typeof FIELDS>, readonly plan: MatmulPlan) {}

  /** @throws {GpuError} if the device refuses the tile */
  static async create(
    ctx: GpuContext,
    shape: MatmulShape,
    form: MatmulForm,
    tile?: Tile,
  ): Promise<MatmulKernel> {
    const plan = planMatmul(shape, form, ctx.limits, tile);
    return new MatmulKernel(await ctx.kernel(plan.spec), plan);
  }

  /** Encodes one dispatch. @throws {RangeError} if sizes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    { a, ...part }: { a: GpuTensor<"f32"> } & MatmulPart,
  ): void {
    this.encodeAll(encoder, a, [part]);
  }

  /** The same for as many b as the kernel was made for. */
  encodeAll(encoder: GPUCommandEncoder, a: GpuTensor<"f32">, parts: readonly MatmulPart[]): void {
    const { params, grid, spec } = this.plan, { batch, m, n, k } = params;
    checkLengths([[a, batch * m * k]]);
    const tensors: GpuTensor[] = [a];
    for (const { b, bias, c } of parts) {
      checkLengths([[b, batch * n * k], [c, batch * m * n]]);
      if (bias) checkLengths([[bias, n]]);
      tensors.push(b, ...(bias ? [bias] : []), c);
    }
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
