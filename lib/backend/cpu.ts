/** Native onnxruntime on the CPU: the default without a real GPU, 3–4 times faster than WebAssembly. */
import { HostBackend } from "./host.ts";
import { loadNative } from "./ort.ts";

export interface CpuOptions {
  /** Worker threads of one operator; all cores by default. */
  threads?: number;
}

/** Opens the native CPU backend; throws where the add-on or its permissions are missing. */
export async function openCpu({ threads }: CpuOptions = {}): Promise<HostBackend> {
  const ort = await loadNative();
  const used = threads ?? navigator.hardwareConcurrency;
  return new HostBackend(ort, {
    name: "cpu",
    detail: `onnxruntime-node ${ort.env.versions.node ?? ort.env.versions.common}, ${used} thread${
      used === 1 ? "" : "s"
    }`,
    session: {
      executionProviders: ["cpu"],
      intraOpNumThreads: used,
      interOpNumThreads: 1,
      // A plan for all activations at once takes twice the memory at T = 3000, and is slower.
      enableMemPattern: false,
      extra: {
        session: {
          // Those that never spin are woken for every operator: of 8M at T = 66 two threads took 9.6 ms where one
          // took 8.7, and 6.4 with so short a spin. Those that spin for long fight over a busy core: 15.3 ms
          // there, 14.5 with 400 µs, 11.9 with 100, 9.2 with none; and 100 are too few for the longer operators
          // of 258 tokens (23.3 ms, 22.3 with 200).
          intra_op: { allow_spinning: "1", spin_duration_us: "200" },
          // In the pool, weights would keep their memory when they have been laid out for products.
          use_device_allocator_for_initializers: "1",
        },
      },
    },
    writesGivenOutputs: true,
  });
}
