/** What a result was computed with, for run.json. */
import process from "node:process";
import type { Adapter } from "./adapter/mod.ts";
import type { OpenedBackend } from "./backend/mod.ts";
import type { OpenedModel } from "./hub/open_model.ts";
import { VERSION } from "./version.ts";

export interface Provenance {
  esmscope: string;
  command: string;
  arguments: readonly string[];
  started: string;
  /** Seconds from start to the writing of this record. */
  elapsedSeconds: number;
  /** Milliseconds per stage. */
  timingsMs: Record<string, number>;
  model: {
    name: string;
    embedded: boolean;
    format: string;
    files: readonly string[];
    sha256: string;
    config: unknown;
    /** What was merged into it. */
    adapter?: {
      name: string;
      files: readonly string[];
      sha256: string;
      /** What it says it was made for. */
      madeFor: string;
      task: string | null;
      rank: number;
      alpha: number;
      /** Linear maps that it changes. */
      changed: number;
    };
  };
  backend: { name: string; detail: string; reason: string; adapter?: unknown };
  machine: { os: string; arch: string; cores: number; deno: string; v8: string };
  /** Largest resident memory of the process so far, bytes. */
  peakMemoryBytes: number;
}

/** Measures stages by name; each call ends the one before. */
export class Stopwatch {
  readonly started = new Date();
  readonly timingsMs: Record<string, number> = {};
  readonly #begin = performance.now();
  #stage?: { name: string; begin: number };

  stage(name: string): void {
    this.end();
    this.#stage = { name, begin: performance.now() };
  }

  end(): void {
    if (!this.#stage) return;
    const { name, begin } = this.#stage;
    this.timingsMs[name] = round((this.timingsMs[name] ?? 0) + performance.now() - begin);
    this.#stage = undefined;
  }

  get elapsedSeconds(): number {
    return round((performance.now() - this.#begin) / 1000);
  }
}

export async function describeRun(
  { model, ...run }: RunDone & { model: OpenedModel },
): Promise<Provenance> {
  const { checkpoint, name, embedded } = model;
  const { arguments: args, esmscope, command, started, elapsedSeconds, timingsMs, ...rest } =
    describeWork(run);
  return {
    ...{ esmscope, command, arguments: args, started, elapsedSeconds, timingsMs },
    model: {
      name,
      embedded,
      format: checkpoint.format,
      files: checkpoint.files,
      sha256: await checkpoint.sha256(),
      config: checkpoint.config,
      ...(model.adapter && { adapter: describeAdapter(model.adapter.adapter) }),
    },
    ...rest,
  };
}

function describeAdapter({ name, files, sha256, config, lora }: Adapter) {
  const { baseModel: madeFor, task, rank, alpha } = config;
  return { name, files, sha256, madeFor, task, rank, alpha, changed: lora.size };
}

/** What was run, when and where. */
export interface RunDone {
  command: string;
  args: readonly string[];
  watch: Stopwatch;
  opened: OpenedBackend;
}

/** The same of a run that began without a model. */
export function describeWork(
  { command, args, watch, opened: { backend, reason } }: RunDone,
): Omit<Provenance, "model"> {
  watch.end();
  return {
    esmscope: VERSION,
    command,
    arguments: args,
    started: watch.started.toISOString(),
    elapsedSeconds: watch.elapsedSeconds,
    timingsMs: watch.timingsMs,
    backend: {
      name: backend.name,
      detail: backend.detail,
      reason,
      ...(backend.gpu && { adapter: backend.gpu.adapter }),
    },
    machine: {
      os: Deno.build.os,
      arch: Deno.build.arch,
      cores: navigator.hardwareConcurrency,
      deno: Deno.version.deno,
      v8: Deno.version.v8,
    },
    peakMemoryBytes: peakMemoryBytes(),
  };
}

/** Largest resident memory so far, bytes. */
export function peakMemoryBytes(): number {
  // The runtime gives kibibytes, as Linux's getrusage does.
  return process.resourceUsage().maxRSS * 1024;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
