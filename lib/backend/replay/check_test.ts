import { deepEqual, rejects } from "../../../tests/assert.ts";
import { gpuTest } from "../../../tests/gpu.ts";
import type { GpuContext } from "../../gpu/mod.ts";
import { ReplayCheck } from "./check.ts";

const SPECIAL = [0, -0, 1, -3e38, Infinity, -Infinity, NaN, 1e-40];

/** More elements than one workgroup has, with what the test is about at the end. */
const values = (...last: number[]) => Float32Array.from([...new Array(1000).fill(7), ...last]);

async function compare(ctx: GpuContext, a: Float32Array, b: Float32Array) {
  using check = new ReplayCheck(ctx);
  using expected = ctx.upload("expected", [a.length], a);
  using found = ctx.upload("found", [b.length], b);
  await check.compare([[expected, found]], "they differ");
  return await ctx.read(found);
}

gpuTest("ReplayCheck allows for the size of what was added up", async (ctx) => {
  const a = values(1e6, -0.5, NaN), b = values(1e6, 0.5, NaN);
  deepEqual(await compare(ctx, a, b), b);
  await rejects(() => compare(ctx, values(1e6, 0), values(1e6, 20)), /they differ/);
});

gpuTest("ReplayCheck lets equal and nearly equal outputs pass", async (ctx) => {
  const a = values(...SPECIAL, 1, 0, 2e-5), b = values(...SPECIAL, 1.0005, 5e-5, -3e-5);
  deepEqual(await compare(ctx, a, b), b);
  deepEqual(await compare(ctx, b, a), a);
});

for (
  const [expected, found] of [[1, 1.01], [0, 1e-3], [1, NaN], [NaN, 1], [Infinity, 3e38], [
    -Infinity,
    Infinity,
  ]]
) {
  gpuTest(`ReplayCheck finds ${found} where ${expected} was expected`, async (ctx) => {
    const others = SPECIAL.filter((value) => Math.abs(value) !== 3e38);
    const a = values(...others, expected), b = values(...others, found);
    await rejects(() => compare(ctx, a, b), /they differ/);
  });
}

gpuTest("GpuContext.expectZero() asks at one read-back only, and then for good", async (ctx) => {
  using zero = ctx.upload("zero", [2], new Uint32Array(2));
  using one = ctx.upload("one", [2], Uint32Array.of(0, 1));
  ctx.expectZero(zero, "it was zero");
  deepEqual(await ctx.read(one), Uint32Array.of(0, 1));
  deepEqual(await ctx.readAll([]), []);
  ctx.expectZero(one, "it was one");
  await rejects(() => ctx.readAll([zero, zero]), /it was one/);
  await rejects(() => ctx.read(zero), /it was one/);
});

gpuTest(
  "GpuContext.expectZero() fails reads that are awaited together, all of them",
  async (ctx) => {
    using one = ctx.upload("one", [1], Uint32Array.of(1));
    ctx.expectZero(one, "it was one");
    const found = await Promise.allSettled([ctx.read(one), ctx.readAll([]), ctx.read(one)]);
    deepEqual(found.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  },
);

gpuTest("GpuContext.expectZero() asks again where a read is on its way", async (ctx) => {
  using count = ctx.upload("count", [1], Uint32Array.of(0));
  using other = ctx.upload("other", [1], Uint32Array.of(5));
  ctx.expectZero(count, "the first was not zero");
  const reading = ctx.read(other);
  // What is counted from here on, the read that is on its way does not see.
  ctx.device.queue.writeBuffer(count.buffer, 0, Uint32Array.of(1));
  ctx.expectZero(count, "the second was not zero");
  deepEqual(await reading, Uint32Array.of(5));
  await rejects(() => ctx.read(other), /the second was not zero/);
});
