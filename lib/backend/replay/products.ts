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

/** What a product's WGSL says. */
export interface ProductShader {
  /** Whether b is [N, K]. */
  transposed: boolean;
  bias: boolean;
  /** Binding numbers. */
  bindings: { a: number; b: number; bias?: number; c: number; uniforms: number };
  /** Where the fields of `Uniforms` lie, and how many scalars each has. */
  fields: ReadonlyMap<string, { offset: number; count: number }>;
}

/** A dispatch of our own in the place of one of onnxruntime's. */
export interface Replacement {
  kernel: Kernel;
  /** Tensors in the order of the kernel's bindings. */
  bound: Bound[];
  params: Uint8Array<ArrayBuffer>;
  groups: readonly [number, number, number];
}

const READ_A = "row < i32(uniforms.dim_a_outer) && col < i32(uniforms.dim_inner)";
const READ_B = {
  transposed: "row < i32(uniforms.dim_b_outer) && col < i32(uniforms.dim_inner)",
  plain: "row < i32(uniforms.dim_inner) && col < i32(uniforms.dim_b_outer)",
};
const WRITE =
  /^let col = colIn \* [14]; if\(row < i32\(uniforms\.dim_a_outer\) && col < i32\(uniforms\.dim_b_outer\)\) \{ var value = valueIn; let coords = vec[23]\([^;]*\); (.*?)set_output_by_indices\(coords, value\); \} \}/;
const ADD_ROW =
  "value += output_element_t(uniforms.beta) * output_value_t(c[output_bi2o_c(vec2(u32(row), u32(colIn)))]); ";
const ROW_ONLY = "return indices[1] % uniforms.c_shape;";

/** Reads a shader; undefined if it is no product known here. */
export function productShader(label: string | undefined, wgsl: string): ProductShader | undefined {
  if (label !== "Gemm" && label !== "MatMul") return undefined;
  const code = wgsl.replace(/\s+/g, " ");
  const declared = [...code.matchAll(/@binding\((\d+)\) var<([^>]*)> (\w+): ([^;]*);/g)];
  const isPlain = declared.every(([, , , name, type]) =>
    name === "uniforms" || type === "array<f32>" || type === "array<vec4<f32>>"
  );
  const numbers = Object.fromEntries(
    declared.map(([, binding, , name]) => [name, Number(binding)]),
  );
  const { a, b, c: added, output, uniforms } = numbers;
  const names = Object.keys(numbers).length;
  if (!isPlain || [a, b, output, uniforms].includes(undefined as never)) return undefined;
  if (names !== (added === undefined ? 4 : 5) || /\batomic|\bf16\b/.test(code)) return undefined;

  const body = (name: string) => code.split(`fn ${name}(`)[1]?.split(/\) ?(?:-> ?\S+ ?)?\{ /)[1];
  const writes = code.split("fn mm_write(")[1]?.split("output_value_t) { ")[1] ?? "";
  const between = WRITE.exec(writes)?.[1];
  if (!body("mm_readA")?.includes(READ_A)) return undefined;
  const transposed = body("mm_readB")?.includes(READ_B.transposed);
  if (!transposed && !body("mm_readB")?.includes(READ_B.plain)) return undefined;
  if (between !== (added === undefined ? "" : ADD_ROW)) return undefined;
  if (added !== undefined && !code.includes(ROW_ONLY)) return undefined;

  const fields = uniformFields(code);
  if (!fields) return undefined;
  return {
    transposed: transposed === true,
    bias: added !== undefined,
    bindings: { a, b, bias: added, c: output, uniforms },
    fields,
  };
}

/** Offsets of `struct Uniforms` by WGSL's rules; undefined for a type unknown here. */
function uniformFields(code: string): ProductShader["fields"] | undefined {
  const struct = /struct Uniforms \{([^}]*)\}/.exec(code)?.[1];
  if (struct === undefined) return undefined;
  const fields = new Map<string, { offset: number; count: number }>();
  let end = 0;
  for (const [, name, type] of struct.matchAll(/(\w+): ([^,]+?(?:<\w+>)?) ?(?:,|$)/g)) {
    const count = { u32: 1, f32: 1, i32: 1, "vec2<u32>": 2, "vec3<u32>": 3, "vec4<u32>": 4 }[
      type.trim()
    ];
    if (count === undefined) return undefined;
    const alignment = count === 3 ? 16 : 4 * count;
    const offset = Math.ceil(end / alignment) * alignment;
    fields.set(name, { offset, count });
    end = offset + 4 * count;
  }
  return fields;
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
