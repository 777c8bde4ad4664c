import { allClose, deepEqual, throws } from "../../../tests/assert.ts";
import { gpuTest } from "../../../tests/gpu.ts";
import { copy, CopyKernel } from "./copy.ts";
import { FmaKernel, fmaReference, multiplyAdd } from "./fma.ts";

/** Whole workgroups and not, one vector, and more than one workgroup's share. */
const COPY_CASES = [4, 8, 252, 1024, 4096, 4100, 65_540].map((elements) => ({
  name: `[${elements}]`,
  elements,
}));

const FMA_CASES = [[16, 1], [16, 0], [48, 7], [4096, 20], [4112, 3]].map(([elements, rounds]) => ({
  ...{ name: `[${elements}] rounds=${rounds}`, elements, rounds },
}));

/** No two neighbours are and neither is anything one vector apart. */
const steps = (elements: number) => Float32Array.from({ length: elements }, (_, i) => i + 1);

Deno.test("copy() equals the reference", () => {
  for (const { elements } of COPY_CASES) {
    const target = new Float32Array(elements);
    copy(steps(elements), target);
    deepEqual([...target], [...steps(elements)]);
  }
});

gpuTest("copy.wgsl equals the reference for every length and workgroup size", async (ctx) => {
  for (const lanes of [1, 7, 64, 256]) {
    const kernel = await CopyKernel.create(ctx, { lanes });
    for (const { name, elements } of COPY_CASES) {
      using source = ctx.upload("source", [elements], steps(elements));
      using target = ctx.alloc("target", [elements], "f32");
      await ctx.submit("copy", (encoder) => kernel.encode(encoder, source, target));
      deepEqual([...await ctx.read(target)], [...steps(elements)], `${name} ${lanes}`);
    }
  }
});

gpuTest("CopyKernel refuses lengths that do not fit", async (ctx) => {
  const kernel = await CopyKernel.create(ctx);
  using six = ctx.alloc("six", [6], "f32");
  using eight = ctx.alloc("eight", [8], "f32");
  const encoder = ctx.device.createCommandEncoder();
  throws(
    () => kernel.encode(encoder, six, six),
    /multiple of 4 elements: current value is 6 and 6/,
  );
  throws(() => kernel.encode(encoder, eight, six), /current value is 8 and 6/);
});

const centred = (elements: number) => Float32Array.from({ length: elements }, (_, i) => i - 9);

Deno.test("multiplyAdd() equals the closed form", () => {
  for (const { name, elements, rounds } of FMA_CASES) {
    for (
      const options of [{ scale: 0.5, offset: 1.25, rounds }, { scale: -0.3, offset: 1, rounds }]
    ) {
      const start = centred(elements), result = new Float32Array(elements);
      multiplyAdd(start, result, options);
      const expected = Array.from(start, (x) => fmaReference(x, options));
      // Double precision: what remains is the rounding of the result.
      allClose(result, expected, { atol: 1e-12, rtol: 1.01 * 2 ** -24 }, name);
    }
  }
});

gpuTest("fma.wgsl equals steps rounded to single precision, for every tile", async (ctx) => {
  for (const lanes of [1, 7, 256]) {
    const kernel = await FmaKernel.create(ctx, { lanes });
    for (const { name, elements, rounds } of FMA_CASES) {
      // Half of a float is exact, so that a step rounds once whether the device fuses it or not.
      const options = { scale: 0.5, offset: 1.25, rounds };
      const expected = centred(elements);
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < elements; i++) expected[i] = 0.5 * expected[i] + 1.25;
      }
      using start = ctx.upload("start", [elements], centred(elements));
      using result = ctx.alloc("result", [elements], "f32");
      await ctx.submit("fma", (encoder) => kernel.encode(encoder, start, result, options));
      deepEqual(await ctx.read(result), expected, `${name} ${lanes}`);
    }
  }
});

gpuTest("FmaKernel refuses lengths that do not fit", async (ctx) => {
  const kernel = await FmaKernel.create(ctx);
  using eight = ctx.alloc("eight", [8], "f32");
  using sixteen = ctx.alloc("sixteen", [16], "f32");
  const encoder = ctx.device.createCommandEncoder(), options = { rounds: 1, scale: 1, offset: 0 };
  throws(
    () => kernel.encode(encoder, eight, eight, options),
    /16 elements: current value is 8 and/,
  );
  throws(() => kernel.encode(encoder, sixteen, eight, options), /current value is 16 and 8/);
});
