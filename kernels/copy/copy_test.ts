import { paramFieldsOf } from "../../lib/gpu/mod.ts";
import { deepEqual, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { TEST_CASES } from "./copy_cases.ts";
import { copy, CopyKernel, copySpec } from "./mod.ts";
import { copyReference } from "./reference.ts";

/** No two neighbours are and neither is anything one vector apart. */
const ramp = (elements: number) => Float32Array.from({ length: elements }, (_, i) => i + 1);

Deno.test("copy() equals the reference", () => {
  for (const { elements } of TEST_CASES) {
    const target = new Float32Array(elements);
    copy(ramp(elements), target);
    deepEqual([...target], copyReference(ramp(elements)));
  }
});

gpuTest("copy.wgsl equals the reference for every length and workgroup size", async (ctx) => {
  for (const lanes of [1, 7, 64, 256]) {
    const kernel = await CopyKernel.create(ctx, { lanes });
    for (const { name, elements } of TEST_CASES) {
      using source = ctx.upload("source", [elements], ramp(elements));
      using target = ctx.alloc("target", [elements], "f32");
      await ctx.submit("copy", (encoder) => kernel.encode(encoder, source, target));
      deepEqual([...await ctx.read(target)], copyReference(ramp(elements)), `${name} ${lanes}`);
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

Deno.test("copySpec() states the fields of struct Params in order", () => {
  const { source, params } = copySpec(64);
  deepEqual(paramFieldsOf(source), params.fields);
});
