/** Where and with what a benchmark ran. */
import os from "node:os";
import type { BenchReport, Machine } from "./types.ts";
import { VERSION } from "../version.ts";

/** From this share of the cores on, a machine that had work before the run is said to be busy. */
const BUSY = 0.5;

export function describeMachine(): Machine {
  const [first] = os.cpus();
  return {
    os: Deno.build.os,
    arch: Deno.build.arch,
    cpu: first?.model.trim() || "unknown",
    ...processorNumbers(),
    cores: navigator.hardwareConcurrency,
    memoryBytes: os.totalmem(),
    ...(Deno.build.os !== "windows" && { loadAverage: os.loadavg()[0] }),
  };
}

/** Family and model of Linux's first processor; none on other systems. */
function processorNumbers(): Pick<Machine, "cpuFamily" | "cpuModel"> {
  if (Deno.build.os !== "linux") return {};
  let text: string;
  try {
    // By another program: Deno itself reads the file only where everything is allowed.
    const { stdout } = new Deno.Command("cat", { args: ["/proc/cpuinfo"] }).outputSync();
    text = new TextDecoder().decode(stdout);
  } catch {
    return {};
  }
  const number = (name: string) => {
    const found = new RegExp(`^${name}\\s*:\\s*(\\d+)\\s*$`, "m").exec(text);
    return found ? Number(found[1]) : undefined;
  };
  const cpuFamily = number("cpu family"), cpuModel = number("model");
  return {
    ...(cpuFamily !== undefined && { cpuFamily }),
    ...(cpuModel !== undefined && { cpuModel }),
  };
}

/** What a reader must know of a machine that had other work; undefined where it had next to none. */
export function loadNote({ loadAverage, cores }: Machine): string | undefined {
  if (loadAverage === undefined || loadAverage < BUSY * cores) return undefined;
  return `other work kept ${loadAverage.toFixed(1)} of ${cores} cores busy when the run began: ` +
    "times are longer than they are, and ratios scatter";
}

/** @param onnxruntime version that a backend told */
export function describeVersions(onnxruntime?: string): BenchReport["versions"] {
  const { deno, v8 } = Deno.version;
  return { esmscope: VERSION, deno, v8, ...(onnxruntime && { onnxruntime }) };
}
