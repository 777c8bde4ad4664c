import { allClose, deepEqual, ok, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import {
  drawSiteSets,
  readSiteBaseline,
  siteBaseline,
  SiteBaselineKernel,
  type SiteSetMode,
} from "./mod.ts";
import { siteBaselineReference } from "./reference.ts";
import { byPlace, randomMass, spreadSites } from "./site_baseline_cases.ts";

/** f32 unit roundoff. */
const ROUNDOFF = 2 ** -24;

interface Case {
  heads: number;
  columns: number;
  setSize: number;
  trials: number;
  mode: SiteSetMode;
}

const CASES: Case[] = [
  { heads: 3, columns: 9, setSize: 1, trials: 1, mode: "uniform" },
  { heads: 5, columns: 63, setSize: 4, trials: 7, mode: "contiguous" },
  { heads: 20, columns: 412, setSize: 5, trials: 1000, mode: "uniform" },
  { heads: 2, columns: 412, setSize: 5, trials: 4097, mode: "contiguous" },
  { heads: 2, columns: 1100, setSize: 550, trials: 7, mode: "uniform" },
  // All that 256 lanes hold at once, and one more.
  { heads: 1, columns: 1024, setSize: 3, trials: 1024, mode: "uniform" },
  { heads: 1, columns: 1025, setSize: 2, trials: 1025, mode: "uniform" },
];

function inputsOf({ heads, columns, setSize, trials, mode }: Case) {
  const mass = randomMass(heads, columns, columns + setSize);
  const sites = spreadSites(columns, setSize);
  const sets = drawSiteSets({ columns, sites, trials, seed: 11, mode });
  return { mass, columns, sites, sets };
}

function setsOf(flat: Uint32Array, size: number): number[][] {
  return Array.from(
    { length: flat.length / size },
    (_, trial) => [...flat.subarray(trial * size, (trial + 1) * size)],
  );
}

async function onGpu(
  ctx: GpuContext,
  kernel: SiteBaselineKernel,
  { mass, columns, sites, sets }: ReturnType<typeof inputsOf>,
  keepSampled: boolean,
) {
  const n = sites.length;
  using masses = ctx.upload("mass", [mass.length / columns, columns], mass);
  using columnsOfSites = ctx.upload("sites", [n], sites);
  using setTensor = ctx.upload("sets", [n, sets.length / n], byPlace(sets, n));
  const inputs = { mass: masses, sites: columnsOfSites, sets: setTensor };
  const outputs = kernel.alloc(inputs, { keepSampled });
  using _moments = outputs.moments, _atLeast = outputs.atLeast, _sampled = outputs.sampled;
  await ctx.submit("site baseline", (encoder) => kernel.encode(encoder, inputs, outputs));
  return await readSiteBaseline(ctx, outputs);
}

Deno.test("siteBaseline() equals the double-precision reference", () => {
  for (const shape of CASES) {
    const { mass, columns, sites, sets } = inputsOf(shape);
    const result = siteBaseline(mass, columns, sites, sets, { keepSampled: true });
    for (let head = 0; head < shape.heads; head++) {
      const row = mass.subarray(head * columns, (head + 1) * columns);
      const expected = siteBaselineReference(row, [...sites], setsOf(sets, sites.length));
      const { trials } = shape;
      // Masses are positive: each of the n single-precision additions costs one roundoff at most.
      const rtol = shape.setSize * ROUNDOFF;
      allClose([result.observed[head]], [expected.observed], { rtol }, "observed");
      allClose(
        result.sampled!.subarray(head * trials, (head + 1) * trials),
        expected.sampled,
        { rtol },
        "sampled",
      );
      allClose([result.mean[head]], [expected.mean], { rtol }, "mean");
      // A shift of every sum by at most rtol times the largest shifts the deviation by no more.
      const atol = rtol * Math.max(...expected.sampled);
      allClose([result.sd[head]], [expected.sd], { atol }, "sd");
    }
  }
});

Deno.test("siteBaseline() counts exactly as the reference when sums are exact", () => {
  const trials = 500, columns = 40, sites = new Uint32Array([1, 20, 21]);
  const sets = drawSiteSets({ columns, sites, trials, seed: 5, mode: "uniform" });
  // Small whole numbers: no rounding, and many ties with the observed sum.
  const mass = randomMass(6, columns, 2).map((value) => Math.floor(value) % 4);
  const { atLeast } = siteBaseline(mass, columns, sites, sets);
  const expected = Array.from({ length: 6 }, (_, head) =>
    siteBaselineReference(
      mass.subarray(head * columns, (head + 1) * columns),
      [...sites],
      setsOf(sets, 3),
    ).atLeast);
  deepEqual([...atLeast], expected);
  ok(expected.some((count) => count > 0 && count < trials));
});

gpuTest("site_baseline.wgsl equals siteBaseline(): sums and counts exactly", async (ctx) => {
  for (const lanes of [256, 1, 7, 64]) {
    const kernel = await SiteBaselineKernel.create(ctx, { lanes });
    for (const shape of CASES) {
      // A software adapter does not grant one thread the loops of all the trials.
      if (lanes === 1 && shape.trials > 1000) continue;
      const inputs = inputsOf(shape), { mass, columns, sites, sets } = inputs;
      const name = `${JSON.stringify(shape)} lanes=${lanes}`;
      const expected = siteBaseline(mass, columns, sites, sets, { keepSampled: true });
      const result = await onGpu(ctx, kernel, inputs, true);
      deepEqual(result.observed, expected.observed, name);
      deepEqual(result.sampled, expected.sampled, name);
      deepEqual(result.atLeast, expected.atLeast, name);
      // Sums of `trials` terms of mixed sign about the first sum: random roundings grow like the
      // root of their number, bounded here by the longest chain of additions, lanes included.
      const chain = Math.ceil(shape.trials / lanes) + Math.ceil(Math.log2(lanes)) + 4;
      const rtol = chain * ROUNDOFF;
      const spread = Math.max(...expected.sd);
      allClose(result.mean, expected.mean, { atol: rtol * spread, rtol: 2 * ROUNDOFF }, name);
      allClose(result.sd, expected.sd, { atol: rtol * spread, rtol: 4 * ROUNDOFF }, name);
    }
  }
});

gpuTest("SiteBaselineKernel gives the same without keeping the sums", async (ctx) => {
  const kernel = await SiteBaselineKernel.create(ctx);
  const inputs = inputsOf(CASES[1]);
  const { sampled, ...kept } = await onGpu(ctx, kernel, inputs, true);
  ok(sampled);
  deepEqual(await onGpu(ctx, kernel, inputs, false), kept);
});

gpuTest("Site baseline of equal and of zero masses has no spread and only ties", async (ctx) => {
  const kernel = await SiteBaselineKernel.create(ctx);
  const trials = 100, columns = 30, sites = new Uint32Array([2, 3, 17]);
  const sets = drawSiteSets({ columns, sites, trials, seed: 5, mode: "uniform" });
  const mass = new Float32Array(3 * columns).fill(0.1, 0, columns).fill(1e4, 2 * columns);
  const inputs = { mass, columns, sites, sets };
  for (
    const result of [
      siteBaseline(mass, columns, sites, sets),
      await onGpu(ctx, kernel, inputs, false),
    ]
  ) {
    deepEqual([...result.atLeast], [trials, trials, trials]);
    deepEqual([...result.sd], [0, 0, 0]);
    deepEqual([...result.mean], [...result.observed]);
    allClose(result.observed, [0.3, 0, 3e4], { rtol: 3 * ROUNDOFF });
  }
});

gpuTest("site_baseline.wgsl keeps the deviation of sums far from zero", async (ctx) => {
  const kernel = await SiteBaselineKernel.create(ctx);
  const columns = 200, sites = new Uint32Array([5, 90]);
  const sets = drawSiteSets({ columns, sites, trials: 1000, seed: 3, mode: "uniform" });
  // Means near 2000 with deviations near 0.02: sums of squares would lose all digits.
  const mass = randomMass(4, columns, 1).map((value) => 1000 + value / 1024);
  const expected = siteBaseline(mass, columns, sites, sets);
  ok(expected.sd.every((sd) => sd < 0.1));
  const result = await onGpu(ctx, kernel, { mass, columns, sites, sets }, false);
  allClose(result.sd, expected.sd, { rtol: 64 * ROUNDOFF });
  allClose(result.mean, expected.mean, { rtol: 2 * ROUNDOFF });
});

Deno.test("siteBaseline() commutes with a permutation of heads", () => {
  const heads = 6, columns = 25, sites = new Uint32Array([3, 9]);
  const sets = drawSiteSets({ columns, sites, trials: 20, seed: 5, mode: "uniform" });
  const mass = randomMass(heads, columns, 3);
  const plain = siteBaseline(mass, columns, sites, sets);
  const order = fc.shuffledSubarray([...Array(heads).keys()], { minLength: heads });
  fc.assert(fc.property(order, (permutation) => {
    const permuted = new Float32Array(mass.length);
    permutation.forEach((from, to) =>
      permuted.set(mass.subarray(from * columns, (from + 1) * columns), to * columns)
    );
    const result = siteBaseline(permuted, columns, sites, sets);
    for (const key of ["observed", "mean", "sd", "atLeast"] as const) {
      deepEqual([...result[key]], permutation.map((from) => plain[key][from]));
    }
  }));
});

Deno.test("siteBaseline() refuses lengths that do not fit", () => {
  const sites = new Uint32Array([1, 2]), sets = new Uint32Array([3, 4, 0, 3]);
  throws(() => siteBaseline(new Float32Array(9), 5, sites, sets), /multiple of 5 elements.*9/);
  throws(() => siteBaseline(new Float32Array(5), 5, sites, new Uint32Array(3)), /multiple of 2.*3/);
  throws(() => siteBaseline(new Float32Array(5), 5, sites, new Uint32Array()), /multiple of 2.*0/);
});

gpuTest("SiteBaselineKernel refuses shapes that do not fit", async (ctx) => {
  const kernel = await SiteBaselineKernel.create(ctx);
  using mass = ctx.alloc("mass", [2, 5], "f32");
  using sites = ctx.alloc("sites", [2], "u32");
  using sets = ctx.alloc("sets", [3, 4], "u32");
  throws(() => kernel.alloc({ mass, sites, sets }), /current value is \[2, 5\], \[2\], \[3, 4\]/);
});

Deno.test("byPlace() transposes, and back", () => {
  const sets = new Uint32Array([1, 2, 3, 4, 5, 6]);
  deepEqual([...byPlace(sets, 3)], [1, 4, 2, 5, 3, 6]);
  deepEqual(byPlace(byPlace(sets, 3), 2), sets);
});
