import { equal, ok, throws } from "../../tests/assert.ts";
import { checkLoopSteps, planGrid } from "./grid.ts";

const limits = { maxComputeWorkgroupsPerDimension: 65535 };

Deno.test("planGrid() keeps small grids flat", () => {
  for (const total of [0, 1, 20, 65535]) equal(planGrid(total, limits).join(), `${total},1,1`);
});

Deno.test("planGrid() covers every total within the limit and wastes less than one row", () => {
  for (const total of [65536, 65537, 131071, 10_000_019, 4_294_836_225, 4_294_967_295]) {
    const [x, y, z] = planGrid(total, limits);
    ok(Math.max(x, y, z) <= 65535, `${total}: ${[x, y, z]}`);
    ok(x * y * z >= total, `${total}: ${[x, y, z]} is too small`);
    ok(x * y * z - total < y * z, `${total}: ${[x, y, z]} is too large`);
  }
});

Deno.test("planGrid() folds in three dimensions when two do not hold", () => {
  equal(planGrid(64, { maxComputeWorkgroupsPerDimension: 4 }).join(), "4,4,4");
  throws(() => planGrid(65, { maxComputeWorkgroupsPerDimension: 4 }), /must be in 0\.\.64.*65/);
});

Deno.test("planGrid() refuses what is no natural number", () => {
  for (const total of [-1, 1.5, NaN, 2 ** 32]) throws(() => planGrid(total, limits), RangeError);
});

Deno.test("checkLoopSteps() refuses long loops on software adapters only", () => {
  checkLoopSteps("x", 65_535, { isFallback: true });
  checkLoopSteps("x", 1e9, { isFallback: false });
  throws(() => checkLoopSteps("x", 65_536, { isFallback: true }), /"x" on a software.*65536$/);
});
