import { allClose, deepEqual, equal, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { PoolRows, poolRows, type RowPool, type RowRange } from "./mod.ts";
import { randomRows, TEST_CASES } from "./pool_rows_cases.ts";
import { poolRowsReference } from "./reference.ts";

const POOLS: readonly RowPool[] = ["mean", "largest"];

Deno.test("poolRows() equals the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    const { state, weights, ranges } = randomRows(shape, 1);
    for (const own of [undefined, weights]) {
      for (const pool of POOLS) {
        const expected = poolRowsReference(state, shape.dModel, ranges, pool, own);
        const found = poolRows(state, shape.dModel, ranges, pool, own);
        // Sums are double precision: what remains is the rounding of the result.
        allClose(found, expected, { rtol: 1.01 * 2 ** -24, atol: 1e-12 }, `${shape.name} ${pool}`);
      }
    }
  }
});

Deno.test("poolRows() gives a single row to the bit, and refuses what does not fit", () => {
  const state = Float32Array.of(1, 2, 3, 4.7, 5.1, 6.3);
  deepEqual([...poolRows(state, 3, [[1, 2]], "mean")], [...state.subarray(3)]);
  throws(() => poolRows(state, 3, [[1, 1]], "mean"), /a range must have a row .* 1\.\.1/);
  throws(() => poolRows(state, 3, [[1, 3]], "largest"), /lie in 0\.\.2/);
  throws(() => poolRows(state, 3, [[0, 2]], "mean", new Float32Array(3)), /must be 2 weights/);
});

async function onGpu(
  ctx: GpuContext,
  kernel: PoolRows,
  { state, weights, ranges, dModel }: {
    state: Float32Array;
    weights: Float32Array;
    ranges: readonly RowRange[];
    dModel: number;
  },
  pool: RowPool,
): Promise<Float32Array> {
  using rows = ctx.upload("state", [state.length / dModel, dModel], state);
  using shares = ctx.upload("weights", [weights.length], weights);
  using bounds = ctx.upload("ranges", [ranges.length, 2], Uint32Array.from(ranges.flat()));
  using pooled = kernel.alloc(rows, bounds);
  await ctx.submit(
    "pool",
    (encoder) =>
      kernel.encode(encoder, { state: rows, weights: shares, ranges: bounds, pooled }, pool),
  );
  return await ctx.read(pooled);
}

gpuTest("pool_rows.wgsl equals the reference for every shape", async (ctx) => {
  const kernel = await PoolRows.create(ctx);
  for (const shape of TEST_CASES) {
    const made = { ...randomRows(shape, 2), dModel: shape.dModel };
    for (const pool of POOLS) {
      const expected = poolRowsReference(
        ...[made.state, shape.dModel, made.ranges, pool, made.weights] as const,
      );
      const found = await onGpu(ctx, kernel, made, pool);
      // Values lie in −1..1: every addition of the chain costs half a unit of what was added so far.
      const atol = pool === "mean" ? (Math.max(...shape.lengths) / 8 + 10) * 2 ** -24 : 0;
      allClose(found, expected, { atol }, `${shape.name} ${pool}`);
    }
  }
});

gpuTest("pool_rows.wgsl: an item gives the same bits alone as among others", async (ctx) => {
  const kernel = await PoolRows.create(ctx), dModel = 65;
  const { state, weights, ranges } = randomRows({ name: "", lengths: [9, 31, 4], dModel }, 3);
  for (const pool of POOLS) {
    const all = await onGpu(ctx, kernel, { state, weights, ranges, dModel }, pool);
    for (const [b, [begin, end]] of ranges.entries()) {
      const alone = await onGpu(ctx, kernel, {
        state: state.slice(begin * dModel, end * dModel),
        weights: weights.slice(begin, end),
        ranges: [[0, end - begin]],
        dModel,
      }, pool);
      equal(
        alone.join(),
        all.subarray(b * dModel, (b + 1) * dModel).join(),
        `${pool} of item ${b}`,
      );
    }
  }
});
