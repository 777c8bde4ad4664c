/** A made-up report of the kind that a run gives, for tests; a new one each time. */
import { type BenchReport, type KernelRow, SCHEMA } from "../types.ts";

const spread = (median: number) => ({ samples: 9, median, p10: 0.9 * median, p90: 1.2 * median });

function kernel(
  name: string,
  shape: string,
  processor: KernelRow["processor"],
  bytes: number,
  flops: number,
  us: number,
  share: number,
): KernelRow {
  return {
    kernel: name,
    shape,
    dtype: "f32",
    implementation: processor === "gpu" ? "wgsl" : "twin",
    processor,
    clock: processor === "gpu" ? "timestamp" : "wall",
    us: spread(us),
    bytes,
    flops,
    gbps: bytes / us / 1e3,
    gflops: flops / us / 1e3,
    share,
    bound: "memory",
  };
}

export function sampleReport(): BenchReport {
  const pass = (attention: "none" | "reduced", ms: number) => ({
    shape: "8M",
    backend: "cpu",
    threads: 2,
    residues: 64,
    batch: 1,
    attention,
    engineMs: spread(ms),
    wholeMs: spread(5),
    ratio: spread(ms / 5),
    overProducts: spread(ms / 4),
    tokensPerSecond: 66_000 / ms,
    msPerBlock: ms / 6,
  });
  return {
    schema: SCHEMA,
    date: "2026-01-02T03:04:05.000Z",
    versions: { esmscope: "0.1.0", deno: "2.9.6", v8: "14", onnxruntime: "1.30.0" },
    machine: { os: "linux", arch: "x86_64", cpu: "a CPU", cores: 2, memoryBytes: 2 ** 34 },
    adapter: {
      vendor: "a vendor",
      architecture: "",
      device: "",
      description: "a GPU",
      isFallback: false,
    },
    options: { quick: true },
    elapsedSeconds: 12,
    ceilings: [
      { processor: "gpu", copyGBps: 1000, fmaGflops: 20_000, launchUs: 4 },
      { processor: "cpu", copyGBps: 20, fmaGflops: 10, launchUs: 0 },
    ],
    kernels: [
      kernel("copy", "[33554432]", "gpu", 2 ** 28, 0, 268, 1),
      kernel("attention_column_mass", "[1, 20, 414, 414]", "gpu", 13.8e6, 6.9e6, 17, 0.81),
      kernel("copy", "[33554432]", "cpu", 2 ** 28, 0, 13_400, 1),
      kernel("attention_column_mass", "[1, 20, 414, 414]", "cpu", 13.8e6, 6.9e6, 1150, 0.6),
    ],
    models: [pass("none", 6), pass("reduced", 7)],
    host: [{
      shape: "8M",
      residues: 64,
      batch: 1,
      adapter: "a GPU",
      replayMs: spread(1.5),
      onnxruntimeMs: spread(9),
      ratio: spread(1 / 6),
      overDispatches: spread(2),
      usPerBlock: 250,
      passMs: spread(6),
    }],
    memory: [{
      shape: "8M",
      backend: "cpu",
      tokens: 1024,
      runner: "engine",
      attention: "reduced",
      beforeBytes: 90e6,
      peakBytes: 200e6,
      weightBytes: 30e6,
      blockAttentionBytes: 84e6,
      allAttentionBytes: 503e6,
    }],
    analyses: [
      {
        ...{ command: "analyze", subject: "8M shape", backend: "cpu", start: "cold" },
        ...{ ms: spread(300), overYardstick: spread(2) },
      },
      {
        ...{ command: "analyze", subject: "8M shape", backend: "cpu ×2", start: "warm" },
        ...{ ms: spread(60), overPlain: spread(1.2), overYardstick: spread(1.5) },
        overCeiling: spread(1.25),
      },
    ],
    settings: [
      { question: "threads", setting: "1", busy: false, ms: spread(9) },
      { question: "threads", setting: "2", busy: false, ms: spread(6), ratio: spread(0.7) },
      { question: "threads", setting: "2", busy: true, ms: spread(9), ratio: spread(1) },
    ],
    notes: [],
  };
}
