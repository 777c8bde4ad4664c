import { equal, ok, rejects, throws } from "../../../tests/assert.ts";
import { gpuTest } from "../../../tests/gpu.ts";
import { agrees, type KernelBench, mustBe } from "./bench.ts";
import { copyBench, fmaBench, kernelBenches, noop } from "./mod.ts";
import { sequence } from "./sequence.ts";

Deno.test("agrees() takes the tolerance relatively and refuses NaN and other lengths", () => {
  ok(agrees([100, -100, 0], [101, -101, 0], 0.01));
  ok(!agrees([100], [101.1], 0.01));
  ok(!agrees([NaN], [NaN], 1));
  ok(!agrees([1], [NaN], 1));
  ok(!agrees([], [1]));
});

Deno.test("mustBe() refuses to time a wrong result", () => {
  throws(() => mustBe(false, "copy", "[4]"), /Cannot time copy \[4\] as its output must be right/);
});

Deno.test("Benches count bytes and have names of their own", () => {
  const names = new Set(kernelBenches.map(({ kernel, shape }) => `${kernel} ${shape}`));
  equal(names.size, kernelBenches.length);
  for (const { bytes, setBytes } of kernelBenches) ok(bytes > 0 && setBytes > 0);
});

Deno.test("Benches have a row for every kernel and each of its shapes", async () => {
  const all = [copyBench("small"), copyBench("large"), fmaBench("small"), fmaBench("large")];
  const rows = new Set([...all, ...kernelBenches].map((b) => `${b.kernel} ${b.shape}`));
  const kernels = new URL("../../../kernels/", import.meta.url), without: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(kernels)) {
    if (!isDirectory) continue;
    const cases = await import(new URL(`${name}/${name}_cases.ts`, kernels).href).catch(() => ({}));
    if (!cases.BENCH_CASES) without.push(name);
    const shapes = Object.values<{ name: string }>(cases.BENCH_CASES ?? {});
    for (const shape of shapes) ok(rows.has(`${name} ${shape.name}`), `${name} ${shape.name}`);
  }
  // The generator of random numbers is part of other kernels.
  equal(without.join(), "philox");
});

/** Small enough for a test; the others are the same code at other shapes. */
const smallest = [fmaBench("small"), ...kernelBenches.filter(({ setBytes }) => setBytes < 1.2e6)];

Deno.test("Benches run their twin on every set of inputs", () => {
  ok(smallest.length >= 4);
  for (const bench of smallest) {
    const { run } = bench.cpu({ sets: 2 });
    for (const set of [0, 1, 5]) run(set);
  }
});

gpuTest("Benches verify a run on the device and free what they take", async (ctx) => {
  for (const bench of [copyBench("small"), ...smallest]) {
    using run = await bench.gpu(ctx, { sets: 2 });
    await ctx.submit(bench.kernel, (encoder) => run.encode(encoder, 0));
    await run.verify();
  }
});

gpuTest("Benches refuse a result that was never computed", async (ctx) => {
  for (const bench of [copyBench("small"), ...smallest]) {
    using run = await bench.gpu(ctx, { sets: 1 });
    // Nothing has run: outputs are still zero.
    await rejects(run.verify(), /as its output must be right/, bench.kernel);
  }
});

gpuTest("noop() encodes a dispatch that the device accepts", async (ctx) => {
  const encode = await noop(ctx);
  await ctx.submit("noop", encode);
  equal(ctx.liveBytes, 0);
});

Deno.test("sequence() adds up costs and runs every part", () => {
  const ran: string[] = [];
  const part = (kernel: string, bytes: number): KernelBench => ({
    ...{ kernel, shape: "", dtype: "f32", bytes, flops: 2 * bytes, setBytes: bytes },
    gpu: () => Promise.reject(new Error("not here")),
    cpu: () => ({ run: (set) => void ran.push(`${kernel}${set}`) }),
  });
  const both = sequence("both", "", [part("a", 3), part("b", 5)]);
  equal(both.bytes, 8);
  equal(both.flops, 16);
  both.cpu({ sets: 1 }).run(7);
  equal(ran.join(), "a7,b7");
});
