/** onnxruntime in WebAssembly: slower, but needs neither native code nor a GPU. */
import { HostBackend } from "./host.ts";
import { loadWasm } from "./ort.ts";

export async function openWasm(): Promise<HostBackend> {
  const ort = await loadWasm();
  ort.env.wasm.numThreads = 1;
  return new HostBackend(ort, {
    name: "wasm",
    detail: `onnxruntime-web ${ort.env.versions.web ?? ort.env.versions.common}, WebAssembly`,
    session: { executionProviders: ["wasm"] },
    writesGivenOutputs: false,
  });
}
