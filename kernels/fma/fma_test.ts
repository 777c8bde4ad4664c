import { paramFieldsOf } from "../../lib/gpu/mod.ts";
import { allClose, deepEqual, equal, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { BENCH_CASES, bytes, flops, TEST_CASES } from "./fma_cases.ts";
import { FmaKernel, fmaSpec, multiplyAdd } from "./mod.ts";
import { fmaReference } from "./reference.ts";

const ramp = (elements: number) => Float32Array.from({ length: elements }, (_, i) => i - 9);
/** Each step halves the error so far and adds a rounding of half an ulp of a value up to |x| + 2. */
const tolerance = { atol: 2 ** -22, rtol: 2 ** -22 };

Deno.test("multiplyAdd() equals the closed form", () => {
  for (const { name, elements, rounds } of TEST_CASES) {
    for (
      const options of [{ scale: 0.5, offset: 1.25, rounds }, { scale: -0.3, offset: 0, rounds }]
    ) {
      const start = ramp(elements), result = new Float32Array(elements);
      multiplyAdd(start, result, options);
      const expected = Array.from(start, (x) => fmaReference(x, options));
      // A scale that is no power of two is itself rounded, once per round.
      const rtol = tolerance.rtol + (rounds + 1) * 2 ** -23;
      allClose(result, expected, { ...tolerance, rtol }, name);
    }
  }
});

gpuTest("fma.wgsl equals the closed form and, for a scale of ½, the twin exactly", async (ctx) => {
  for (const lanes of [1, 7, 256]) {
    const kernel = await FmaKernel.create(ctx, { lanes });
    for (const { name, elements, rounds } of TEST_CASES) {
      const options = { scale: 0.5, offset: 1.25, rounds };
      const data = ramp(elements), twin = new Float32Array(elements);
      using start = ctx.upload("start", [elements], data);
      using result = ctx.alloc("result", [elements], "f32");
      await ctx.submit("fma", (encoder) => kernel.encode(encoder, start, result, options));
      const found = await ctx.read(result);
      allClose(found, Array.from(data, (x) => fmaReference(x, options)), tolerance, name);
      multiplyAdd(data, twin, options);
      deepEqual(found, twin, `${name} ${lanes}`);
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

Deno.test("flops() counts two per element and round", () => {
  equal(flops({ name: "", elements: 16, rounds: 3 }), 96);
  equal(bytes({ name: "", elements: 16, rounds: 3 }), 128);
  equal(flops(BENCH_CASES.small), 2 ** 27);
});
