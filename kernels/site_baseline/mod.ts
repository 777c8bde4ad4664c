/** Site baseline: what random site sets receive in place of the sites, per head. */
import {
  checkLoopSteps,
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
} from "../../lib/gpu/mod.ts";
import source from "./site_baseline.wgsl" with { type: "text" };
import type { SiteBaseline } from "./types.ts";

export { type ExactNull, exactNull } from "./closed_form.ts";
export { SiteSampler, type SiteSetTensors } from "./sampler.ts";
export { drawSiteSets, validStarts } from "./site_sets.ts";
export { siteBaseline } from "./twin.ts";
export type { SiteBaseline, SiteSetMode, SiteSetOptions } from "./types.ts";

/** Inputs on the device. */
export interface SiteBaselineInputs {
  /** f32[G, L] */
  mass: GpuTensor<"f32">;
  /** u32[n] */
  sites: GpuTensor<"u32">;
  /** u32[n, trials], as a `SiteSampler` draws them */
  sets: GpuTensor<"u32">;
}

/** Outputs on the device; `readSiteBaseline` turns them into a `SiteBaseline`. */
export interface SiteBaselineTensors {
  /** f32[G, 3]: observed, mean, standard deviation */
  moments: GpuTensor<"f32">;
  /** u32[G] */
  atLeast: GpuTensor<"u32">;
  /** f32[G, trials], or [1] if the sums are not kept */
  sampled: GpuTensor<"f32">;
}

function validate({ mass, sites, sets }: SiteBaselineInputs) {
  const [heads, columns] = mass.shape, [setSize] = sites.shape, [, trials] = sets.shape;
  const isFit = mass.shape.length === 2 && sites.shape.length === 1 && sets.shape.length === 2 &&
    sets.shape[0] === setSize && Math.min(heads, columns, setSize, trials) > 0;
  if (!isFit) {
    const shapes = [mass, sites, sets].map(({ shape }) => `[${shape.join(", ")}]`).join(", ");
    throw new RangeError(
      `Cannot evaluate sites as mass, sites and sets must be [G, L], [n], [n, trials], ` +
        `none empty: current value is ${shapes}`,
    );
  }
  return { heads, columns, setSize, trials };
}

const FIELDS = {
  heads: "u32",
  columns: "u32",
  setSize: "u32",
  trials: "u32",
  keepSampled: "u32",
} as const;
const PARAMS = new ParamLayout(FIELDS);

/** The kernel's source, layout and constants for a workgroup size, and for inputs that fit it or not. */
export function siteBaselineSpec(lanes: number, fits = true): KernelSpec<typeof FIELDS> {
  return {
    label: "site_baseline",
    source,
    bindings: ["read", "read", "read", "readWrite", "readWrite", "readWrite"],
    params: PARAMS,
    constants: { lanes, fits: fits ? 1 : 0 },
  };
}

/** Columns and trials that a lane holds, so that it reads them once. */
const HELD_PER_LANE = 4;

/**
 * Compares the mass on the sites with the mass on random site sets, one workgroup per head.
 *
 * Sums and counts equal those of `siteBaseline` exactly (sums below 1e-38 apart, which a device may
 * flush to zero); mean and deviation are single precision. Column numbers are not checked on the
 * device: take sets from `SiteSampler`.
 */
export class SiteBaselineKernel {
  readonly #ctx: GpuContext;
  readonly #kernels: Record<"near" | "far", Kernel<typeof FIELDS>>;
  readonly #lanes: number;

  private constructor(
    ctx: GpuContext,
    kernels: Record<"near" | "far", Kernel<typeof FIELDS>>,
    lanes: number,
  ) {
    this.#ctx = ctx;
    this.#kernels = kernels;
    this.#lanes = lanes;
  }

  /** Builds the kernels. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 256 } = {}): Promise<SiteBaselineKernel> {
    const [near, far] = await Promise.all([
      ctx.kernel(siteBaselineSpec(lanes, true)),
      ctx.kernel(siteBaselineSpec(lanes, false)),
    ]);
    return new SiteBaselineKernel(ctx, { near, far }, lanes);
  }

  /** Makes the outputs. @throws {RangeError} if the inputs' shapes do not fit each other */
  alloc(inputs: SiteBaselineInputs, { keepSampled = false } = {}): SiteBaselineTensors {
    const { heads, trials } = validate(inputs);
    return {
      moments: this.#ctx.alloc("site moments", [heads, 3], "f32"),
      atLeast: this.#ctx.alloc("site at_least", [heads], "u32"),
      sampled: this.#ctx.alloc("site sampled", keepSampled ? [heads, trials] : [1], "f32"),
    };
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    inputs: SiteBaselineInputs,
    { moments, atLeast, sampled }: SiteBaselineTensors,
  ): void {
    const extents = validate(inputs);
    if (moments.shape[0] !== extents.heads || atLeast.length !== extents.heads) {
      throw new RangeError(
        `Cannot evaluate sites as the outputs must have ${extents.heads} heads: ` +
          `current value is ${moments.shape[0]}`,
      );
    }
    const { columns, setSize, trials } = extents, held = HELD_PER_LANE * this.#lanes;
    // Two passes over a lane's trials, four at a time, two places at a time; the sites; the totals.
    const turns = Math.ceil(trials / held);
    const steps = 2 * (turns + 1) * (Math.ceil(setSize / 2) + 3) + setSize + this.#lanes + 64;
    checkLoopSteps("site_baseline", steps, this.#ctx.adapter);
    const kernel = this.#kernels[Math.max(columns, trials) <= held ? "near" : "far"];
    kernel.dispatch(encoder, {
      tensors: [inputs.mass, inputs.sites, inputs.sets, moments, atLeast, sampled],
      params: { ...extents, keepSampled: isKept(sampled) ? 1 : 0 },
      grid: planGrid(extents.heads, this.#ctx.limits),
    });
  }
}

function isKept({ shape }: GpuTensor): boolean {
  return shape.length === 2;
}

/** Reads the outputs back with one wait. */
export async function readSiteBaseline(
  ctx: GpuContext,
  { moments, atLeast, sampled }: SiteBaselineTensors,
): Promise<SiteBaseline> {
  const [triples, counts, sums] = await ctx.readAll([moments, atLeast, sampled]);
  const column = (k: number) => Float64Array.from(counts, (_, head) => triples[3 * head + k]);
  return {
    observed: new Float32Array(column(0)),
    mean: column(1),
    sd: column(2),
    atLeast: counts,
    ...(isKept(sampled) && { sampled: sums }),
  };
}
