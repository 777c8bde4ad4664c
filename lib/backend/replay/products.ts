/**
 * Products of matrices among onnxruntime's dispatches, and the kernel that takes their place.
 *
 * onnxruntime's own reach 3 TFLOP/s on a GPU where 60 are possible (NVIDIA H200, `deno task bench`): their
 * loops turn for every multiplication, see kernels/matmul. A dispatch is replaced only where its shader
 * is, statement by statement, one of those known here; every other stays as it is, and every recording is
 * compared with onnxruntime's results before it is used.
 */
import { planMatmul } from "../../../kernels/matmul/mod.ts";
import type { GpuContext, Kernel } from "../../gpu/mod.ts";
import type { Bound, Command, CommandLog, Dispatch } from "./log.ts";
import type { ProductShader } from "./product_shader.ts";

/** A dispatch of our own in the place of one of onnxruntime's. */
export interface Replacement {
  kernel: Kernel;
  /** Tensors in the order of the kernel's bindings. */
  bound: Bound[];
  params: Uint8Array<ArrayBuffer>;
  groups: readonly [number, number, number];
}

/** Sizes of a dispatch; undefined if it is a product of another kind. */
function shapeOf({ fields }: ProductShader, uniform: Uint8Array) {
  const view = new DataView(uniform.buffer, uniform.byteOffset, uniform.byteLength);
  const list = (name: string): number[] | undefined => {
    const field = fields.get(name);
    if (!field || field.offset + 4 * field.count > uniform.length) return undefined;
    return Array.from(
      { length: field.count },
      (_, i) => view.getUint32(field.offset + 4 * i, true),
    );
  };
  const one = (name: string) => list(name)?.[0];
  const m = one("dim_a_outer"), n = one("dim_b_outer"), k = one("dim_inner");
  const left = list("a_shape"), right = list("b_shape");
  if (!m || !n || !k || !left || !right) return undefined;
  const ONE = 0x3f800000;
  if ([one("alpha") ?? ONE, one("beta") ?? ONE].some((factor) => factor !== ONE)) return undefined;
  if ((one("splits_per_batch") ?? 0) > 1) return undefined;
  // The same batch on both sides: nothing is repeated.
  const batch = left.slice(0, -2);
  if (batch.join() !== right.slice(0, -2).join()) return undefined;
  return { batch: batch.reduce((product, extent) => product * extent, 1), m, n, k };
}

/** Our own dispatches for those products of a log that are known. @throws {GpuError} if one does not build */
export async function replaceProducts(
  log: CommandLog,
  shaderOf: (pipeline: GPUComputePipeline) => ProductShader | undefined,
  gpu: GpuContext,
): Promise<Map<Command, Replacement>> {
  const replaced = new Map<Command, Replacement>();
  for (const command of log.commands) {
    if (command.kind !== "dispatch") continue;
    const shader = shaderOf(command.pipeline);
    const found = shader && await replacement(command, shader, gpu);
    if (found) replaced.set(command, found);
  }
  return replaced;
}

async function replacement(
  { bound }: Dispatch,
  shader: ProductShader,
  gpu: GpuContext,
): Promise<Replacement | undefined> {
  const at = (binding: number) => bound.find((one) => one.binding === binding);
  const { a, b, bias, c, uniforms } = shader.bindings;
  const uniform = at(uniforms)?.uniform;
  const shape = uniform && shapeOf(shader, uniform);
  const tensors = [a, b, ...(bias === undefined ? [] : [bias]), c].map(at);
  if (!shape || tensors.includes(undefined)) return undefined;
  const { spec, params, grid } = planMatmul(shape, shader, gpu.limits);
  const kernel = await gpu.kernel(spec);
  const bytes = new Uint8Array(spec.params.sizeBytes);
  spec.params.pack(new DataView(bytes.buffer), 0, params);
  return {
    kernel: kernel as unknown as Kernel,
    bound: tensors.map((one, binding) => ({ ...one!, binding })),
    params: bytes,
    groups: grid,
  };
}
