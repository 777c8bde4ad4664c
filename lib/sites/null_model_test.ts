import { drawSiteSets, siteBaseline } from "../../kernels/site_baseline/mod.ts";
import { siteBaselineReference, siteSetsReference } from "../../kernels/site_baseline/reference.ts";
import { deepEqual, equal, ok, rejects, throws } from "../../tests/assert.ts";
import { UserError } from "../errors.ts";
import { checkNull, fewSets, sampleNull } from "./null_model.ts";

/** So many heads and draws that sampling takes several steps. */
const columns = 20, heads = 2000, trials = 50_000;
const sites = Uint32Array.of(3, 11);
const mass = Float32Array.from({ length: heads * columns }, (_, i) => (i * 7919) % 1013 / 1013);
const options = { mode: "uniform", trials, seed: 4, keepSums: false } as const;

Deno.test("sampleNull gives in steps what the kernel's twin gives at once", async () => {
  const found = await sampleNull(undefined, mass, columns, sites, options);
  const sets = drawSiteSets({ columns, sites, trials, seed: 4, mode: "uniform" });
  const expected = siteBaseline(mass, columns, sites, sets);
  deepEqual(found.sampled, { ...expected, trials });
  equal(found.sums, undefined);
});

Deno.test("sampleNull keeps every trial's sum, in the order of heads", async () => {
  const few = { columns, sites, trials: 7, seed: 4, mode: "uniform" } as const;
  const { sums } = await sampleNull(undefined, mass, columns, sites, { ...few, keepSums: true });
  const expected = siteBaseline(mass, columns, sites, drawSiteSets(few), { keepSampled: true });
  deepEqual(sums, expected.sampled);
});

Deno.test("sampleNull counts the heads that the rule calls for random sets, each put in the sites' place", async () => {
  // Most heads look at nothing much, some at two columns: there half of the sets that hold one pass.
  const few = {
    columns: 30,
    sites: Uint32Array.of(3, 11),
    trials: 400,
    seed: 4,
    mode: "uniform",
  } as const;
  const rows = Float32Array.from({ length: 6 * 30 }, (_, i) => {
    const head = Math.floor(i / 30), column = i % 30;
    return head > 2 && column % 13 === head ? 5 : ((i * 7919) % 101) / 101;
  });
  const { calledByChance } = await sampleNull(undefined, rows, 30, few.sites, {
    ...few,
    keepSums: false,
  });
  const sets = siteSetsReference({ ...few });
  let called = 0;
  for (let head = 0; head < 6; head++) {
    const { sampled, mean, sd } = siteBaselineReference(
      rows.subarray(30 * head, 30 * (head + 1)),
      [...few.sites],
      sets,
    );
    called += sampled.filter((sum) => sum > 1.5 * mean && sum > mean + 2 * sd).length;
  }
  ok(called > 0);
  equal(calledByChance, called / 400);
});

Deno.test("sampleNull stops between steps once the signal has fired", async () => {
  const control = new AbortController();
  const work = sampleNull(undefined, mass, columns, sites, { ...options, signal: control.signal });
  // The first step has run when the call returns.
  control.abort(new Error("enough"));
  await rejects(work, /enough/);
});

Deno.test("fewSets counts different random sets below a hundred", () => {
  const at = (...list: number[]) => Uint32Array.from(list);
  equal(fewSets(2, at(0), "uniform"), 1);
  equal(fewSets(10, at(1, 5), "uniform"), 28);
  equal(fewSets(8, at(0, 1, 2, 3), "uniform"), 1);
  equal(fewSets(100, at(7), "uniform"), 99);
  equal(fewSets(101, at(7), "uniform"), undefined);
  equal(fewSets(412, at(84, 88, 245, 252), "uniform"), undefined);
  // Two neighbours at the start of ten columns fit at 2 to 8.
  equal(fewSets(10, at(0, 1), "contiguous"), 7);
  equal(fewSets(412, at(84, 88), "contiguous"), undefined);
});

Deno.test("checkNull refuses sites and trials that leave nothing to draw or too much", () => {
  const check = (columns: number, n: number, trials: number, mode: "uniform" | "contiguous") =>
    checkNull('"P"', columns, Uint32Array.from({ length: n }, (_, i) => i), mode, trials);
  const refuses = (says: RegExp, ...args: Parameters<typeof check>) =>
    throws(() => check(...args), (error: unknown) => {
      equal(error instanceof UserError && says.test(error.message), true, String(error));
      return true;
    });
  check(10, 5, 1000, "uniform");
  refuses(/at most half of the residues.*6 of 10/, 10, 6, 1000, "uniform");
  refuses(/fits nowhere in 10 residues/, 10, 6, 1000, "contiguous");
  check(500, 33, 1_000_000, "uniform");
  refuses(/--trials must be at most 986895 with 34 sites/, 500, 34, 1_000_000, "uniform");
});
