/** Several kernels one after another as one row: what an analysis needs in all. */
import type { CpuRun, GpuRun, KernelBench } from "./bench.ts";

export function sequence(
  kernel: string,
  shape: string,
  benches: readonly KernelBench[],
): KernelBench {
  const sum = (value: (bench: KernelBench) => number) =>
    benches.reduce((total, bench) => total + value(bench), 0);
  return {
    kernel,
    shape,
    dtype: [...new Set(benches.map(({ dtype }) => dtype))].join(", "),
    bytes: sum(({ bytes }) => bytes),
    flops: sum(({ flops }) => flops),
    setBytes: sum(({ setBytes }) => setBytes),
    async gpu(ctx, size) {
      const runs: GpuRun[] = [], owned = new DisposableStack();
      for (const bench of benches) runs.push(owned.use(await bench.gpu(ctx, size)));
      return {
        encode: (encoder, set) => runs.forEach((run) => run.encode(encoder, set)),
        async verify() {
          for (const run of runs) await run.verify();
        },
        [Symbol.dispose]: () => owned.dispose(),
      };
    },
    cpu(size) {
      const runs: CpuRun[] = benches.map((bench) => bench.cpu(size));
      return { run: (set) => runs.forEach(({ run }) => run(set)) };
    },
  };
}
