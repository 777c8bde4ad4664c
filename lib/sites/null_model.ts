/** What random site sets receive instead of the sites: sampled on either processor, and exact. */
import {
  drawSiteSets,
  exactNull,
  readSiteBaseline,
  type SiteBaseline,
  siteBaseline,
  SiteBaselineKernel,
  SiteSampler,
  type SiteSetMode,
  validStarts,
} from "../../kernels/site_baseline/mod.ts";
import { UserError } from "../errors.ts";
import type { GpuContext } from "../gpu/mod.ts";
import type { ExactNull, SampledNull } from "./score.ts";

export const NULL_MODES = ["uniform", "contiguous"] as const satisfies readonly SiteSetMode[];
export type NullMode = SiteSetMode;

export interface NullOptions {
  mode: NullMode;
  trials: number;
  seed: number;
  /** Also give every trial's sum. */
  keepSums: boolean;
}

export interface NullModel {
  sampled: SampledNull;
  exact: ExactNull;
  /** f32[G, trials], if kept. */
  sums?: Float32Array;
}

/**
 * Samples the null of every head and states it exactly.
 *
 * @param gpu where to sample; without it on the CPU, with the same draws
 * @param mass f32[G, L]
 * @param columns L
 * @param sites u32[n], columns that are sites
 */
export async function sampleNull(
  gpu: GpuContext | undefined,
  mass: Float32Array,
  columns: number,
  sites: Uint32Array,
  { mode, trials, seed, keepSums }: NullOptions,
): Promise<NullModel> {
  const draws = { columns, sites, trials, seed, mode };
  const baseline = gpu
    ? await onDevice(gpu, mass, draws, keepSums)
    : siteBaseline(mass, columns, sites, drawSiteSets(draws), { keepSampled: keepSums });
  return {
    sampled: { ...baseline, trials },
    exact: exactNull(mass, columns, sites, mode),
    sums: baseline.sampled,
  };
}

async function onDevice(
  gpu: GpuContext,
  mass: Float32Array,
  draws: Parameters<typeof drawSiteSets>[0],
  keepSampled: boolean,
): Promise<SiteBaseline> {
  const { columns, sites } = draws;
  using owned = new DisposableStack();
  const sampler = await SiteSampler.create(gpu);
  const kernel = await SiteBaselineKernel.create(gpu);
  const drawn = sampler.alloc(draws);
  for (const tensor of Object.values(drawn)) owned.use(tensor);
  const inputs = {
    mass: owned.use(gpu.upload("mass", [mass.length / columns, columns], mass)),
    sites: owned.use(gpu.upload("sites", [sites.length], sites)),
    sets: drawn.sets,
  };
  const outputs = kernel.alloc(inputs, { keepSampled });
  for (const tensor of Object.values(outputs)) owned.use(tensor);
  await gpu.submit("site baseline", (encoder) => {
    sampler.encode(encoder, drawn, draws);
    kernel.encode(encoder, inputs, outputs);
  });
  return await readSiteBaseline(gpu, outputs);
}

/** @throws {UserError} if no random site set can be drawn for these columns and sites */
export function checkNull(
  label: string,
  columns: number,
  sites: Uint32Array,
  mode: NullMode,
): void {
  const others = columns - sites.length;
  if (mode === "uniform" && others < sites.length) {
    throw new UserError(
      `Cannot draw random sets for ${label} as at most half of the residues can be sites: ` +
        `current value is ${sites.length} of ${columns}`,
    );
  }
  if (mode === "contiguous" && validStarts(columns, sites).length === 0) {
    throw new UserError(
      `Cannot use --null contiguous for ${label} as the sites' spacing must fit elsewhere without ` +
        `touching a site: it fits nowhere in ${columns} residues; use --null uniform`,
    );
  }
}
