/** Kernels on the device, with the ceilings of the same run. */
import { type GpuContext, measure, type Timings } from "../gpu/mod.ts";
import { copyBench, fmaBench, type GpuRun, type KernelBench, noop } from "./kernels/mod.ts";
import { standing } from "./roof.ts";
import { median, spreadOf } from "./statistics.ts";
import type { Ceilings, KernelRow } from "./types.ts";

/** Bytes that inputs are spread over: past the largest caches of GPUs, and of CPUs. */
const ROTATED_BYTES = { hardware: 512 * 2 ** 20, software: 64 * 2 ** 20 };
const MOST_SETS = 64;

export interface GpuRowOptions {
  benches: readonly KernelBench[];
  /** Time for each kernel and shape. */
  budgetMs: number;
  /** Turns that the samples of each kernel are split over. @default 3 */
  rounds?: number;
  signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

/** A sample on a GPU is at least this long, several runs where one is shorter: its marks take some 15 µs. */
const SAMPLE_US = 300;

/** Work before each turn, so that the clocks of an idle GPU (a fifth of a busy one's) are up again. */
const WARM_US = 30_000;

interface Timed {
  label: string;
  encode(encoder: GPUCommandEncoder, set: number): void;
  samples: number;
  repeat: number;
  turn: number;
  us: number[];
  clock: Timings["source"];
}

/** Verifies and times every kernel in turn with copy, FMA and a dispatch that does nothing. */
export async function gpuKernelRows(
  ctx: GpuContext,
  { benches, budgetMs, rounds = 3, signal, onProgress }: GpuRowOptions,
): Promise<{ rows: KernelRow[]; ceilings: Ceilings }> {
  const isSoftware = ctx.adapter.isFallback;
  const size = isSoftware ? "small" : "large";
  const rotated = isSoftware ? ROTATED_BYTES.software : ROTATED_BYTES.hardware;
  const all = [
    copyBench(size),
    fmaBench(size),
    ...benches.filter(({ needsGpu }) => !(isSoftware && needsGpu)),
  ];
  using owned = new DisposableStack();
  const empty = timed("noop", await noop(ctx));
  const runs: Timed[] = [];
  for (const bench of all) {
    signal?.throwIfAborted();
    const sets = Math.max(2, Math.min(MOST_SETS, Math.ceil(rotated / bench.setBytes)));
    const run: GpuRun = owned.use(await bench.gpu(ctx, { sets }));
    const label = `${bench.kernel} ${bench.shape}`;
    await ctx.submit(label, (encoder) => run.encode(encoder, 0));
    await run.verify();
    runs.push(timed(label, run.encode));
  }
  const warm = async () => {
    if (isSoftware) return;
    const fma = runs[1];
    await sample(ctx, fma, { budgetMs: 1, rounds, most: 3 });
    const times = Math.ceil(WARM_US / median(fma.us));
    await ctx.submit("warm", (encoder) => {
      for (let i = 0; i < times; i++) fma.encode(encoder, i);
    });
  };
  for (let round = 0; round < rounds; round++) {
    await warm();
    // The empty dispatch is short and its time scatters most: more samples.
    await sample(ctx, empty, { budgetMs: budgetMs / 4, rounds, most: 200 });
    for (const [i, run] of runs.entries()) {
      signal?.throwIfAborted();
      await warm();
      await sample(ctx, run, { budgetMs, rounds, most: 60 });
      onProgress?.(round * runs.length + i + 1, rounds * runs.length);
    }
  }

  const [copied, computed] = runs.map(({ us }) => median(us));
  const ceilings: Ceilings = {
    processor: "gpu",
    copyGBps: all[0].bytes / copied / 1e3,
    fmaGflops: all[1].flops / computed / 1e3,
    launchUs: median(empty.us),
  };
  const common = { implementation: "wgsl", processor: "gpu" } as const;
  const rows: KernelRow[] = all.map(({ kernel, shape, dtype, bytes, flops }, i) => {
    const us = spreadOf(runs[i].us);
    const row = { kernel, shape, dtype, ...common, clock: runs[i].clock, us, bytes, flops };
    return { ...row, ...standing(row, us, ceilings) };
  });
  rows.unshift({
    kernel: "noop",
    shape: "one workgroup",
    dtype: "",
    ...common,
    clock: empty.clock,
    us: spreadOf(empty.us),
    bytes: 0,
    flops: 0,
    gbps: 0,
    gflops: 0,
    bound: "launch",
  });
  return { rows, ceilings };
}

function timed(label: string, encode: Timed["encode"]): Timed {
  return { label, encode, samples: 0, repeat: 1, turn: 0, us: [], clock: "wall" };
}

/** One turn of a kernel; the first also finds out how many samples its time allows. */
async function sample(
  ctx: GpuContext,
  run: Timed,
  { budgetMs, rounds, most }: { budgetMs: number; rounds: number; most: number },
): Promise<void> {
  const encode = (encoder: GPUCommandEncoder) => run.encode(encoder, run.turn++);
  if (run.samples === 0) {
    const begin = performance.now();
    const { samplesNs } = await measure(ctx, run.label, encode, { samples: 1, warmup: 1 });
    const eachMs = (performance.now() - begin) / 2;
    const us = (samplesNs[0] ?? 1e9) / 1e3;
    if (!ctx.adapter.isFallback) run.repeat = Math.max(1, Math.min(50, Math.ceil(SAMPLE_US / us)));
    const wanted = Math.floor(budgetMs / rounds / eachMs);
    run.samples = Math.max(2, Math.min(Math.ceil(most / rounds), wanted));
  }
  const { source, samplesNs } = await measure(ctx, run.label, encode, {
    samples: run.samples,
    warmup: 1,
    repeat: run.repeat,
  });
  run.clock = source;
  run.us.push(...samplesNs.map((ns) => ns / 1e3));
}
