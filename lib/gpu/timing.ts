/** Device time of an encoded step, by timestamps where the device has them, else by the wall clock. */
import type { GpuContext } from "./context.ts";

/** What was measured. */
export interface Timings {
  /** Where the numbers come from; wall time includes submission and the wait. */
  source: "timestamp" | "wall";
  /** Nanoseconds per accepted sample. */
  samplesNs: number[];
  /** Samples dropped because the device's clock ran backwards or stood still. */
  dropped: number;
}

/** How often. */
export interface TimingOptions {
  /** Accepted at most this many; default 20. */
  samples?: number;
  /** Runs before the first sample; default 2. */
  warmup?: number;
  /**
   * Runs in a row that make a sample, which is their mean; default 1.
   *
   * The marks around a sample cost some 15 µs on a GPU, which many kernels do not.
   */
  repeat?: number;
}

/** Difference end − begin of each pair; values of a clock that ran backwards or stood still go. */
export function spansOf(ticks: BigUint64Array): { samplesNs: number[]; dropped: number } {
  const samplesNs: number[] = [];
  const pairs = ticks.length >> 1;
  for (let i = 0; i < pairs; i++) {
    const span = ticks[2 * i + 1] - ticks[2 * i];
    if (span > 0n) samplesNs.push(Number(span));
  }
  return { samplesNs, dropped: pairs - samplesNs.length };
}

/** Runs an encoded step repeatedly and returns how long the device worked on it. */
export async function measure(
  ctx: GpuContext,
  label: string,
  encode: (encoder: GPUCommandEncoder) => void,
  { samples = 20, warmup = 2, repeat = 1 }: TimingOptions = {},
): Promise<Timings> {
  const encodeAll = (encoder: GPUCommandEncoder) => {
    for (let i = 0; i < repeat; i++) encode(encoder);
  };
  const mean = (ns: number) => ns / repeat;
  for (let i = 0; i < warmup; i++) await ctx.submit(label, encode);
  if (ctx.device.features.has("timestamp-query")) {
    const spans = await byTimestamp(ctx, label, encodeAll, samples);
    if (spans.samplesNs.length > 0) {
      return { source: "timestamp", ...spans, samplesNs: spans.samplesNs.map(mean) };
    }
  }
  const samplesNs = (await byClock(ctx, label, encodeAll, samples)).map(mean);
  return { source: "wall", samplesNs, dropped: 0 };
}

async function byTimestamp(
  ctx: GpuContext,
  label: string,
  encode: (encoder: GPUCommandEncoder) => void,
  samples: number,
) {
  const querySet = ctx.device.createQuerySet({
    label: `${label} timestamps`,
    type: "timestamp",
    count: 2 * samples,
  });
  const ticksBuffer = ctx.device.createBuffer({
    label: `${label} timestamps`,
    size: 16 * samples,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  // An empty pass marks each end, so that a step may have any number of passes.
  const mark = (encoder: GPUCommandEncoder, index: number) =>
    encoder.beginComputePass({
      label: `${label} mark`,
      timestampWrites: { querySet, endOfPassWriteIndex: index },
    }).end();
  try {
    for (let i = 0; i < samples; i++) {
      await ctx.submit(label, (encoder) => {
        mark(encoder, 2 * i);
        encode(encoder);
        mark(encoder, 2 * i + 1);
        if (i === samples - 1) encoder.resolveQuerySet(querySet, 0, 2 * samples, ticksBuffer, 0);
      });
    }
    const words = await ctx.read(
      ctx.borrow(`${label} timestamps`, ticksBuffer, [4 * samples], "u32"),
    );
    return spansOf(new BigUint64Array(words.buffer));
  } finally {
    ticksBuffer.destroy();
    querySet.destroy();
  }
}

async function byClock(
  ctx: GpuContext,
  label: string,
  encode: (encoder: GPUCommandEncoder) => void,
  samples: number,
): Promise<number[]> {
  const samplesNs: number[] = [];
  for (let i = 0; i < samples; i++) {
    await ctx.device.queue.onSubmittedWorkDone();
    const begin = performance.now();
    await ctx.submit(label, encode);
    await ctx.device.queue.onSubmittedWorkDone();
    samplesNs.push((performance.now() - begin) * 1e6);
  }
  return samplesNs;
}
