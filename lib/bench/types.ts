/** The benchmark's rows; a report of them is what `--json` writes. */
import type { AdapterRecord } from "../gpu/mod.ts";
import type { Spread } from "./statistics.ts";

/** Raised whenever a field changes its meaning. */
export const SCHEMA = "esmscope-bench/1";

export type Processor = "gpu" | "cpu";

/** What a processor reached in this run; all other rows are shares of it. */
export interface Ceilings {
  processor: Processor;
  /** 10⁹ bytes per second of a copy, read and written bytes counted. */
  copyGBps: number;
  /** 10⁹ operations per second of multiply-adds that stay in registers. */
  fmaGflops: number;
  /** Microseconds of a dispatch that does nothing; 0 on the CPU. */
  launchUs: number;
}

export type Bound = "memory" | "compute" | "launch";

/** `wgsl` and `twin` are ours; the others do the same work with NumPy, for comparison. */
export type Implementation = "wgsl" | "twin" | "numpy" | "published form";

export interface KernelRow {
  kernel: string;
  shape: string;
  dtype: string;
  implementation: Implementation;
  processor: Processor;
  /** Device timestamps, or the wall clock around submission and wait (or around the call). */
  clock: "timestamp" | "wall";
  /** Microseconds. */
  us: Spread;
  /** Least traffic and work of the operation, by definition rather than by measurement. */
  bytes: number;
  flops: number;
  gbps: number;
  gflops: number;
  /** Of the ceiling that limits it, 0..1; absent where this run measured none. */
  share?: number;
  bound?: Bound;
  /** The twin's time over this one's. */
  speedUp?: number;
  /** How the number came about, where it is not plain. */
  note?: string;
}

/** `reduced`: every block's attention summed over rows, as `analyze` does; `all`: handed over. */
export type AttentionUse = "none" | "reduced" | "all";

export interface ModelRow {
  shape: string;
  backend: string;
  /** CPU threads; absent on other backends. */
  threads?: number;
  residues: number;
  /** Sequences of a batch, none padded. */
  batch: number;
  attention: AttentionUse;
  /** Milliseconds of a forward pass of the engine. */
  engineMs: Spread;
  /** Of ORT's session of the whole model, with all attention as outputs for `all`, else without. */
  wholeMs?: Spread;
  /** engine / whole, round by round; below 1 the engine is faster. */
  ratio?: Spread;
  /** This pass over the engine's own without attention, round by round. */
  overPlain?: Spread;
  /** Over plain products of the blocks' shapes, round by round; absent in older reports. */
  overProducts?: Spread;
  /** Tokens, `<cls>` and `<eos>` included, per second at the median. */
  tokensPerSecond: number;
  /** Of the engine at the median; for a few residues on a GPU this is what the host costs. */
  msPerBlock: number;
}

/** What a pass costs the host on the webgpu backend: until every command of it is submitted. */
export interface HostRow {
  shape: string;
  residues: number;
  batch: number;
  /** The adapter; "NOOP" is a software driver that takes commands and executes none. */
  adapter: string;
  /** Milliseconds of a pass whose blocks are replayed. */
  replayMs: Spread;
  /** Of the same pass with every block run by onnxruntime. */
  onnxruntimeMs: Spread;
  /** replay / onnxruntime, round by round. */
  ratio: Spread;
  /** replay / 500 commands that do nothing, round by round; absent in older reports. */
  overDispatches?: Spread;
  /** Of a replayed pass, for each block at the median. */
  usPerBlock: number;
  /** Of a replayed pass in a row of them, the device's work included; absent without a device. */
  passMs?: Spread;
}

export interface MemoryRow {
  shape: string;
  backend: string;
  /** Tokens of the one sequence. */
  tokens: number;
  /** `engine, all sizes`: batches of 1, 2, 3 … sequences one after another, MOST_SEQUENCES the last. */
  runner: "engine" | "engine, all sizes" | "whole graph";
  attention: AttentionUse;
  /** Resident bytes of a process of its own: model loaded, before the first pass. */
  beforeBytes: number;
  /** Largest resident bytes until its end. */
  peakBytes: number;
  weightBytes: number;
  /** f32[1, H, T, T] */
  blockAttentionBytes: number;
  /** f32[L, H, T, T] */
  allAttentionBytes: number;
}

export interface AnalysisRow {
  command: string;
  /** Model and input. */
  subject: string;
  backend: string;
  /** A process of its own from start to exit, or within one that has run before. */
  start: "cold" | "warm";
  ms: Spread;
  /**
   * This analysis over a plain forward pass of the same batch, round by round; where no model runs, over as many
   * plain draws.
   */
  overPlain?: Spread;
  /**
   * Over work that knows nothing of this project, round by round: warm, plain products of the blocks' shapes
   * on one batch; cold, a process of fixed work. Absent in older reports.
   */
  overYardstick?: Spread;
  /**
   * Over the time in which one large product of this run would do the operations that its passes need, round by
   * round: its inverse is the share of that ceiling. Where the passes are nearly all of the analysis.
   */
  overCeiling?: Spread;
  /** Milliseconds per stage, as run.json tells them (median). */
  stagesMs?: Record<string, number>;
}

export interface SettingRow {
  /** What is varied, such as `threads` or `padding`. */
  question: string;
  setting: string;
  /** Whether another process kept one core busy. */
  busy: boolean;
  ms: Spread;
  /** Against the first setting of the same question, round by round. */
  ratio?: Spread;
}

export type PeerName = "PyTorch" | "transformers.js" | "whole graph";

/** A forward pass of one sequence, logits read, beside another program's on the same weights. */
export interface PeerRow {
  shape: string;
  /** CPU threads of both. */
  threads: number;
  tokens: number;
  peer: PeerName;
  /** Absent for onnxruntime's whole graph, whose version is the engine's. */
  version?: string;
  oursMs: Spread;
  theirsMs: Spread;
  /** theirs / ours, round by round; above 1 the engine is faster. */
  ratio: Spread;
}

export interface Machine {
  os: string;
  arch: string;
  cpu: string;
  cores: number;
  /** Numbers by which the processor tells itself, where the system gives them: names are often shared. */
  cpuFamily?: number;
  cpuModel?: number;
  memoryBytes: number;
  /** Processes that waited for a core when the run began, where the system tells. */
  loadAverage?: number;
}

export interface BenchReport {
  schema: typeof SCHEMA;
  date: string;
  versions: { esmscope: string; deno: string; v8: string; onnxruntime?: string };
  machine: Machine;
  adapter: AdapterRecord | null;
  options: Record<string, unknown>;
  elapsedSeconds: number;
  ceilings: Ceilings[];
  kernels: KernelRow[];
  models: ModelRow[];
  /** Absent in reports of before there were such rows. */
  host?: HostRow[];
  memory: MemoryRow[];
  analyses: AnalysisRow[];
  settings: SettingRow[];
  /** Absent where nobody asked for them. */
  peers?: PeerRow[];
  /** What a reader must know: left-out rows, a software adapter. */
  notes: string[];
}
