/** Integrated gradients over latents on the GPU, see the twin for what is computed and why. */
import { checkLoopSteps, type GpuContext, type GpuTensor, KernelTable } from "../../lib/gpu/mod.ts";
import { LANE_SUM_WGSL } from "../../lib/gpu/lane_sum.ts";
import accumulateSource from "./ig_accumulate.wgsl" with { type: "text" };
import attributeSource from "./ig_attribute.wgsl" with { type: "text" };
import errorSource from "./ig_error.wgsl" with { type: "text" };
import interpolateSource from "./ig_interpolate.wgsl" with { type: "text" };

/** Threads of a workgroup: of elementwise steps, and those that share a product. */
export interface IgLanes {
  /** Threads of the steps along the path. */
  path: number;
  /** Threads of the steps that sum up. */
  node: number;
}

/** Latents of the two ends of a path on the device, see `LatentPairs`. */
export interface PairTensors {
  /** u32[N, K] */
  indices: GpuTensor<"u32">;
  /** f32[N, K] */
  base: GpuTensor<"f32">;
  /** f32[N, K] */
  input: GpuTensor<"f32">;
}

const PATH = { steps: "S", size: "u32" } as const;
const NODE = { tokens: "N", entries: "K", dModel: "D" } as const;
const action = "integrate gradients", state = ["read", "f32", "N D"] as const;

/** The four steps. */
export const IG = {
  interpolate: new KernelTable({
    ...{ label: "ig_interpolate", action, source: interpolateSource, params: PATH },
    bindings: {
      alphas: ["read", "f32", "S"],
      ...{ base: state, input: state },
      hidden: ["readWrite", "f32", "S N D"],
    },
  }),
  accumulate: new KernelTable({
    ...{ label: "ig_accumulate", action, source: accumulateSource, params: PATH },
    bindings: {
      weights: ["read", "f32", "S"],
      gradients: ["read", "f32", "S N D"],
      sum: ["readWrite", "f32", "N D"],
    },
  }),
  attribute: new KernelTable({
    ...{ label: "ig_attribute", action, source: attributeSource + LANE_SUM_WGSL, params: NODE },
    bindings: {
      gradient: state,
      latents: ["read", "u32", "N K"],
      base: ["read", "f32", "N K"],
      input: ["read", "f32", "N K"],
      wDec: ["read", "f32", "F D"],
      tokenStd: ["read", "f32", "N"],
      attribution: ["readWrite", "f32", "N K"],
    },
  }),
  error: new KernelTable({
    ...{ label: "ig_error", action, source: errorSource + LANE_SUM_WGSL },
    params: { tokens: "N", dModel: "D" },
    bindings: {
      ...{ gradient: state, base: state, input: state },
      attribution: ["readWrite", "f32", "N"],
    },
  }),
};

async function buildSteps(ctx: GpuContext, { path, node }: IgLanes) {
  return {
    interpolate: await IG.interpolate.build(ctx, { lanes: path }),
    accumulate: await IG.accumulate.build(ctx, { lanes: path }),
    attribute: await IG.attribute.build(ctx, { lanes: node }),
    error: await IG.error.build(ctx, { lanes: node }),
  };
}

/** Steps along a path, the gradients they gave, and what those say of latents and errors. */
export class IgStep {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly steps: Awaited<ReturnType<typeof buildSteps>>,
    private readonly lanes: IgLanes,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses the workgroups */
  static async create(
    ctx: GpuContext,
    { path = 256, node = 64 }: Partial<IgLanes> = {},
  ): Promise<IgStep> {
    const lanes = { path, node };
    return new IgStep(ctx, await buildSteps(ctx, lanes), lanes);
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
    const tensors = { alphas, base, input, hidden }, size = input.length;
    checkLoopSteps("ig_interpolate", alphas.length + 1, this.ctx.adapter);
    this.steps.interpolate.encode(encoder, tensors, { size }, () => this.#groups(size));
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
    const tensors = { weights, gradients, sum }, size = sum.length;
    checkLoopSteps("ig_accumulate", weights.length + 1, this.ctx.adapter);
    this.steps.accumulate.encode(encoder, tensors, { size }, () => this.#groups(size));
  }

  /**
   * Attribution of latents, see `attributeLatents`.
   *
   * @param gradient f32[N, D] @param wDec f32[F, D] @param tokenStd f32[N] @param attribution f32[N, K]
   * @throws {RangeError} if shapes do not fit
   */
  attribute(
    encoder: GPUCommandEncoder,
    gradient: GpuTensor<"f32">,
    { indices: latents, base, input }: PairTensors,
    wDec: GpuTensor<"f32">,
    tokenStd: GpuTensor<"f32">,
    attribution: GpuTensor<"f32">,
  ): void {
    const tensors = { gradient, latents, base, input, wDec, tokenStd, attribution };
    this.steps.attribute.encode(encoder, tensors, {}, ({ N, K }) => N * K);
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
    const tensors = { gradient, base, input, attribution };
    this.steps.error.encode(encoder, tensors, {}, ({ N }) => N);
  }

  #groups(size: number): number {
    return Math.ceil(size / this.lanes.path);
  }
}
