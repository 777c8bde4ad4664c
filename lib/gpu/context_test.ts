import { deepEqual, equal, ok, rejects, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { GpuContext, type KernelSpec, planGrid } from "./mod.ts";
import { ParamLayout } from "./params.ts";

const source = `
struct Params { length: u32, scale: f32 }
override lanes: u32 = 64;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> params: Params;
@compute @workgroup_size(lanes)
fn main(@builtin(workgroup_id) w: vec3u, @builtin(num_workgroups) n: vec3u,
        @builtin(local_invocation_id) lane: vec3u) {
  let i = (w.x + n.x * (w.y + n.y * w.z)) * lanes + lane.x;
  if (i < params.length) { y[i] = x[i] * params.scale; }
}`;
const layout = new ParamLayout({ length: "u32", scale: "f32" });
const scale = { label: "scale", source, bindings: ["read", "readWrite"], params: layout } as const;

gpuTest("GpuContext.open() takes all the adapter gives, but never subgroups", async (ctx) => {
  ok(!ctx.device.features.has("subgroups"));
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  ok(adapter);
  equal(ctx.limits.maxStorageBufferBindingSize, adapter.limits.maxStorageBufferBindingSize);
  equal(ctx.device.features.has("shader-f16"), adapter.features.has("shader-f16"));
  deepEqual(await GpuContext.probe(), ctx.adapter);
});

gpuTest(
  "GpuContext.read() returns what upload() got, for every type, length and view",
  async (ctx) => {
    for (const length of [0, 1, 2, 3, 7]) {
      const values = Array.from({ length }, (_, i) => i + 1);
      const arrays = [
        new Float32Array(values),
        new Uint32Array(values),
        new Int32Array(values.map((v) => -v)),
        new Float16Array(values),
        new Float32Array([9, ...values, 9]).subarray(1, length + 1),
      ];
      const tensors = arrays.map((data, i) => ctx.upload(`x${i}`, [length], data));
      ok(ctx.liveBytes > 0);
      const readings = await ctx.readAll(tensors);
      readings.forEach((reading, i) => deepEqual(reading, arrays[i].slice()));
      for (const tensor of tensors) tensor.dispose();
      equal(ctx.liveBytes, 0);
    }
  },
);

gpuTest("GpuContext.upload() and borrow() refuse a shape that does not fit", (ctx) => {
  throws(() => ctx.upload("x", [2, 3], new Float32Array(5)), /"x" as \[2, 3\] must have 6.*5$/);
  using x = ctx.upload("x", [5], new Float32Array(5));
  // Five numbers are kept in two vectors of four.
  throws(() => ctx.borrow("y", x.buffer, [9], "f32"), /must have 36 bytes: current value is 32/);
  const most = ctx.limits.maxStorageBufferBindingSize;
  throws(() => ctx.alloc("big", [most / 4 + 1], "f32"), /"big" as its bytes must be at most/);
});

gpuTest("GpuTensor.dispose() frees its own buffer once and a borrowed one never", async (ctx) => {
  using x = ctx.upload("x", [3], new Float32Array([1, 2, 3]));
  const view = ctx.borrow("view", x.buffer, [2], "f32");
  ok(view.isBorrowed && !x.isBorrowed);
  view.dispose();
  throws(() => view.buffer, /"view" as it must be live/);
  deepEqual([...await ctx.read(x)], [1, 2, 3]);
  x.dispose();
  x.dispose();
  equal(ctx.liveBytes, 0);
});

gpuTest("Kernel.dispatch() keeps the parameters of every dispatch of a step apart", async (ctx) => {
  const kernel = await ctx.kernel(scale);
  using x = ctx.upload("x", [3], new Float32Array([1, 2, 3]));
  // More dispatches than one chunk of the arena holds.
  const outputs = Array.from({ length: 600 }, (_, i) => ctx.alloc(`y${i}`, [3], "f32"));
  await ctx.submit(
    "many",
    (encoder) =>
      outputs.forEach((y, i) =>
        kernel.dispatch(encoder, {
          tensors: [x, y],
          params: { length: 3, scale: i },
          grid: [1, 1, 1],
        })
      ),
  );
  const readings = await ctx.readAll(outputs);
  readings.forEach((reading, i) => deepEqual([...reading], [i, 2 * i, 3 * i]));
  for (const y of outputs) y.dispose();
});

gpuTest("planGrid() lets a kernel reach every element past 65,535 workgroups", async (ctx) => {
  const length = 70_001;
  const kernel = await ctx.kernel({ ...scale, constants: { lanes: 1 } });
  using x = ctx.upload("x", [length], Float32Array.from({ length }, (_, i) => i));
  using y = ctx.alloc("y", [length], "f32");
  const grid = planGrid(length, ctx.limits);
  await ctx.submit(
    "folded",
    (encoder) => kernel.dispatch(encoder, { tensors: [x, y], params: { length, scale: 2 }, grid }),
  );
  const reading = await ctx.read(y);
  ok(reading.every((value, i) => value === 2 * i));
});

gpuTest("Kernel.dispatch() binds only the tensor's part of a larger buffer", async (ctx) => {
  const kernel = await ctx.kernel(scale);
  using x = ctx.upload("x", [8], new Float32Array(8).fill(1));
  using y = ctx.upload("y", [8], new Float32Array(8));
  const part = ctx.borrow("part", y.buffer, [5], "f32");
  await ctx.submit("part", (encoder) =>
    kernel.dispatch(encoder, {
      tensors: [x, part],
      params: { length: 5, scale: 3 },
      grid: [1, 1, 1],
    }));
  deepEqual([...await ctx.read(y)], [3, 3, 3, 3, 3, 0, 0, 0]);
});

gpuTest("GpuContext.kernel() shares equal pipelines and forgets failed ones", async (ctx) => {
  await Promise.all([ctx.kernel(scale), ctx.kernel({ ...scale, label: "other name" })]);
  equal(ctx.kernelCount, 1);
  await ctx.kernel({ ...scale, constants: { lanes: 32 } });
  equal(ctx.kernelCount, 2);
  const broken: KernelSpec = { ...scale, source: source.replace("params.scale", "nothing") };
  for (let i = 0; i < 2; i++) {
    await rejects(
      () => ctx.kernel(broken),
      /kernel "scale" as its WGSL must compile: line 11, col/,
    );
  }
  await rejects(
    () => ctx.kernel({ ...scale, bindings: ["read", "read"] }),
    /"scale" as it must be/,
  );
  equal(ctx.kernelCount, 2);
});

gpuTest("GpuContext.submit() rejects invalid commands and stays usable", async (ctx) => {
  using x = ctx.upload("x", [2], new Float32Array([4, 5]));
  await rejects(
    () => ctx.submit("long", (encoder) => encoder.copyBufferToBuffer(x.buffer, 0, x.buffer, 0, 64)),
    /Cannot submit "long" as it must be valid/,
  );
  await rejects(
    () =>
      ctx.submit("thrown", () => {
        throw new Error("mine");
      }),
    /mine/,
  );
  deepEqual([...await ctx.read(x)], [4, 5]);
});

gpuTest(
  "Kernel.dispatch() refuses to encode outside submit() and with missing tensors",
  async (ctx) => {
    const kernel = await ctx.kernel(scale);
    using x = ctx.upload("x", [1], new Float32Array(1));
    const params = { length: 1, scale: 1 }, encoder = ctx.device.createCommandEncoder();
    throws(
      () => kernel.dispatch(encoder, { tensors: [x], params, grid: [1, 1, 1] }),
      /"scale" as it must get 2 tensors: current value is 1/,
    );
    using y = ctx.alloc("y", [1], "f32");
    throws(
      () => kernel.dispatch(encoder, { tensors: [x, y], params, grid: [1, 1, 1] }),
      /inside submit\(\)/,
    );
  },
);

gpuTest("GpuContext rejects every call after an uncaptured error", async (ctx) => {
  using x = ctx.upload("x", [1], new Float32Array(1));
  const seen = new Promise((resolve) =>
    ctx.device.addEventListener("uncapturederror", resolve, { once: true })
  );
  ctx.device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
  await seen;
  for (let i = 0; i < 2; i++) await rejects(() => ctx.read(x), /^GpuError: Device error: /);
  throws(() => ctx.alloc("y", [1], "f32"), /^GpuError: Device error: /);
});

gpuTest("GpuContext rejects every call after the device is lost or disposed", async (ctx) => {
  using other = await GpuContext.open();
  other.device.destroy();
  await other.device.lost;
  await rejects(() => other.submit("x", () => {}), /^GpuError: Device lost \(destroyed\)/);
  other.dispose();
  await rejects(() => other.submit("x", () => {}), /must be open: it is disposed/);
  await ctx.submit("x", () => {});
});
