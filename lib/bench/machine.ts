/** Where and with what a benchmark ran. */
import os from "node:os";
import type { BenchReport, Machine } from "./types.ts";
import { VERSION } from "../version.ts";

export function describeMachine(): Machine {
  const [first] = os.cpus();
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    cpu: first?.model.trim() || "unknown",
    cores: navigator.hardwareConcurrency,
    memoryBytes: os.totalmem(),
    ...(Deno.build.os !== "windows" && { loadAverage: os.loadavg()[0] }),
  };
}

/** @param onnxruntime version that a backend told */
export function describeVersions(onnxruntime?: string): BenchReport["versions"] {
  const { deno, v8 } = Deno.version;
  return { esmscope: VERSION, deno, v8, ...(onnxruntime && { onnxruntime }) };
}
