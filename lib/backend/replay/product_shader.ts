/** What the WGSL of onnxruntime's products of matrices says. */

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

const WIDENS =
  /if \(global_idx >= uniforms\.vec_size\) \{ return; \} let a = x\[global_idx\]; y\[global_idx\] ?= ?vec4<f32>\(a\); \}\s*$/;

/** Binding numbers of a shader that only makes single precision of half precision; else undefined. */
export function wideningShader(
  label: string | undefined,
  wgsl: string,
): { half: number; single: number } | undefined {
  if (label !== "Cast") return undefined;
  const code = wgsl.replace(/\s+/g, " ");
  const number = (declared: string) => {
    const found = new RegExp(`@binding\\((\\d+)\\) ${declared}`).exec(code);
    return found ? Number(found[1]) : undefined;
  };
  const half = number("var<storage, read> x: array<vec4<f16>>;");
  const single = number("var<storage, read_write> y: array<vec4<f32>>;");
  if (half === undefined || single === undefined || !WIDENS.test(code)) return undefined;
  return { half, single };
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
