/**
 * The one place where onnxruntime is named: three builds behind one type.
 *
 * Loading is lazy: each build costs tens of milliseconds and, for the native one, permissions that the
 * others do not need.
 */
import { setVariable } from "../gpu/environment.ts";
import type { InferenceSession, Tensor as OrtTensor } from "npm:onnxruntime-node@1.30.0";

export type { InferenceSession, OrtTensor };

/** The part of onnxruntime's API that the backends use. */
export interface Ort {
  InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  Tensor: typeof OrtTensor;
  env: {
    logLevel?: string;
    wasm: { numThreads?: number };
    versions: { common?: string; web?: string; node?: string };
  };
}

/**
 * Native CPU build; needs --allow-ffi, --allow-read and --allow-env=ORT_DISABLE_TELEMETRY.
 *
 * Unless that variable is set the library, at its first session and outside the permissions, writes into
 * the home folder and calls its maker's server: without the right to set it, it is not loaded. The web
 * builds have no such code.
 *
 * @throws {Deno.errors.NotCapable} without these permissions
 */
export async function loadNative(): Promise<Ort> {
  setVariable("ORT_DISABLE_TELEMETRY", "1");
  return await import("npm:onnxruntime-node@1.30.0") as unknown as Ort;
}

/** WebAssembly build, CPU only. */
export const loadWasm = (): Promise<Ort> =>
  import("npm:onnxruntime-web@1.30.0") as unknown as Promise<Ort>;

/** WebAssembly build with the WebGPU provider, suspending through JSPI. */
export const loadWebGpu = (): Promise<Ort> =>
  import("npm:onnxruntime-web@1.30.0/jspi") as unknown as Promise<Ort>;

/** The same through asyncify, for engines without JSPI. */
export const loadWebGpuAsyncify = (): Promise<Ort> =>
  import("npm:onnxruntime-web@1.30.0/webgpu") as unknown as Promise<Ort>;
