/** Site baseline: what random site sets receive in place of the sites, per head. */
import {
  checkLoopSteps,
  type GpuContext,
  type GpuTensor,
  type KernelOf,
  KernelTable,
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

/** The kernel; its constant `fits` says whether a lane holds its columns and trials. */
export const SITE_BASELINE = new KernelTable({
  label: "site_baseline",
  action: "evaluate sites",
  source,
  bindings: {
    mass: ["read", "f32", "G L"],
    sites: ["read", "u32", "n"],
    sets: ["read", "u32", "n trials"],
    moments: ["readWrite", "f32", "G 3"],
    atLeast: ["readWrite", "u32", "G"],
    sampled: ["readWrite", "f32", "*"],
  },
  params: { heads: "G", columns: "L", setSize: "n", trials: "trials", keepSampled: "u32" },
});
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
  private constructor(
    private readonly ctx: GpuContext,
    private readonly kernels: Record<"near" | "far", KernelOf<typeof SITE_BASELINE>>,
    private readonly lanes: number,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 256 } = {}): Promise<SiteBaselineKernel> {
    const [near, far] = await Promise.all(
      [1, 0].map((fits) => SITE_BASELINE.build(ctx, { lanes, fits })),
    );
    return new SiteBaselineKernel(ctx, { near, far }, lanes);
  }

  /** Makes the outputs. @throws {RangeError} if the inputs' shapes do not fit each other */
  alloc(inputs: SiteBaselineInputs, { keepSampled = false } = {}): SiteBaselineTensors {
    const { heads, trials } = validate(inputs);
    return {
      moments: this.ctx.alloc("site moments", [heads, 3], "f32"),
      atLeast: this.ctx.alloc("site at_least", [heads], "u32"),
      sampled: this.ctx.alloc("site sampled", keepSampled ? [heads, trials] : [1], "f32"),
    };
  }

  /** Encodes one dispatch into the caller's step. @throws {RangeError} if shapes do not fit */
  encode(
    encoder: GPUCommandEncoder,
    inputs: SiteBaselineInputs,
    { moments, atLeast, sampled }: SiteBaselineTensors,
  ): void {
    const { columns, setSize, trials } = validate(inputs), held = HELD_PER_LANE * this.lanes;
    // Two passes over a lane's trials, four at a time, two places at a time; the sites; the totals.
    const turns = Math.ceil(trials / held);
    const steps = 2 * (turns + 1) * (Math.ceil(setSize / 2) + 3) + setSize + this.lanes + 64;
    checkLoopSteps("site_baseline", steps, this.ctx.adapter);
    const kernel = this.kernels[Math.max(columns, trials) <= held ? "near" : "far"];
    kernel.encode(
      encoder,
      { ...inputs, moments, atLeast, sampled },
      { keepSampled: isKept(sampled) ? 1 : 0 },
      ({ G }) => G,
    );
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
