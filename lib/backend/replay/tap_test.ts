import { gpuTest } from "../../../tests/gpu.ts";
import { deepEqual, equal, ok } from "../../../tests/assert.ts";
import { writtenBindings } from "./pipelines.ts";
import { makeRecording } from "./recording.ts";
import { Replay } from "./replay.ts";
import { ScratchPool } from "./scratch.ts";
import { DeviceTap } from "./tap.ts";

const { STORAGE, UNIFORM, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;

const SCALE = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> factor: vec4f;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
  y[id.x] = x[id.x] * factor.x;
}`;

Deno.test("writtenBindings finds the bindings declared read_write", () => {
  deepEqual([...writtenBindings(SCALE)], [1]);
  const several = "@group(0) @binding(0) var<storage, read_write> a: array<vec4<f32>>;\n" +
    "@group(0) @binding(12) var<storage,read_write> b: array<u32>;";
  deepEqual([...writtenBindings(several)], [0, 12]);
});

/** Two scalings through a buffer between, one factor each, as onnxruntime would do it. */
function runner(device: GPUDevice) {
  const module = device.createShaderModule({ code: SCALE });
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
  const buffer = (usage: number, size = 16) => device.createBuffer({ size, usage });
  const between = buffer(STORAGE | COPY_DST | COPY_SRC);
  const factors = [buffer(UNIFORM | COPY_DST), buffer(UNIFORM | COPY_DST)];
  return (x: GPUBuffer, y: GPUBuffer, scales: readonly number[]) => {
    const encoder = device.createCommandEncoder();
    const pairs = [[x, between], [between, y]];
    pairs.forEach((pair, i) => {
      device.queue.writeBuffer(factors[i], 0, new Float32Array(4).fill(scales[i]));
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      const entries = [...pair, factors[i]].map((buffer, binding) => ({
        binding,
        resource: { buffer },
      }));
      const layout = pipeline.getBindGroupLayout(0);
      pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
      pass.dispatchWorkgroups(1);
      pass.end();
    });
    device.queue.submit([encoder.finish()]);
    return Promise.resolve();
  };
}

gpuTest("DeviceTap logs a run that Replay repeats on other buffers", async (ctx) => {
  const tap = new DeviceTap(ctx.device);
  ok(tap.device instanceof GPUDevice, "onnxruntime asks for this");
  const run = runner(tap.device);
  using x = ctx.upload("x", [4], Float32Array.of(1, 2, 3, 4));
  using y = ctx.alloc("y", [4], "f32");
  await run(x.buffer, y.buffer, [9, 9]);
  const log = await tap.record(() => run(x.buffer, y.buffer, [2, 5]));
  deepEqual(await ctx.read(y), Float32Array.of(10, 20, 30, 40));

  const recording = makeRecording(log, [x.buffer, y.buffer], [y.buffer], 256);
  if (typeof recording === "string") throw new Error(recording);
  equal(recording.steps.length, 2);
  deepEqual(recording.scratch, [16]);
  using pool = new ScratchPool(ctx);
  using replay = new Replay(recording, pool);
  using other = ctx.upload("other", [4], Float32Array.of(-1, 0, 1, 7));
  for (let round = 0; round < 3; round++) {
    using target = ctx.alloc("target", [4], "f32");
    replay.run([other.buffer, target.buffer]);
    deepEqual(await ctx.read(target), Float32Array.of(-10, 0, 10, 70));
    // A larger borrower makes the pool replace its buffer.
    pool.take([16 << round]);
  }
});

gpuTest("Replay forgets buffers of runs long ago", async (ctx) => {
  const tap = new DeviceTap(ctx.device), run = runner(tap.device);
  using x = ctx.upload("x", [4], Float32Array.of(1, 2, 3, 4));
  using y = ctx.alloc("y", [4], "f32");
  const log = await tap.record(() => run(x.buffer, y.buffer, [2, 5]));
  const recording = makeRecording(log, [x.buffer, y.buffer], [y.buffer], 256);
  if (typeof recording === "string") throw new Error(recording);
  using pool = new ScratchPool(ctx);
  using replay = new Replay(recording, pool);
  const { createBindGroup } = GPUDevice.prototype;
  let made = 0;
  GPUDevice.prototype.createBindGroup = function (descriptor) {
    made++;
    return createBindGroup.call(this, descriptor);
  };
  try {
    using owned = new DisposableStack();
    replay.run([x.buffer, y.buffer]);
    equal(made, 2);
    replay.run([x.buffer, y.buffer]);
    equal(made, 2, "what ran before is found");
    for (let i = 0; i < 1100; i++) {
      replay.run([x.buffer, owned.use(ctx.alloc("y", [4], "f32")).buffer]);
    }
    made = 0;
    replay.run([x.buffer, y.buffer]);
    ok(made > 0, "and long ago it is not");
    deepEqual(await ctx.read(y), Float32Array.of(10, 20, 30, 40));
  } finally {
    GPUDevice.prototype.createBindGroup = createBindGroup;
  }
});

gpuTest("DeviceTap names what could not be repeated", async (ctx) => {
  const tap = new DeviceTap(ctx.device), { device } = tap;
  using x = ctx.upload("x", [4], Float32Array.of(1, 2, 3, 4));
  const obstacle = async (work: () => void) => {
    const log = await tap.record(() => Promise.resolve(work()));
    return log.obstacle;
  };
  equal(await obstacle(() => {}), undefined);
  const write = () => device.queue.writeBuffer(x.buffer, 0, new Float32Array(4));
  equal(await obstacle(write), "data written to a storage buffer");
  const map = () => device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST }).destroy();
  equal(await obstacle(map), "data exchanged with the host");
  const leave = () => void device.createCommandEncoder();
  equal(await obstacle(leave), "commands that were not submitted");
  const two = () => [0, 1].map(() => device.createCommandEncoder()).forEach((e) => e.finish());
  equal(await obstacle(two), "two command encoders at a time");
  using y = ctx.alloc("y", [4], "f32");
  const run = runner(ctx.device);
  const outside = () => void run(x.buffer, y.buffer, [1, 1]);
  equal(await obstacle(outside), undefined, "the device itself is not tapped");
});

gpuTest("ScratchPool lends different buffers and keeps the largest asked for", (ctx) => {
  using pool = new ScratchPool(ctx);
  const [small, large, other] = pool.take([16, 256, 16]);
  deepEqual([large.size, small.size, other.size], [256, 16, 16]);
  equal(new Set([small, large, other]).size, 3);
  const { version } = pool;
  deepEqual(pool.take([64, 16]), [large, small]);
  equal(pool.version, version, "what was taken stays valid");
  const [grown] = pool.take([512]);
  equal(grown.size, 512);
  ok(pool.version !== version, "borrowers must ask again");
  deepEqual(pool.buffers.map(({ size }) => size), [512, 16, 16]);
});
