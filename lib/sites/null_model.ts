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
  type SiteSetOptions,
  validStarts,
} from "../../kernels/site_baseline/mod.ts";
import { UserError } from "../errors.ts";
import type { GpuContext } from "../gpu/mod.ts";
import { type ExactNull, isSensitive, type SampledNull } from "./score.ts";

/** What random sets look like: any residues, or the sites' own spacing moved along. */
export const NULL_MODES = ["uniform", "contiguous"] as const satisfies readonly SiteSetMode[];
/** One of {@linkcode NULL_MODES}. */
export type NullMode = SiteSetMode;

export interface NullOptions {
  mode: NullMode;
  trials: number;
  seed: number;
  /** Also give every trial's sum. */
  keepSums: boolean;
  signal?: AbortSignal;
}

export interface NullModel {
  sampled: SampledNull;
  exact: ExactNull;
  /** How many heads the rule of sensitive heads calls for one of the random sets, on average. */
  calledByChance: number;
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
  { mode, trials, seed, keepSums, signal }: NullOptions,
): Promise<NullModel> {
  const draws = { columns, sites, trials, seed, mode };
  const baseline = gpu
    ? await onDevice(gpu, mass, draws, keepSums).catch((error) => {
      throw error instanceof RangeError ? tooLargeForDevice(draws, error) : error;
    })
    : await onHost(mass, draws, keepSums, signal);
  return {
    sampled: { ...baseline, trials },
    exact: exactNull(mass, columns, sites, mode),
    calledByChance: calledByChance(mass, draws, baseline),
    sums: baseline.sampled,
  };
}

/** Random sets that stand in for the sites: enough for two digits. */
const STAND_INS = 1000;

/** The first random sets, each judged as the sites are: against the mean and spread of all. */
function calledByChance(
  mass: Float32Array,
  draws: SiteSetOptions,
  { mean, sd }: Pick<SiteBaseline, "mean" | "sd">,
): number {
  const { columns, sites } = draws, trials = Math.min(draws.trials, STAND_INS);
  // Draws are counted, so that fewer are the first of more.
  const sets = drawSiteSets({ ...draws, trials });
  let called = 0;
  for (let head = 0; head < mass.length / columns; head++) {
    for (let at = 0; at < sets.length; at += sites.length) {
      let sum = 0;
      for (let k = 0; k < sites.length; k++) sum += mass[head * columns + sets[at + k]];
      const impact = sum / mean[head], snr = (sum - mean[head]) / sd[head];
      if (isSensitive({ impact, snr })) called++;
    }
  }
  return called / trials;
}

/** Summed residues between two looks at the signal: about a tenth of a second. */
const STEP = 2 ** 26;

/** Residues drawn between two looks at the signal: about a tenth of a second. */
const DRAWN = 2 ** 20;

async function drawInPieces(
  draws: SiteSetOptions,
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  const { sites, trials } = draws, step = Math.max(1, Math.floor(DRAWN / sites.length));
  if (trials <= step) return drawSiteSets(draws);
  const sets = new Uint32Array(trials * sites.length);
  for (let first = 0; first < trials; first += step) {
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    const piece = drawSiteSets(draws, { first, end: Math.min(trials, first + step) });
    sets.set(piece, first * sites.length);
  }
  return sets;
}

async function onHost(
  mass: Float32Array,
  draws: SiteSetOptions,
  keepSampled: boolean,
  signal: AbortSignal | undefined,
): Promise<SiteBaseline> {
  const { columns, sites, trials } = draws;
  const heads = mass.length / columns;
  const sets = await drawInPieces(draws, signal);
  const all = {
    observed: new Float32Array(heads),
    mean: new Float64Array(heads),
    sd: new Float64Array(heads),
    atLeast: new Uint32Array(heads),
    ...(keepSampled && { sampled: new Float32Array(heads * trials) }),
  };
  const step = Math.max(1, Math.floor(STEP / sets.length));
  for (let first = 0; first < heads; first += step) {
    if (first > 0) await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    const rows = mass.subarray(first * columns, (first + step) * columns);
    const part = siteBaseline(rows, columns, sites, sets, { keepSampled });
    all.observed.set(part.observed, first);
    all.mean.set(part.mean, first);
    all.sd.set(part.sd, first);
    all.atLeast.set(part.atLeast, first);
    if (part.sampled) all.sampled?.set(part.sampled, first * trials);
  }
  return all;
}

async function onDevice(
  gpu: GpuContext,
  mass: Float32Array,
  draws: SiteSetOptions,
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

function tooLargeForDevice({ trials, sites }: SiteSetOptions, cause: RangeError): UserError {
  return new UserError(
    `Cannot compare with ${trials} random sets of ${sites.length} sites on this device; ` +
      `use fewer --trials, or --backend cpu: ${cause.message}`,
    { cause },
  );
}

/** Residues in all random sets together: 128 MiB, a few seconds to draw. */
const MOST_DRAWN = 2 ** 25;

/** @throws {UserError} if no random site set can be drawn for these columns and sites, or too many */
export function checkNull(
  label: string,
  columns: number,
  sites: Uint32Array,
  mode: NullMode,
  trials: number,
): void {
  const most = Math.floor(MOST_DRAWN / sites.length);
  if (trials > most) {
    throw new UserError(
      `Cannot draw random sets for ${label} as --trials must be at most ${most} with ` +
        `${sites.length} sites: current value is ${trials}`,
    );
  }
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

/** Below this a p-value of 0.01 is out of reach. */
const FEW_SETS = 100;

/** How many different random sets there are, if fewer than 100: p has no meaning below 1/(sets + 1). */
export function fewSets(columns: number, sites: Uint32Array, mode: NullMode): number | undefined {
  const others = columns - sites.length;
  let sets = mode === "contiguous" ? validStarts(columns, sites).length : 1;
  for (let k = 1; mode === "uniform" && k <= sites.length && sets < FEW_SETS; k++) {
    sets = sets * (others - sites.length + k) / k;
  }
  return sets < FEW_SETS ? sets : undefined;
}
