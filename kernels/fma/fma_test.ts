import { paramFieldsOf } from "../../lib/gpu/mod.ts";
import { allClose, deepEqual, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { TEST_CASES } from "./fma_cases.ts";
import { FmaKernel, fmaSpec, multiplyAdd } from "./mod.ts";
import { fmaReference } from "./reference.ts";

const ramp = (elements: number) => Float32Array.from({ length: elements }, (_, i) => i - 9);

Deno.test("multiplyAdd() equals the closed form", () => {
  for (const { name, elements, rounds } of TEST_CASES) {
    for (
      const options of [{ scale: 0.5, offset: 1.25, rounds }, { scale: -0.3, offset: 1, rounds }]
    ) {
      const start = ramp(elements), result = new Float32Array(elements);
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
    for (const { name, elements, rounds } of TEST_CASES) {
      // Half of a float is exact, so that a step rounds once whether the device fuses it or not.
      const options = { scale: 0.5, offset: 1.25, rounds };
      const expected = ramp(elements);
      for (let round = 0; round < rounds; round++) {
        for (let i = 0; i < elements; i++) expected[i] = 0.5 * expected[i] + 1.25;
      }
      using start = ctx.upload("start", [elements], ramp(elements));
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

Deno.test("fmaSpec() states the fields of struct Params in order", () => {
  const { source, params } = fmaSpec(64);
  deepEqual(paramFieldsOf(source), params.fields);
});
