/** Which bindings each of onnxruntime's pipelines writes, and which are products, read from their WGSL. */
import { type ProductShader, productShader, wideningShader } from "./product_shader.ts";
import type { Calls } from "./stand_in.ts";

const WRITTEN = /@binding\((\d+)\)\s*var<storage,\s*read_write>/g;

/** What a shader's text tells. */
interface Entry {
  written: ReadonlySet<number>;
  product?: ProductShader;
  widening?: ReturnType<typeof wideningShader>;
}

export class PipelineBook {
  /** To go before the device's own calls. */
  readonly calls: Calls;
  readonly #modules = new WeakMap<GPUShaderModule, Entry>();
  readonly #pipelines = new WeakMap<GPUComputePipeline, Entry>();

  constructor(device: GPUDevice) {
    const note = (pipeline: GPUComputePipeline, { compute }: GPUComputePipelineDescriptor) => {
      const entry = this.#modules.get(compute.module);
      if (entry) this.#pipelines.set(pipeline, entry);
      return pipeline;
    };
    this.calls = {
      createShaderModule: (descriptor: GPUShaderModuleDescriptor) => {
        const module = device.createShaderModule(descriptor);
        const { code, label } = descriptor;
        this.#modules.set(module, {
          written: writtenBindings(code),
          product: productShader(label, code),
          widening: wideningShader(label, code),
        });
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
    return this.#pipelines.get(pipeline)?.written;
  }

  /** The product of matrices that the pipeline makes, if it is one known. */
  product(pipeline: GPUComputePipeline): ProductShader | undefined {
    return this.#pipelines.get(pipeline)?.product;
  }

  /** What a pipeline binds that only makes single precision of half precision. */
  widening(pipeline: GPUComputePipeline): { half: number; single: number } | undefined {
    return this.#pipelines.get(pipeline)?.widening;
  }
}

/** Numbers of the bindings declared `read_write`. */
export function writtenBindings(wgsl: string): Set<number> {
  return new Set([...wgsl.matchAll(WRITTEN)].map(([, binding]) => Number(binding)));
}
