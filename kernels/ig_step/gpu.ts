/** Integrated gradients over latents on the GPU, see the twin for what is computed and why. */
import {
  checkLoopSteps,
  checkShapes,
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import { LANE_SUM_WGSL } from "../../lib/gpu/lane_sum.ts";
import accumulateSource from "./ig_accumulate.wgsl" with { type: "text" };
import attributeSource from "./ig_attribute.wgsl" with { type: "text" };
import errorSource from "./ig_error.wgsl" with { type: "text" };
import interpolateSource from "./ig_interpolate.wgsl" with { type: "text" };

const PATH_FIELDS = { steps: "u32", size: "u32" } as const;
const NODE_FIELDS = { tokens: "u32", entries: "u32", dModel: "u32" } as const;
const PATH = new ParamLayout(PATH_FIELDS), NODE = new ParamLayout(NODE_FIELDS);

/** Threads of a workgroup: of elementwise steps, and those that share a product. */
export interface IgLanes {
  /** Threads of the steps along the path. */
  path: number;
  /** Threads of the steps that sum up. */
  node: number;
}

interface Kernels {
  interpolate: Kernel<typeof PATH_FIELDS>;
  accumulate: Kernel<typeof PATH_FIELDS>;
  attribute: Kernel<typeof NODE_FIELDS>;
  error: Kernel<typeof NODE_FIELDS>;
}
type Specs = { [K in keyof Kernels]: Kernels[K]["spec"] };

/** Latents of the two ends of a path on the device, see `LatentPairs`. */
export interface PairTensors {
  /** u32[N, K] */
  indices: GpuTensor<"u32">;
  /** f32[N, K] */
  base: GpuTensor<"f32">;
  /** f32[N, K] */
  input: GpuTensor<"f32">;
}

/** Sources, layouts and constants. */
export function igStepSpecs({ path, node }: IgLanes): Specs {
  const spec = <P extends typeof PATH_FIELDS | typeof NODE_FIELDS>(
    label: string,
    source: string,
    inputs: number,
    params: ParamLayout<P>,
    lanes: number,
  ): KernelSpec<P> => ({
    label,
    source,
    bindings: [...new Array<"read">(inputs).fill("read"), "readWrite"],
    params,
    constants: { lanes },
  });
  return {
    interpolate: spec("ig_interpolate", interpolateSource, 3, PATH, path),
    accumulate: spec("ig_accumulate", accumulateSource, 2, PATH, path),
    attribute: spec("ig_attribute", attributeSource + LANE_SUM_WGSL, 6, NODE, node),
    error: spec("ig_error", errorSource + LANE_SUM_WGSL, 3, NODE, node),
  };
}

/** Steps along a path, the gradients they gave, and what those say of latents and errors. */
export class IgStep {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly kernels: Kernels,
    private readonly lanes: IgLanes,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses the workgroups */
  static async create(
    ctx: GpuContext,
    { path = 256, node = 64 }: Partial<IgLanes> = {},
  ): Promise<IgStep> {
    const lanes = { path, node }, specs = igStepSpecs(lanes);
    return new IgStep(ctx, {
      interpolate: await ctx.kernel(specs.interpolate),
      accumulate: await ctx.kernel(specs.accumulate),
      attribute: await ctx.kernel(specs.attribute),
      error: await ctx.kernel(specs.error),
    }, lanes);
  }

  /**
   * Residual streams along the path, see `interpolateStreams`.
   *
   * @param alphas f32[S] @param base f32[N, D] @param input f32[N, D] @param hidden f32[S, N, D]
   * @throws {RangeError} if shapes do not fit
   */
  interpolate(
    encoder: GPUCommandEncoder,
    alphas: GpuTensor<"f32">,
    base: GpuTensor<"f32">,
    input: GpuTensor<"f32">,
    hidden: GpuTensor<"f32">,
  ): void {
    const [steps] = alphas.shape;
    checkShapes("integrate gradients", [[base, input.shape], [hidden, [steps, ...input.shape]]]);
    this.#path(this.kernels.interpolate, encoder, [alphas, base, input, hidden], steps, input);
  }

  /**
   * Adds the weighted gradients of some steps, see `accumulateGradients`.
   *
   * @param weights f32[S] @param gradients f32[S, N, D] @param sum f32[N, D]; new tensors are zero
   * @throws {RangeError} if shapes do not fit
   */
  accumulate(
    encoder: GPUCommandEncoder,
    weights: GpuTensor<"f32">,
    gradients: GpuTensor<"f32">,
    sum: GpuTensor<"f32">,
  ): void {
    const [steps] = weights.shape;
    checkShapes("integrate gradients", [[gradients, [steps, ...sum.shape]]]);
    this.#path(this.kernels.accumulate, encoder, [weights, gradients, sum], steps, sum);
  }

  /**
   * Attribution of latents, see `attributeLatents`.
   *
   * @param gradient f32[N, D] @param wDec f32[F, D] @param std f32[N] @param attribution f32[N, K]
   * @throws {RangeError} if shapes do not fit
   */
  attribute(
    encoder: GPUCommandEncoder,
    gradient: GpuTensor<"f32">,
    { indices, base, input }: PairTensors,
    wDec: GpuTensor<"f32">,
    std: GpuTensor<"f32">,
    attribution: GpuTensor<"f32">,
  ): void {
    const [tokens, dModel] = gradient.shape, [, entries] = indices.shape;
    checkShapes("integrate gradients", [
      [indices, [tokens, entries]],
      [base, [tokens, entries]],
      [input, [tokens, entries]],
      [wDec, [wDec.shape[0], dModel]],
      [std, [tokens]],
      [attribution, [tokens, entries]],
    ]);
    this.kernels.attribute.dispatch(encoder, {
      tensors: [gradient, indices, base, input, wDec, std, attribution],
      params: { tokens, entries, dModel },
      grid: planGrid(tokens * entries, this.ctx.limits),
    });
  }

  /**
   * Attribution of the reconstruction errors, see `attributeErrors`.
   *
   * @param gradient f32[N, D] @param base f32[N, D] @param input f32[N, D] @param attribution f32[N]
   * @throws {RangeError} if shapes do not fit
   */
  attributeErrors(
    encoder: GPUCommandEncoder,
    gradient: GpuTensor<"f32">,
    base: GpuTensor<"f32">,
    input: GpuTensor<"f32">,
    attribution: GpuTensor<"f32">,
  ): void {
    const [tokens, dModel] = gradient.shape;
    checkShapes("integrate gradients", [[base, [tokens, dModel]], [input, [tokens, dModel]], [
      attribution,
      [tokens],
    ]]);
    this.kernels.error.dispatch(encoder, {
      tensors: [gradient, base, input, attribution],
      params: { tokens, entries: 1, dModel },
      grid: planGrid(tokens, this.ctx.limits),
    });
  }

  #path(
    kernel: Kernel<typeof PATH_FIELDS>,
    encoder: GPUCommandEncoder,
    tensors: readonly GpuTensor[],
    steps: number,
    { length }: GpuTensor,
  ): void {
    checkLoopSteps(kernel.spec.label, steps + 1, this.ctx.adapter);
    kernel.dispatch(encoder, {
      tensors,
      params: { steps, size: length },
      grid: planGrid(Math.ceil(length / this.lanes.path), this.ctx.limits),
    });
  }
}
