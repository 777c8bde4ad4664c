/**
 * The product's WGSL for a variant and a tile.
 *
 * It is written out, not looped: the WebGPU implementation counts the turns of every loop so that none is
 * endless. One fused multiply-add a turn then reaches 18 TFLOP/s where 64 reach 63 (NVIDIA H200), and
 * accumulators that a loop variable indexes do not stay in registers.
 */
import { type MatmulVariant, threadsOf, type Tile } from "./types.ts";

/** Vectors that a row of a tile is longer in workgroup memory, so that threads meet different banks. */
const PADDING = 1;
const LETTERS = ["x", "y", "z", "w"] as const;

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

export function matmulWgsl(variant: MatmulVariant, tile: Tile): string {
  const { transposed, bias, vectors, half = false, products = 1 } = variant;
  const { rows, columns, depth, threadRows, threadColumns } = tile;
  const threads = threadsOf(tile), perRow = depth / 4, stride = perRow + PADDING;
  const across = columns / threadColumns, down = rows / threadRows;
  const loadsA = range(rows * perRow / threads), loadsB = range(columns * perRow / threads);
  const vectorsB = vectors && transposed, scalarB = half ? "f16" : "f32";
  const element = vectors ? "vec4f" : "f32", elementB = vectorsB ? `vec4<${scalarB}>` : scalarB;
  const parts = range(products),
    nameOf = (name: string, part: number) => products === 1 ? name : `${name}_${part}`;
  /** Statements of each product, of which a workgroup has one. */
  const ofPart = (statements: (part: number) => string) =>
    products === 1 ? statements(0) : `switch part {
${
      parts.map((part) =>
        `    ${part === products - 1 ? "default" : `case ${part}u`}: {
    ${statements(part)}
    }`
      ).join("\n")
    }
    }`;

  // Neighbouring threads load along what lies together in memory.
  const along = (load: number, extent: number) => ({
    outer: `(lane + ${load * threads}u) / ${extent}u`,
    inner: `(lane + ${load * threads}u) % ${extent}u`,
  });
  const placeA = (load: number) => {
    const { outer, inner } = along(load, perRow);
    return { line: outer, vector: inner };
  };
  const placeB = (load: number) => {
    if (transposed) return placeA(load);
    const { outer, inner } = along(load, columns);
    return { line: inner, vector: outer };
  };
  const fetchA = (begin: string) =>
    loadsA.map((i) => {
      const { line, vector } = placeA(i);
      return `next_a${i} = load_a(base_a, row_0 + ${line}, ${begin} + 4u * (${vector}));`;
    }).join("\n    ");
  const fetchB = (begin: string) =>
    ofPart((part) =>
      loadsB.map((i) => {
        const { line, vector } = placeB(i), load = `load_${nameOf("b", part)}`;
        return `next_b${i} = ${load}(base_b, column_0 + ${line}, ${begin} + 4u * (${vector}));`;
      }).join("\n    ")
    );
  const fetch = (begin: string) => `${fetchA(begin)}\n    ${fetchB(begin)}`;
  const declared = [...loadsA.map((i) => `a${i}`), ...loadsB.map((i) => `b${i}`)]
    .map((name) => `var next_${name}: vec4f;`).join(" ");
  const store = [
    ...loadsA.map((i) => ({ i, name: "a", ...placeA(i) })),
    ...loadsB.map((i) => ({ i, name: "b", ...placeB(i) })),
  ].map(({ i, name, line, vector }) =>
    `tile_${name}[(${line}) * ${stride}u + ${vector}] = next_${name}${i};`
  ).join("\n    ");

  const column = range(threadColumns), quads = range(threadColumns / 4);
  const multiply = range(perRow).map((v) =>
    `{
${
      column.map((j) => `      let b${j} = tile_b[(x + ${j * across}u) * ${stride}u + ${v}u];`)
        .join("\n")
    }
${
      quads.flatMap((q) =>
        LETTERS.map((l) =>
          `      let b_${q}${l} = vec4f(${range(4).map((j) => `b${4 * q + j}.${l}`).join(", ")});`
        )
      ).join("\n")
    }
${
      range(threadRows).map((i) =>
        `      { let a = tile_a[(y + ${i * down}u) * ${stride}u + ${v}u];\n` +
        LETTERS.flatMap((l) =>
          quads.map((q) => `        sum_${i}_${q} = fma(vec4f(a.${l}), b_${q}${l}, sum_${i}_${q});`)
        ).join("\n") + " }"
      ).join("\n")
    }
    }`
  ).join("\n    ");
  const writePart = (part: number) =>
    column.map((j) =>
      `{
    let column = column_0 + x + ${j * across}u;
    if column < params.n {
      let add = ${bias ? `${nameOf("bias", part)}[column]` : "0.0"};
${
        range(threadRows).map((i) =>
          `      { let row = row_0 + y + ${i * down}u;
        if row < params.m { ${nameOf("c", part)}[base_c + row * params.n + column] = sum_${i}_${
            Math.floor(j / 4)
          }.${LETTERS[j % 4]} + add; } }`
        ).join("\n")
      }
    }
  }`
    ).join("\n  ");

  /** Four values along K: a vector where rows are whole vectors, else one by one, zero past the end. */
  const load = (
    name: string,
    lines: string,
    asVectors: boolean,
    step: string,
    start: string,
  ) =>
    `fn load_${name}(base: u32, line: u32, k: u32) -> vec4f {
  if line >= params.${lines} || k >= params.k { return vec4f(); }
  ${
      asVectors
        ? `return vec4f(${name}[(base + line * params.k + k) / 4u]);`
        : `let at = base + ${start};
  var loaded = vec4f(f32(${name}[at]), 0.0, 0.0, 0.0);
  if k + 1u < params.k { loaded.y = f32(${name}[at + ${step}]); }
  if k + 2u < params.k { loaded.z = f32(${name}[at + 2u * ${step}]); }
  if k + 3u < params.k { loaded.w = f32(${name}[at + 3u * ${step}]); }
  return loaded;`
    }
}`;
  const stepB = transposed ? "1u" : "params.n";
  const startB = transposed ? "line * params.k + k" : "k * params.n + line";

  const perPart = bias ? 3 : 2;
  const bindings = parts.flatMap((part) => {
    const at = 1 + part * perPart;
    return [
      [at, "read", nameOf("b", part), elementB],
      ...(bias ? [[at + 1, "read", nameOf("bias", part), "f32"]] : []),
      [at + perPart - 1, "read_write", nameOf("c", part), "f32"],
    ];
  }).map(([at, access, name, type]) =>
    `@group(0) @binding(${at}) var<storage, ${access}> ${name}: array<${type}>;`
  ).join("\n");
  const several = products === 1 ? "" : ` for each of ${products} b`;

  return `${
    half ? "enable f16;\n\n" : ""
  }// Products of matrices: c = a · b (+ bias)${several}, one tile of c a workgroup.
//
// a     f32[batch, M, K]  in
// b     ${scalarB}[batch, ${transposed ? "N, K" : "K, N"}]  in
${bias ? "// bias  f32[N]           in\n" : ""}// c     f32[batch, M, N]  out
//
// Threads: ${threadRows} × ${threadColumns} results each, ${down} rows and ${across} columns apart. Sums run along K in order, by
// fused multiply-add in single precision. While a piece of depth ${depth} is multiplied, the next is on its way
// from memory.
// Source: blocked product with register tiles (Volkov and Demmel 2008, doi:10.1109/SC.2008.5214359).

struct Params {
  m: u32,
  n: u32,
  k: u32,
  tiles_across: u32,
  tiles: u32,
  batch: u32,
}

@group(0) @binding(0) var<storage, read> a: array<${element}>;
${bindings}
@group(1) @binding(0) var<uniform> params: Params;

var<workgroup> tile_a: array<vec4f, ${rows * stride}>;
var<workgroup> tile_b: array<vec4f, ${columns * stride}>;

${load("a", "m", vectors, "1u", "line * params.k + k")}

${parts.map((part) => load(nameOf("b", part), "n", vectorsB, stepB, startB)).join("\n\n")}

@compute @workgroup_size(${threads})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let work = group.x + groups.x * (group.y + groups.y * group.z);
  // A folded grid can have more workgroups than there is work: theirs is a row past the end.
  let is_work = work < params.tiles * params.batch${products === 1 ? "" : ` * ${products}u`};
  let entry = select(0u, work / params.tiles${products === 1 ? "" : " % params.batch"}, is_work);
${
    products === 1
      ? ""
      : "  let part = work / (params.tiles * params.batch);\n"
  }  let place = work % params.tiles;
  let row_0 = select(params.m, place / params.tiles_across * ${rows}u, is_work);
  let column_0 = place % params.tiles_across * ${columns}u;
  let base_a = entry * params.m * params.k;
  let base_b = entry * params.n * params.k;
  let base_c = entry * params.m * params.n;
  let x = lane % ${across}u;
  let y = lane / ${across}u;
  ${range(threadRows).flatMap((i) => quads.map((q) => `var sum_${i}_${q} = vec4f();`)).join("\n  ")}
  ${declared}
    ${fetch("0u")}
  for (var begin = 0u; begin < params.k; begin += ${depth}u) {
    ${store}
    workgroupBarrier();
    let following = begin + ${depth}u;
    if following < params.k {
    ${fetch("following")}
    }
    ${multiply}
    workgroupBarrier();
  }
  ${ofPart(writePart)}
}
`;
}
