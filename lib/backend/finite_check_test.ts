import { equal, rejects } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { FiniteCheck } from "./finite_check.ts";

const values = (length: number, last: number) =>
  new Float32Array(length).fill(1).with(length - 1, last) as Float32Array<ArrayBuffer>;

gpuTest(
  "FiniteCheck finds what is no number in any of several tensors, of any size",
  async (ctx) => {
    using check = new FiniteCheck(ctx);
    for (const length of [1, 5, 4096, 5000]) {
      for (const last of [NaN, Infinity, -Infinity]) {
        using fine = ctx.upload("fine", [length], values(length, -3e38));
        using wrong = ctx.upload("wrong", [length], values(length, last));
        for (let round = 0; round < 2; round++) {
          await check.check([fine], new Error("never"));
          await ctx.read(fine);
          await check.check([fine, wrong], new Error(`${last} of ${length}`));
          await rejects(() => ctx.read(fine), new RegExp(`${last} of ${length}`));
        }
      }
    }
  },
);

gpuTest("FiniteCheck looks at no more of a buffer than is its tensor's", async (ctx) => {
  using check = new FiniteCheck(ctx);
  using whole = ctx.upload("whole", [64], values(64, NaN));
  const part = ctx.borrow("part", whole.buffer, [63], "f32");
  await check.check([part], new Error("never"));
  await ctx.read(part);
  await check.check([whole], new Error("the last"));
  await rejects(() => ctx.read(whole), /the last/);
});

gpuTest("FiniteCheck keeps the numbers of the last sizes only", async (ctx) => {
  using check = new FiniteCheck(ctx);
  const { stream } = ctx, destroy = stream.destroy.bind(stream);
  let freed = 0;
  stream.destroy = (buffer) => {
    if (buffer.label === "finite check params") freed++;
    destroy(buffer);
  };
  for (let length = 1; length <= 100; length++) {
    using tensor = ctx.upload("tensor", [length], new Float32Array(length));
    await check.check([tensor], new Error("never"));
  }
  equal(freed, 36);
  using last = ctx.upload("last", [100], values(100, NaN));
  await ctx.read(last);
  await check.check([last], new Error("the last"));
  await rejects(() => ctx.read(last), /the last/);
});
