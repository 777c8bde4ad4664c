/** Backends with the settings that a row names. */
import { type Backend, type BackendName, openBackend } from "../backend/mod.ts";
import { openCpu } from "../backend/cpu.ts";
import { openWebGpu } from "../backend/webgpu.ts";
import { HostBackend } from "../backend/host.ts";
import { loadNative } from "../backend/ort.ts";

export interface BenchBackend {
  name: BackendName;
  /** CPU only; the backend's own choice without. */
  threads?: number;
}

/** @throws {UserError} if it does not work here */
export async function openBenchBackend({ name, threads }: BenchBackend): Promise<Backend> {
  if (name === "cpu" && threads !== undefined) return await openCpu({ threads });
  return (await openBackend(name)).backend;
}

/** The same device with onnxruntime as it is, for yardsticks; opened where it is another, and then owned. */
export async function plainBackend(
  backend: Backend,
  owner: AsyncDisposableStack,
): Promise<Backend> {
  return backend.name === "webgpu" ? owner.use(await openWebGpu({ replay: false })) : backend;
}

/** The native backend with session options of one's own, to find out which are best. */
export async function openTunedCpu(
  label: string,
  session: Record<string, unknown>,
): Promise<Backend> {
  return new HostBackend(await loadNative(), {
    name: "cpu",
    detail: label,
    session: { executionProviders: ["cpu"], ...session },
    writesGivenOutputs: true,
  });
}
