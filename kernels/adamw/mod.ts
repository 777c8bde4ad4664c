/** AdamW for many tensors at once: the gradient's length, clipping, the step, sums and running means. */
import { checkLoopSteps, type GpuContext, type GpuTensor, KernelTable } from "../../lib/gpu/mod.ts";
import { LANE_SUM_WGSL } from "../../lib/gpu/lane_sum.ts";
import addSource from "./adamw_add.wgsl" with { type: "text" };
import averageSource from "./adamw_average.wgsl" with { type: "text" };
import clipSource from "./adamw_clip.wgsl" with { type: "text" };
import normSource from "./adamw_norm.wgsl" with { type: "text" };
import stepSource from "./adamw_step.wgsl" with { type: "text" };
import { type AdamNumbers, BLOCK, CLIP_EPSILON } from "./types.ts";

export { adamwStep, addOnto, averageStep, clipFactor, squareSum } from "./twin.ts";
export {
  type AdamNumbers,
  adamNumbers,
  type AdamSettings,
  type AdamStep,
  BLOCK,
  CLIP_EPSILON,
  DECAYS,
  type Floats,
  MOVES,
} from "./types.ts";

const action = "move weights", LANES = 256;

/** Workgroups that share the squares of a dispatch. */
const NORM_GROUPS = 256;

/** The largest finite number of single precision: no limit. */
const NO_LIMIT = 3.4028234663852886e38;

/** The five steps. */
export const ADAMW = {
  norm: new KernelTable({
    ...{ label: "adamw_norm", action, source: normSource + LANE_SUM_WGSL },
    bindings: { gradients: ["read", "f32", "P"], partials: ["readWrite", "f32", "G"] },
    params: { vectors: "u32", groups: "u32", first: "u32" },
  }),
  clip: new KernelTable({
    ...{ label: "adamw_clip", action, source: clipSource + LANE_SUM_WGSL },
    bindings: { partials: ["read", "f32", "G"], clip: ["readWrite", "f32", "2"] },
    params: { count: "G", limit: "f32", epsilon: "f32" },
  }),
  step: new KernelTable({
    ...{ label: "adamw_step", action, source: stepSource },
    bindings: {
      gradients: ["read", "f32", "P"],
      flags: ["read", "u32", "K"],
      clip: ["read", "f32", "2"],
      weights: ["readWrite", "f32", "P"],
      first: ["readWrite", "f32", "P"],
      second: ["readWrite", "f32", "P"],
    },
    params: {
      ...{ blocks: "K", size: "f32", correction: "f32", firstShare: "f32", secondShare: "f32" },
      ...{ epsilon: "f32", kept: "f32" },
    },
  }),
  add: new KernelTable({
    ...{ label: "adamw_add", action, source: addSource },
    bindings: { values: ["read", "f32", "S"], sum: ["readWrite", "f32", "P"] },
    params: { vectors: "u32", begin: "u32", first: "u32" },
  }),
  average: new KernelTable({
    ...{ label: "adamw_average", action, source: averageSource },
    bindings: { values: ["read", "f32", "P"], mean: ["readWrite", "f32", "P"] },
    params: { vectors: "u32", share: "f32" },
  }),
};

async function buildSteps(ctx: GpuContext) {
  const [norm, clip, step, add, average] = await Promise.all([
    ADAMW.norm.build(ctx, { lanes: LANES }),
    ADAMW.clip.build(ctx, { lanes: LANES }),
    ADAMW.step.build(ctx),
    ADAMW.add.build(ctx, { lanes: LANES }),
    ADAMW.average.build(ctx, { lanes: LANES }),
  ]);
  return { norm, clip, step, add, average };
}

/** What is moved, with what it is moved by: tensors in blocks of {@linkcode BLOCK} elements. */
export interface AdamwTensors {
  /** f32[P] */
  readonly gradients: GpuTensor<"f32">;
  /** u32[P ÷ 256], {@linkcode MOVES} and {@linkcode DECAYS} of each block */
  readonly flags: GpuTensor<"u32">;
  /** f32[2] of {@linkcode AdamW.clip} */
  readonly clip: GpuTensor<"f32">;
  /** f32[P] */
  readonly weights: GpuTensor<"f32">;
  /** f32[P] */
  readonly first: GpuTensor<"f32">;
  /** f32[P] */
  readonly second: GpuTensor<"f32">;
}

/**
 * Steps of AdamW on tensors that stay on the device; see the twin for what is computed.
 *
 * Padding between tensors is zero, in gradients and weights, and stays so.
 */
export class AdamW {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly steps: Awaited<ReturnType<typeof buildSteps>>,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses one */
  static async create(ctx: GpuContext): Promise<AdamW> {
    return new AdamW(ctx, await buildSteps(ctx));
  }

  /** Partial sums of a gradient of so many elements. */
  partialsOf(elements: number): number {
    return Math.min(NORM_GROUPS, Math.max(1, Math.ceil(elements / (4 * LANES))));
  }

  /** Sums of squares, `partialsOf` its elements, from place `first` of `partials` f32[G] on. */
  norm(
    encoder: GPUCommandEncoder,
    gradients: GpuTensor<"f32">,
    partials: GpuTensor<"f32">,
    first: number,
  ): void {
    const vectors = vectorsOf(gradients), groups = this.partialsOf(gradients.length);
    checkLoopSteps("adamw_norm", Math.ceil(vectors / (groups * LANES)) + 1, this.ctx.adapter);
    const given = { vectors, groups, first };
    this.steps.norm.encode(encoder, { gradients, partials }, given, () => groups);
  }

  /** The length of all that the partial sums f32[G] are of, and what it is clipped by, to f32[2]. */
  clip(
    encoder: GPUCommandEncoder,
    partials: GpuTensor<"f32">,
    clip: GpuTensor<"f32">,
    limit = Infinity,
  ): void {
    const given = { limit: Math.min(limit, NO_LIMIT), epsilon: CLIP_EPSILON };
    this.steps.clip.encode(encoder, { partials, clip }, given, () => 1);
  }

  /** Moves weights. @throws {RangeError} if shapes do not fit */
  step(encoder: GPUCommandEncoder, tensors: AdamwTensors, numbers: AdamNumbers): void {
    const { gradients, flags } = tensors;
    if (gradients.length !== flags.length * BLOCK) {
      throw new RangeError(
        `Cannot move weights as "${gradients.label}" must have ${BLOCK} elements for each of ` +
          `${flags.length} flags: current value is ${gradients.length}`,
      );
    }
    this.steps.step.encode(encoder, tensors, numbers, ({ K }) => K);
  }

  /**
   * Adds `count` values f32[S] from `begin` on onto the elements from `first` on of a sum f32[P], all three
   * multiples of 4.
   */
  add(
    encoder: GPUCommandEncoder,
    values: GpuTensor<"f32">,
    sum: GpuTensor<"f32">,
    first: number,
    { begin = 0, count = values.length }: { begin?: number; count?: number } = {},
  ): void {
    const isWhole = [first, begin, count].every((number) => number % 4 === 0);
    if (!isWhole || begin + count > values.length || first + count > sum.length) {
      throw new RangeError(
        `Cannot move weights as what is added must be whole vectors of four within ` +
          `${values.length} and ${sum.length} elements: ` +
          `current values are ${count} from ${begin} on, onto ${first}`,
      );
    }
    const given = { vectors: count / 4, begin: begin / 4, first: first / 4 };
    this.steps.add.encode(encoder, { values, sum }, given, () => groupsOf(count / 4));
  }

  /** Brings running means f32[P] nearer to values f32[P] by a share. */
  average(
    encoder: GPUCommandEncoder,
    values: GpuTensor<"f32">,
    mean: GpuTensor<"f32">,
    share: number,
  ): void {
    const vectors = vectorsOf(values);
    this.steps.average.encode(
      encoder,
      { values, mean },
      { vectors, share },
      () => groupsOf(vectors),
    );
  }
}

const groupsOf = (vectors: number) => Math.ceil(vectors / LANES);

/** @throws {RangeError} unless these are whole vectors of four */
function vectorsOf({ label, length }: GpuTensor): number {
  if (length % 4 === 0) return length / 4;
  throw new RangeError(
    `Cannot move weights as "${label}" must have a multiple of 4 elements: ` +
      `current value is ${length}`,
  );
}
