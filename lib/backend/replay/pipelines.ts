/** Which bindings each of onnxruntime's pipelines writes, read from its WGSL. */
import type { Calls } from "./stand_in.ts";

const WRITTEN = /@binding\((\d+)\)\s*var<storage,\s*read_write>/g;

export class PipelineBook {
  /** To go before the device's own calls. */
  readonly calls: Calls;
  readonly #modules = new WeakMap<GPUShaderModule, ReadonlySet<number>>();
  readonly #pipelines = new WeakMap<GPUComputePipeline, ReadonlySet<number>>();

  constructor(device: GPUDevice) {
    const note = (pipeline: GPUComputePipeline, { compute }: GPUComputePipelineDescriptor) => {
      const written = this.#modules.get(compute.module);
      if (written) this.#pipelines.set(pipeline, written);
      return pipeline;
    };
    this.calls = {
      createShaderModule: (descriptor: GPUShaderModuleDescriptor) => {
        const module = device.createShaderModule(descriptor);
        this.#modules.set(module, writtenBindings(descriptor.code));
        return module;
      },
      createComputePipeline: (descriptor: GPUComputePipelineDescriptor) =>
        note(device.createComputePipeline(descriptor), descriptor),
      createComputePipelineAsync: async (descriptor: GPUComputePipelineDescriptor) =>
        note(await device.createComputePipelineAsync(descriptor), descriptor),
    };
  }

  /** Bindings of group 0 that the pipeline writes; undefined for one not made here. */
  written(pipeline: GPUComputePipeline): ReadonlySet<number> | undefined {
    return this.#pipelines.get(pipeline);
  }
}

/** Numbers of the bindings declared `read_write`. */
export function writtenBindings(wgsl: string): Set<number> {
  return new Set([...wgsl.matchAll(WRITTEN)].map(([, binding]) => Number(binding)));
}
