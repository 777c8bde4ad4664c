import { allClose, deepEqual, ok, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import {
  type AdamArrays,
  type AdamCase,
  elementsOf,
  randomArrays,
  SETTINGS,
  STEP,
  TEST_CASES,
} from "./adamw_cases.ts";
import {
  adamNumbers,
  AdamW,
  adamwStep,
  addOnto,
  averageStep,
  BLOCK,
  clipFactor,
  DECAYS,
  MOVES,
  squareSum,
} from "./mod.ts";
import { adamwReference, clipReference } from "./reference.ts";

const EPS = 2 ** -24, LIMIT = 2;

/** What the reference makes of the tensors that are moved; the others stay. */
function expectedOf({ flags, ranges, ...arrays }: AdamArrays, limit: number) {
  const { norm, factor } = clipReference(arrays.gradients, limit);
  const out = {
    weights: Float64Array.from(arrays.weights),
    first: Float64Array.from(arrays.first),
    second: Float64Array.from(arrays.second),
  };
  for (const [begin, end] of ranges) {
    const flag = flags[begin / BLOCK], part = (array: Float32Array) => array.subarray(begin, end);
    if (!(flag & MOVES)) continue;
    const found = adamwReference(
      part(arrays.weights),
      Float64Array.from(part(arrays.gradients), (g) => factor * g),
      part(arrays.first),
      part(arrays.second),
      flag & DECAYS ? SETTINGS : { ...SETTINGS, decay: 0 },
      STEP,
    );
    out.weights.set(found.weights, begin);
    out.first.set(found.first, begin);
    out.second.set(found.second, begin);
  }
  return { norm, factor, ...out };
}

function onCpu({ flags, ranges, ...arrays }: AdamArrays, limit: number) {
  const { gradients, ...moved } = structuredClone(arrays);
  const norm = Math.sqrt(squareSum(gradients)), factor = clipFactor(norm, limit);
  for (const [begin, end] of ranges) {
    const part = (array: Float32Array) => array.subarray(begin, end), flag = flags[begin / BLOCK];
    if (!(flag & MOVES)) continue;
    adamwStep(
      ...[part(moved.weights), part(gradients), part(moved.first), part(moved.second)] as const,
      ...[adamNumbers(SETTINGS, STEP), factor, (flag & DECAYS) !== 0] as const,
    );
  }
  return { norm, factor, ...moved };
}

async function onGpu(ctx: GpuContext, kernel: AdamW, arrays: AdamArrays, limit?: number) {
  using owned = new DisposableStack();
  const size = arrays.weights.length;
  const up = (name: "weights" | "gradients" | "first" | "second") =>
    owned.use(ctx.upload(name, [size], arrays[name]));
  const gradients = up("gradients"), weights = up("weights");
  const first = up("first"), second = up("second");
  const flags = owned.use(ctx.upload("flags", [arrays.flags.length], arrays.flags));
  const partials = owned.use(ctx.alloc("partials", [kernel.partialsOf(size)], "f32"));
  const clip = owned.use(ctx.alloc("clip", [2], "f32"));
  await ctx.submit("step", (encoder) => {
    kernel.norm(encoder, gradients, partials, 0);
    kernel.clip(encoder, partials, clip, limit);
    const tensors = { gradients, flags, clip, weights, first, second };
    kernel.step(encoder, tensors, adamNumbers(SETTINGS, STEP));
  });
  const read = await ctx.readAll([clip, weights, first, second]);
  const [norm, factor] = read[0];
  return { norm, factor, weights: read[1], first: read[2], second: read[3] };
}

/** Values of weights and slopes are within −1 and 1, a step within 0.1: what rounding makes of them. */
function check(
  found: ReturnType<typeof onCpu>,
  expected: ReturnType<typeof expectedOf>,
  shape: AdamCase,
  roundings: number,
): void {
  const label = shape.name;
  allClose([found.norm, found.factor], [expected.norm, expected.factor], { rtol: 40 * EPS }, label);
  allClose(found.first, expected.first, { atol: roundings * EPS }, `first, ${label}`);
  allClose(found.second, expected.second, { atol: roundings * EPS }, `second, ${label}`);
  // A step that is divided by a second moment near zero has its rounding magnified.
  allClose(found.weights, expected.weights, { atol: 2 * roundings * EPS }, `weights, ${label}`);
}

Deno.test("adamwStep(), clipFactor() and squareSum() equal the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    const arrays = randomArrays(shape, 1);
    check(onCpu(arrays, LIMIT), expectedOf(arrays, LIMIT), shape, 1.01);
    check(onCpu(arrays, Infinity), expectedOf(arrays, Infinity), shape, 1.01);
  }
});

gpuTest("adamw_*.wgsl equal the reference for every shape, clipped or not", async (ctx) => {
  const kernel = await AdamW.create(ctx);
  for (const shape of TEST_CASES) {
    const arrays = randomArrays(shape, 2);
    for (const limit of [LIMIT, Infinity]) {
      const found = await onGpu(ctx, kernel, arrays, limit);
      check(found, expectedOf(arrays, limit), shape, 6);
    }
  }
});

gpuTest("adamw_step.wgsl leaves padding zero and what is not moved to the bit", async (ctx) => {
  const kernel = await AdamW.create(ctx), shape = { name: "", lengths: [5, 300, 7, 9, 11, 260] };
  const arrays = randomArrays(shape, 3), found = await onGpu(ctx, kernel, arrays, LIMIT);
  let counted = 0;
  arrays.ranges.forEach(([begin, end], n) => {
    const padded = Math.ceil(end / BLOCK) * BLOCK;
    ok(found.weights.subarray(end, padded).every((x) => x === 0), `padding behind ${n}`);
    counted += end - begin;
    if (n % 5 !== 4) return;
    for (const name of ["weights", "first", "second"] as const) {
      deepEqual(found[name].subarray(begin, end), arrays[name].subarray(begin, end), name);
    }
  });
  deepEqual(counted, elementsOf(shape));
});

gpuTest("a gradient of zeros moves by decay and momentum only, and is not clipped", async (ctx) => {
  const kernel = await AdamW.create(ctx), arrays = randomArrays(TEST_CASES[2], 4);
  arrays.gradients.fill(0);
  const found = await onGpu(ctx, kernel, arrays, LIMIT);
  deepEqual([found.norm, found.factor], [0, 1]);
  check(found, expectedOf(arrays, LIMIT), TEST_CASES[2], 6);
  const still = {
    ...arrays,
    first: arrays.first.map(() => 0),
    flags: arrays.flags.map(() => MOVES),
  };
  deepEqual((await onGpu(ctx, kernel, still, LIMIT)).weights, still.weights);
});

gpuTest("sums of several gradients and running means equal the twins", async (ctx) => {
  const kernel = await AdamW.create(ctx);
  const arrays = randomArrays(TEST_CASES[2], 5), size = arrays.weights.length;
  using sum = ctx.upload("sum", [size], arrays.weights);
  using mean = ctx.upload("mean", [size], arrays.first);
  using values = ctx.upload("values", [size], arrays.gradients);
  using part = ctx.upload("part", [300], arrays.second.slice(0, 300));
  const partials = kernel.partialsOf(size);
  using sums = ctx.alloc("partials", [2 * partials], "f32");
  using clip = ctx.alloc("clip", [2], "f32");
  await ctx.submit("sums", (encoder) => {
    kernel.average(encoder, values, mean, 0.25);
    kernel.add(encoder, values, sum, 0);
    kernel.add(encoder, part, sum, 256, { begin: 8, count: 200 });
    kernel.norm(encoder, values, sums, 0);
    kernel.norm(encoder, mean, sums, partials);
    kernel.clip(encoder, sums, clip, LIMIT);
  });
  const read = await ctx.readAll([sum, mean, clip]);
  const expected = arrays.weights.slice(), average = arrays.first.slice();
  addOnto(expected, arrays.gradients);
  addOnto(expected.subarray(256, 456), arrays.second.subarray(8, 208));
  averageStep(average, arrays.gradients, 0.25);
  allClose(read[0], expected, { atol: 0 });
  allClose(read[1], average, { atol: 2 * EPS });
  const { norm } = clipReference([...arrays.gradients, ...average], LIMIT);
  allClose([read[2][0]], [norm], { rtol: 40 * EPS });
});

Deno.test("adamwStep() refuses arrays of other lengths", () => {
  const [two, three] = [new Float32Array(2), new Float32Array(3)];
  throws(
    () => adamwStep(two, two, three, two, adamNumbers(SETTINGS, STEP)),
    /must have 2 elements: current value is 3/,
  );
});

gpuTest("AdamW refuses tensors that do not fit", async (ctx) => {
  const kernel = await AdamW.create(ctx), none = null as never;
  using five = ctx.alloc("five", [5], "f32");
  using block = ctx.alloc("block", [BLOCK], "f32");
  using flags = ctx.alloc("flags", [2], "u32");
  using clip = ctx.alloc("clip", [2], "f32");
  throws(() => kernel.norm(none, five, five, 0), /"five" must have a multiple of 4 elements/);
  throws(() => kernel.add(none, block, block, 2), /whole vectors of four .* 256 from 0 on, onto 2/);
  throws(() => kernel.add(none, block, block, 4), /within 256 and 256 elements/);
  const tensors = { gradients: block, flags, clip, weights: block, first: block, second: block };
  throws(
    () => kernel.step(none, tensors, adamNumbers(SETTINGS, STEP)),
    /"block" must have 256 elements for each of 2 flags: current value is 256/,
  );
});
