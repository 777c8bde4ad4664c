import { deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { drawSiteSets, SiteSampler, type SiteSetOptions, validStarts } from "./mod.ts";
import { siteSetsReference } from "./reference.ts";
import { byPlace, spreadSites } from "./site_baseline_cases.ts";

const BIG_SEED = 0xfedc_ba98_7654_3210n;

/** Few and many sites (up to n = M), short and long, both modes; draws are quick to check. */
const CASES: SiteSetOptions[] = [
  { columns: 2, sites: [1], trials: 7 },
  { columns: 10, sites: [3], trials: 1 },
  { columns: 10, sites: [0, 1, 5], trials: 7 },
  { columns: 12, sites: [...spreadSites(12, 6)], trials: 7 },
  { columns: 412, sites: [167, 168, 252, 276, 277], trials: 50 },
  { columns: 1100, sites: [...spreadSites(1100, 20)], trials: 20 },
  { columns: 1100, sites: [...spreadSites(1100, 550)], trials: 1 },
].flatMap(({ columns, sites, trials }) =>
  (["uniform", "contiguous"] as const).flatMap((mode) =>
    [42, BIG_SEED].map((seed, stream) => ({
      columns,
      sites: new Uint32Array(sites),
      trials,
      seed,
      mode,
      stream,
    }))
  )
).filter(({ mode, columns, sites }) =>
  mode === "uniform" || validStarts(columns, sites).length > 0
);

const nameOf = ({ columns, sites, mode, seed }: SiteSetOptions) =>
  `L=${columns} n=${sites.length} ${mode} seed=${seed}`;

/** Value that a chi-square statistic exceeds once in 10,000 times (Wilson and Hilferty 1931). */
function chiSquareLimit(freedom: number): number {
  const part = 2 / (9 * freedom);
  return freedom * (1 - part + 3.719 * Math.sqrt(part)) ** 3;
}

/** Chi-square of equally likely outcomes; outcomes that never came count as well. */
function chiSquareOfEqual(outcomes: string[], kinds: number): number {
  const counts = new Map<string, number>();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  ok(counts.size <= kinds, `${counts.size} kinds of outcome`);
  const expected = outcomes.length / kinds;
  const missing = (kinds - counts.size) * expected;
  return missing + [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
}

function setsOf(flat: Uint32Array, size: number): number[][] {
  return Array.from(
    { length: flat.length / size },
    (_, trial) => [...flat.subarray(trial * size, (trial + 1) * size)],
  );
}

async function drawOnGpu(ctx: GpuContext, sampler: SiteSampler, options: SiteSetOptions) {
  const tensors = sampler.alloc(options);
  using _candidates = tensors.candidates, _offsets = tensors.offsets, _taken = tensors.taken;
  using sets = tensors.sets;
  await ctx.submit("site sets", (encoder) => sampler.encode(encoder, tensors, options));
  return byPlace(await ctx.read(sets), options.trials);
}

Deno.test("drawSiteSets() equals the reference", () => {
  ok(CASES.some(({ mode, sites }) => mode === "contiguous" && sites.length === 550));
  for (const options of CASES) {
    const sets = setsOf(drawSiteSets(options), options.sites.length);
    deepEqual(sets, siteSetsReference(options), nameOf(options));
  }
});

gpuTest("site_sets.wgsl draws the sets of drawSiteSets() for any workgroup size", async (ctx) => {
  for (const lanes of [64, 1, 7, 256]) {
    const sampler = await SiteSampler.create(ctx, { lanes });
    for (const options of CASES) {
      const name = `${nameOf(options)} lanes=${lanes}`;
      deepEqual(await drawOnGpu(ctx, sampler, options), drawSiteSets(options), name);
    }
  }
});

gpuTest("site_sets.wgsl draws the sets of drawSiteSets() for many trials", async (ctx) => {
  const sampler = await SiteSampler.create(ctx);
  const sites = new Uint32Array([167, 168, 252, 276]);
  for (const mode of ["uniform", "contiguous"] as const) {
    for (const trials of [1000, 4097]) {
      const options = { columns: 412, sites, trials, seed: BIG_SEED, mode, stream: 0xffff_ffff };
      deepEqual(await drawOnGpu(ctx, sampler, options), drawSiteSets(options), mode);
    }
  }
});

Deno.test("drawSiteSets() draws a trial alike however many trials there are", () => {
  for (const mode of ["uniform", "contiguous"] as const) {
    const options = { columns: 90, sites: new Uint32Array([4, 8, 9]), seed: 7, mode };
    const many = drawSiteSets({ ...options, trials: 1000 });
    for (const trials of [1, 7]) {
      deepEqual(drawSiteSets({ ...options, trials }), many.slice(0, 3 * trials));
    }
  }
});

Deno.test("drawSiteSets() differs by seed, by the seed's high half and by stream", () => {
  const options = { columns: 200, sites: new Uint32Array([4, 8, 9]), trials: 20 };
  for (const mode of ["uniform", "contiguous"] as const) {
    const texts = [
      [1n, 0] as const,
      [2n, 0] as const,
      [1n + (1n << 32n), 0] as const,
      [1n, 1] as const,
    ].map(([seed, stream]) => drawSiteSets({ ...options, seed, stream, mode }).join());
    equal(new Set(texts).size, 4);
  }
});

Deno.test("drawSiteSets() draws distinct columns inside the range that are no sites", () => {
  const anySites = fc.integer({ min: 2, max: 60 }).chain((columns) =>
    fc.record({
      columns: fc.constant(columns),
      sites: fc.uniqueArray(fc.nat(columns - 1), { minLength: 1, maxLength: columns >> 1 }),
      seed: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      mode: fc.constantFrom("uniform" as const, "contiguous" as const),
    })
  );
  fc.assert(fc.property(anySites, ({ columns, sites: list, seed, mode }) => {
    const sites = new Uint32Array(list).sort();
    fc.pre(mode === "uniform" || validStarts(columns, sites).length > 0);
    const sets = setsOf(
      drawSiteSets({ columns, sites, trials: 5, seed, mode }),
      sites.length,
    );
    for (const set of sets) {
      equal(new Set(set).size, set.length);
      ok(set.every((column) => column < columns && !sites.includes(column)));
      if (mode === "contiguous") {
        deepEqual(set.map((column) => column - set[0]), [...sites].map((site) => site - sites[0]));
      }
    }
  }));
});

Deno.test("drawSiteSets() uniform makes every subset equally likely", () => {
  // Number of subsets: C(5, 2), C(6, 3) and C(7, 1).
  for (
    const [columns, list, kinds] of [[7, [0, 3], 10], [9, [2, 3, 8], 20], [8, [5], 7]] as const
  ) {
    const sites = new Uint32Array(list);
    const flat = drawSiteSets({ columns, sites, trials: 10_000, seed: 2024, mode: "uniform" });
    const subsets = setsOf(flat, sites.length).map((set) => set.sort((a, b) => a - b).join());
    const chiSquare = chiSquareOfEqual(subsets, kinds);
    ok(chiSquare < chiSquareLimit(kinds - 1), `${kinds} subsets: chi-square ${chiSquare}`);
  }
});

Deno.test("drawSiteSets() contiguous makes every valid start equally likely", () => {
  const columns = 30, sites = new Uint32Array([10, 11, 14]);
  const starts = validStarts(columns, sites);
  const flat = drawSiteSets({ columns, sites, trials: 10_000, seed: 2024, mode: "contiguous" });
  const outcomes = setsOf(flat, 3).map(([first]) => String(first));
  ok(outcomes.every((first) => starts.includes(Number(first))));
  const chiSquare = chiSquareOfEqual(outcomes, starts.length);
  ok(chiSquare < chiSquareLimit(starts.length - 1), `chi-square ${chiSquare}`);
});

Deno.test("validStarts() lists the places where the gap pattern fits", () => {
  // Pattern 0, 2: starts 0 (0, 2), 1 (1, 3: a site), 2 (2, 4), 3 and 5 (sites), 4 (4, 6), ...
  deepEqual([...validStarts(9, new Uint32Array([3, 5]))], [0, 2, 4, 6]);
  deepEqual([...validStarts(4, new Uint32Array([1]))], [0, 2, 3]);
  deepEqual([...validStarts(5, new Uint32Array([0, 4]))], []);
  deepEqual([...validStarts(3, new Uint32Array([0, 1, 2]))], []);
});

Deno.test("drawSiteSets() refuses invalid sites, trials and sets that cannot be drawn", () => {
  const draw = (columns: number, sites: number[], change: Partial<SiteSetOptions> = {}) => () =>
    drawSiteSets({
      columns,
      sites: new Uint32Array(sites),
      trials: 3,
      seed: 1,
      mode: "uniform",
      ...change,
    });
  throws(draw(5, []), /there must be at least one/);
  throws(draw(5, [1, 5]), /must be in 0\.\.4: current value is 5/);
  throws(draw(5, [2, 1]), /ascending and distinct: current value is 2, 1/);
  throws(draw(5, [1, 1]), /ascending and distinct/);
  throws(draw(5, [0, 1, 2]), /at least 3 columns must be no sites: current value is 2/);
  throws(draw(5, [0, 4], { mode: "contiguous" }), /no valid start among 5 columns/);
  for (const trials of [0, -1, 1.5]) throws(draw(5, [1], { trials }), /trials must be an integer/);
  throws(draw(5, [1], { seed: -1 }), /seed must be an integer/);
});

Deno.test("drawSiteSets() draws some trials as it draws them among all", () => {
  const sites = Uint32Array.of(3, 5, 9), trials = 50;
  for (const mode of ["uniform", "contiguous"] as const) {
    const options = { columns: 40, sites, trials, seed: 8, mode };
    const all = drawSiteSets(options);
    for (const [first, end] of [[0, 50], [0, 1], [17, 31], [49, 50]]) {
      deepEqual(drawSiteSets(options, { first, end }), all.slice(3 * first, 3 * end));
    }
  }
});
