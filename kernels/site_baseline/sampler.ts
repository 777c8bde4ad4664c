/** Random site sets drawn on the GPU: the same sets as `drawSiteSets`, transposed. */
import {
  checkLoopSteps,
  type GpuContext,
  type GpuTensor,
  type Kernel,
  type KernelSpec,
  ParamLayout,
  planGrid,
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

const FIELDS = {
  trials: "u32",
  setSize: "u32",
  candidateCount: "u32",
  stream: "u32",
  seedLow: "u32",
  seedHigh: "u32",
} as const;
const PARAMS = new ParamLayout(FIELDS);

/** The kernel's source, layout and constants for a mode and workgroup size. */
export function siteSetSpec(mode: SiteSetMode, lanes: number): KernelSpec<typeof FIELDS> {
  return {
    label: `site_sets ${mode}`,
    source: PHILOX_WGSL + source,
    entryPoint: `${mode}_sets`,
    bindings: ["read", "read", "readWrite", "readWrite"],
    params: PARAMS,
    constants: { lanes },
  };
}

/** Draws random site sets on the GPU, one thread per trial. */
export class SiteSampler {
  readonly #ctx: GpuContext;
  readonly #kernels: Record<SiteSetMode, Kernel<typeof FIELDS>>;
  readonly #lanes: number;

  private constructor(
    ctx: GpuContext,
    kernels: Record<SiteSetMode, Kernel<typeof FIELDS>>,
    lanes: number,
  ) {
    this.#ctx = ctx;
    this.#kernels = kernels;
    this.#lanes = lanes;
  }

  /** Builds the kernels. @throws {GpuError} if the device refuses the workgroup size */
  static async create(ctx: GpuContext, { lanes = 64 } = {}): Promise<SiteSampler> {
    const [uniform, contiguous] = await Promise.all([
      ctx.kernel(siteSetSpec("uniform", lanes)),
      ctx.kernel(siteSetSpec("contiguous", lanes)),
    ]);
    return new SiteSampler(ctx, { uniform, contiguous }, lanes);
  }

  /** Uploads the tables and makes the output. @throws {RangeError} see `drawSiteSets` */
  alloc(options: SiteSetOptions): SiteSetTensors {
    const candidates = drawCandidates(options), offsets = siteOffsets(options.sites);
    const { trials, mode } = options, { length } = offsets;
    const words = Math.ceil(candidates.length / 32);
    return {
      candidates: this.#ctx.upload("site candidates", [candidates.length], candidates),
      offsets: this.#ctx.upload("site offsets", [length], offsets),
      taken: this.#ctx.alloc("site taken", mode === "uniform" ? [words, trials] : [1], "u32"),
      sets: this.#ctx.alloc("site sets", [length, trials], "u32"),
    };
  }

  /** Encodes the drawing into the caller's step; `options` are those given to `alloc`. */
  encode(encoder: GPUCommandEncoder, tensors: SiteSetTensors, options: SiteSetOptions): void {
    const { candidates, offsets, taken, sets } = tensors;
    const { trials, seed, mode, stream = 0 } = options;
    if (sets.shape.join() !== [options.sites.length, trials].join()) {
      throw new RangeError(
        `Cannot draw site sets as "${sets.label}" must be [${options.sites.length}, ${trials}]: ` +
          `current value is [${sets.shape.join(", ")}]`,
      );
    }
    // Per draw: ten rounds, and four attempts at most but for luck that never comes.
    const steps = Math.ceil(candidates.length / 32) + offsets.length * 4 * 12;
    checkLoopSteps("site_sets", steps, this.#ctx.adapter);
    const [seedLow, seedHigh] = philoxKey(seed);
    this.#kernels[mode].dispatch(encoder, {
      tensors: [candidates, offsets, taken, sets],
      params: {
        trials,
        setSize: offsets.length,
        candidateCount: candidates.length,
        stream,
        seedLow,
        seedHigh,
      },
      grid: planGrid(Math.ceil(trials / this.#lanes), this.#ctx.limits),
    });
  }
}
