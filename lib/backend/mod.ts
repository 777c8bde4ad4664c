/** Choosing and opening a backend. */
import { UserError } from "../errors.ts";
import { GpuContext } from "../gpu/mod.ts";
import { openCpu } from "./cpu.ts";
import type { Backend, BackendName } from "./types.ts";
import { openWasm } from "./wasm.ts";
import { openWebGpu } from "./webgpu.ts";

export type { Backend, BackendName, Program, Tensor, TensorLimit } from "./types.ts";

/** What {@linkcode openBackend} takes. */
export const BACKEND_CHOICES = ["auto", "webgpu", "cpu", "wasm"] as const;
/** A backend by name, or the fastest that works here. */
export type BackendChoice = typeof BACKEND_CHOICES[number];

/** A backend and why it was taken. */
export interface OpenedBackend {
  /** The backend; whoever opened it disposes of it. */
  backend: Backend;
  /** Why this one, for people: `auto` says what it found. */
  reason: string;
}

/**
 * Opens the backend that was asked for, or with `auto` the fastest that works here: WebGPU on a real
 * adapter, else native CPU, else WebAssembly. A backend asked for by name is never replaced.
 *
 * @throws {UserError} if the backend asked for does not work here
 */
export async function openBackend(choice: BackendChoice): Promise<OpenedBackend> {
  if (choice !== "auto") {
    try {
      return { backend: await open(choice), reason: "as asked" };
    } catch (error) {
      throw new UserError(
        `Cannot use --backend ${choice} as ${REQUIREMENT[choice]}: ${firstLine(error)}`,
        { cause: error },
      );
    }
  }
  const adapter = await GpuContext.probe();
  if (adapter && !adapter.isFallback) {
    return { backend: await openWebGpu(), reason: "a GPU is present" };
  }
  const noGpu = adapter ? "the only GPU adapter is a software one" : "no GPU adapter was found";
  try {
    return { backend: await openCpu(), reason: noGpu };
  } catch (error) {
    const reason = `${noGpu} and the native library did not load (${firstLine(error)})`;
    return { backend: await openWasm(), reason };
  }
}

const REQUIREMENT: Record<BackendName, string> = {
  webgpu: "there must be a WebGPU adapter",
  cpu: "onnxruntime-node must load (--allow-ffi --allow-read --allow-env=ORT_DISABLE_TELEMETRY)",
  wasm: "onnxruntime-web must load",
};

function open(name: BackendName): Promise<Backend> {
  if (name === "webgpu") return openWebGpu();
  return name === "cpu" ? openCpu() : openWasm();
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").find((line) => line.trim() !== "")?.trim() ?? "unknown reason";
}
