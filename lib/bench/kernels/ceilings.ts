/** Copy and FMA, the two kernels that measure what a processor can do at all. */
import * as copyCases from "../../../kernels/copy/copy_cases.ts";
import { copy, CopyKernel } from "../../../kernels/copy/mod.ts";
import * as fmaCases from "../../../kernels/fma/fma_cases.ts";
import { FmaKernel, multiplyAdd } from "../../../kernels/fma/mod.ts";
import { fmaReference } from "../../../kernels/fma/reference.ts";
import { agrees, type KernelBench, mustBe } from "./bench.ts";

const ramp = (elements: number) => Float32Array.from({ length: elements }, (_, i) => i % 8191);

/** @param size `large` for a real GPU and for memory, `small` where that would take long */
export function copyBench(size: keyof typeof copyCases.BENCH_CASES): KernelBench {
  const shape = copyCases.BENCH_CASES[size], { name, elements } = shape;
  return {
    kernel: "copy",
    shape: name,
    dtype: "f32",
    bytes: copyCases.bytes(shape),
    flops: 0,
    setBytes: 8 * elements,
    async gpu(ctx, { sets }) {
      const owned = new DisposableStack();
      const kernel = await CopyKernel.create(ctx), data = ramp(elements);
      const pairs = Array.from({ length: sets }, () => ({
        source: owned.use(ctx.upload("copy source", [elements], data)),
        target: owned.use(ctx.alloc("copy target", [elements], "f32")),
      }));
      return {
        encode(encoder, set) {
          const { source, target } = pairs[set % sets];
          kernel.encode(encoder, source, target);
        },
        verify: async () => mustBe(agrees(await ctx.read(pairs[0].target), data), "copy", name),
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu({ sets }) {
      const pairs = Array.from({ length: sets }, () => ({
        source: ramp(elements),
        target: new Float32Array(elements),
      }));
      const run = (set: number) => copy(pairs[set % sets].source, pairs[set % sets].target);
      run(0);
      mustBe(agrees(pairs[0].target, pairs[0].source), "copy", name);
      return { run };
    },
  };
}

export function fmaBench(size: keyof typeof fmaCases.BENCH_CASES): KernelBench {
  const shape = fmaCases.BENCH_CASES[size], { name, elements, rounds } = shape;
  // A power of two as scale: fused or not, every device gives the same bits.
  const options = { rounds, scale: 0.5, offset: 1.25 };
  return {
    kernel: "fma",
    shape: name,
    dtype: "f32",
    bytes: fmaCases.bytes(shape),
    flops: fmaCases.flops(shape),
    setBytes: 8 * elements,
    async gpu(ctx) {
      const owned = new DisposableStack();
      const kernel = await FmaKernel.create(ctx);
      const data = ramp(elements);
      const start = owned.use(ctx.upload("fma start", [elements], data));
      const result = owned.use(ctx.alloc("fma result", [elements], "f32"));
      return {
        encode: (encoder) => kernel.encode(encoder, start, result, options),
        async verify() {
          const expected = data.map((x) => fmaReference(x, options));
          mustBe(agrees(await ctx.read(result), expected, 2 ** -20), "fma", name);
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu() {
      const start = ramp(elements), result = new Float32Array(elements);
      const run = () => multiplyAdd(start, result, options);
      run();
      const expected = start.map((x) => fmaReference(x, options));
      mustBe(agrees(result, expected, 2 ** -20), "fma", name);
      return { run };
    },
  };
}
