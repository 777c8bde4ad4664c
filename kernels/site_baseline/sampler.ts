/** Random site sets drawn on the GPU: the same sets as `drawSiteSets`, transposed. */
import {
  checkLoopSteps,
  type GpuContext,
  type GpuTensor,
  type KernelOf,
  KernelTable,
} from "../../lib/gpu/mod.ts";
import { PHILOX_WGSL, philoxKey } from "../philox/mod.ts";
import { drawCandidates, siteOffsets } from "./site_sets.ts";
import source from "./site_sets.wgsl" with { type: "text" };
import type { SiteSetMode, SiteSetOptions } from "./types.ts";

/** Tables and result of one drawing; the caller disposes all four. */
export interface SiteSetTensors {
  /** u32[M] or u32[S]: columns that are no sites, or valid starts. */
  candidates: GpuTensor<"u32">;
  /** u32[n] */
  offsets: GpuTensor<"u32">;
  /** u32[ceil(M / 32), trials], scratch of the uniform draw; else [1] */
  taken: GpuTensor<"u32">;
  /** u32[n, trials]: place by place, so that neighbouring threads touch neighbouring words */
  sets: GpuTensor<"u32">;
}

/** The kernel; its entry points are the modes. */
export const SITE_SETS = new KernelTable({
  label: "site_sets",
  action: "draw site sets",
  source: PHILOX_WGSL + source,
  bindings: {
    candidates: ["read", "u32", "M"],
    offsets: ["read", "u32", "n"],
    taken: ["readWrite", "u32", "*"],
    sets: ["readWrite", "u32", "n trials"],
  },
  params: {
    ...{ trials: "trials", setSize: "n", candidateCount: "M" },
    ...{ stream: "u32", seedLow: "u32", seedHigh: "u32" },
  },
});
/** Draws random site sets on the GPU, one thread per trial. */
export class SiteSampler {
  private constructor(
    private readonly ctx: GpuContext,
    private readonly kernels: Record<SiteSetMode, KernelOf<typeof SITE_SETS>>,
    private readonly lanes: number,
  ) {}

  /** Builds the kernels. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 64 } = {}): Promise<SiteSampler> {
    const [uniform, contiguous] = await Promise.all(
      ["uniform", "contiguous"].map((mode) => SITE_SETS.build(ctx, { lanes }, `${mode}_sets`)),
    );
    return new SiteSampler(ctx, { uniform, contiguous }, lanes);
  }

  /** Uploads the tables and makes the output. @throws {RangeError} see `drawSiteSets` */
  alloc(options: SiteSetOptions): SiteSetTensors {
    const candidates = drawCandidates(options), offsets = siteOffsets(options.sites);
    const { trials, mode } = options, { length } = offsets;
    const words = Math.ceil(candidates.length / 32);
    return {
      candidates: this.ctx.upload("site candidates", [candidates.length], candidates),
      offsets: this.ctx.upload("site offsets", [length], offsets),
      taken: this.ctx.alloc("site taken", mode === "uniform" ? [words, trials] : [1], "u32"),
      sets: this.ctx.alloc("site sets", [length, trials], "u32"),
    };
  }

  /** Encodes the drawing into the caller's step; `options` are those given to `alloc`. */
  encode(encoder: GPUCommandEncoder, tensors: SiteSetTensors, options: SiteSetOptions): void {
    const { candidates, offsets, sets } = tensors;
    const { trials, seed, mode, stream = 0 } = options;
    SITE_SETS.extents({ sets }, { n: options.sites.length, trials });
    // Per draw: ten rounds, and four attempts at most but for luck that never comes.
    const steps = Math.ceil(candidates.length / 32) + offsets.length * 4 * 12;
    checkLoopSteps("site_sets", steps, this.ctx.adapter);
    const [seedLow, seedHigh] = philoxKey(seed);
    this.kernels[mode].encode(
      encoder,
      tensors,
      { stream, seedLow, seedHigh },
      ({ trials }) => Math.ceil(trials / this.lanes),
    );
  }
}
