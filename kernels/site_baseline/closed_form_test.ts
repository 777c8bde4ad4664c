import { allClose, deepEqual, ok, throws } from "../../tests/assert.ts";
import { drawSiteSets, exactNull, siteBaseline } from "./mod.ts";
import { siteBaselineReference } from "./reference.ts";
import { randomMass, spreadSites } from "./site_baseline_cases.ts";

/** All subsets of a size, for nulls small enough to list. */
function subsets(columns: number[], size: number): number[][] {
  if (size === 0) return [[]];
  return columns.flatMap((column, i) =>
    subsets(columns.slice(i + 1), size - 1).map((rest) => [column, ...rest])
  );
}

Deno.test("exactNull() uniform equals the moments over all subsets", () => {
  const columns = 11, mass = randomMass(3, columns, 4);
  for (const list of [[0], [3, 4], [0, 5, 10], [1, 2, 5, 6, 9]]) {
    const sites = new Uint32Array(list);
    const { mean, sd } = exactNull(mass, columns, sites, "uniform");
    const others = [...Array(columns).keys()].filter((column) => !list.includes(column));
    for (let head = 0; head < 3; head++) {
      const row = mass.subarray(head * columns, (head + 1) * columns);
      const expected = siteBaselineReference(row, list, subsets(others, list.length));
      // Double precision throughout.
      allClose([mean[head]], [expected.mean], { rtol: 1e-12 }, `n=${list.length} mean`);
      allClose([sd[head]], [expected.sd], { rtol: 1e-12 }, `n=${list.length} sd`);
    }
  }
});

Deno.test("exactNull() uniform with one possible set has its sum as mean and no spread", () => {
  const mass = new Float32Array([1, 2, 4, 8]);
  // M = n = 1, and M = n = 2.
  deepEqual(exactNull(mass.subarray(0, 2), 2, new Uint32Array([0]), "uniform"), {
    mean: new Float64Array([2]),
    sd: new Float64Array([0]),
  });
  deepEqual(exactNull(mass, 4, new Uint32Array([0, 2]), "uniform"), {
    mean: new Float64Array([10]),
    sd: new Float64Array([0]),
  });
  throws(() => exactNull(mass, 4, new Uint32Array([0, 1, 2]), "uniform"), /at least 3 columns/);
});

Deno.test("exactNull() contiguous equals a case worked by hand", () => {
  // Sites 3 and 5 of 9: starts 0, 2, 4, 6 with sums 0 + 2, 2 + 4, 4 + 6, 6 + 8.
  const mass = Float32Array.from({ length: 9 }, (_, column) => column);
  const { mean, sd } = exactNull(mass, 9, new Uint32Array([3, 5]), "contiguous");
  deepEqual([...mean], [8]);
  allClose(sd, [Math.sqrt(20)], { rtol: 1e-15 });
});

Deno.test("exactNull() contiguous without a valid start is NaN", () => {
  const { mean, sd } = exactNull(new Float32Array(5), 5, new Uint32Array([0, 4]), "contiguous");
  ok(Number.isNaN(mean[0]) && Number.isNaN(sd[0]));
});

Deno.test("siteBaseline() samples agree with exactNull() within five standard errors", () => {
  const heads = 8, trials = 4000;
  for (const [columns, setSize] of [[60, 1], [60, 6], [412, 4], [20, 9]]) {
    const mass = randomMass(heads, columns, 77), sites = spreadSites(columns, setSize);
    for (const mode of ["uniform", "contiguous"] as const) {
      const exact = exactNull(mass, columns, sites, mode);
      const sets = drawSiteSets({ columns, sites, trials, seed: 31, mode });
      const { mean, sampled } = siteBaseline(mass, columns, sites, sets, { keepSampled: true });
      for (let head = 0; head < heads; head++) {
        const name = `L=${columns} n=${setSize} ${mode} head ${head}`;
        const variance = exact.sd[head] ** 2;
        const powers = { second: 0, fourth: 0 };
        for (const sum of sampled!.subarray(head * trials, (head + 1) * trials)) {
          powers.second += (sum - exact.mean[head]) ** 2 / trials;
          powers.fourth += (sum - exact.mean[head]) ** 4 / trials;
        }
        const meanError = exact.sd[head] / Math.sqrt(trials);
        const varianceError = Math.sqrt(Math.max(0, powers.fourth - powers.second ** 2) / trials);
        // Sums are rounded to single precision, which shows where there is a single valid start.
        const rounding = setSize * 2 ** -24 * exact.mean[head];
        const meanTolerance = 5 * meanError + rounding;
        const varianceTolerance = 5 * varianceError + rounding * (2 * exact.sd[head] + rounding);
        allClose([mean[head]], [exact.mean[head]], { atol: meanTolerance }, `${name} mean`);
        allClose([powers.second], [variance], { atol: varianceTolerance }, `${name} variance`);
      }
    }
  }
});
