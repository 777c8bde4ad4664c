import { KernelTable, paramFieldsOf } from "../lib/gpu/mod.ts";
import { COPY } from "../lib/bench/kernels/copy.ts";
import { FMA } from "../lib/bench/kernels/fma.ts";
import { deepEqual, equal, ok, throws } from "../tests/assert.ts";
import { gpuTest } from "../tests/gpu.ts";
import { ADAMW } from "./adamw/mod.ts";
import { APC } from "./apc_contacts/mod.ts";
import { COLUMN_MASS } from "./attention_column_mass/mod.ts";
import { IG } from "./ig_step/mod.ts";
import { JACOBIAN_NORM } from "./jacobian_norm/mod.ts";
import { MUON } from "./muon/mod.ts";
import { POOL_ROWS } from "./pool_rows/mod.ts";
import { SITE_BASELINE } from "./site_baseline/mod.ts";
import { SITE_SETS } from "./site_baseline/sampler.ts";
import { SPARSE_DECODE } from "./sparse_decode/mod.ts";
import { TOKEN_LOG_PROBS } from "./token_log_probs/mod.ts";
import { ENCODE } from "./topk_sae_encode/mod.ts";

const TABLES = [
  ...Object.values(ADAMW),
  ...Object.values(APC),
  ...Object.values(IG),
  ...Object.values(MUON),
  ...Object.values(ENCODE),
  ...[
    COLUMN_MASS,
    JACOBIAN_NORM,
    POOL_ROWS,
    SITE_BASELINE,
    SITE_SETS,
    SPARSE_DECODE,
    TOKEN_LOG_PROBS,
  ],
  ...[COPY, FMA],
] as const;

const camelCase = (name: string) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** Name, access and element type of the storage variables of WGSL text, by their number. */
function bindingsOf(source: string): unknown[] {
  const pattern =
    /@group\(0\) @binding\((\d+)\) var<storage, (read|read_write)> (\w+): array<(?:vec\d)?([fui])(?:32)?>;/g;
  return [...source.matchAll(pattern)].map(([, number, access, name, type], i) => {
    equal(Number(number), i, name);
    return [camelCase(name), camelCase(access), `${type}32`];
  });
}

for (const { rows, spec } of TABLES.map((table) => ({ rows: table.rows, spec: table.spec() }))) {
  Deno.test(`the table of ${rows.label} has its shader's variables and numbers, in order`, () => {
    const own = Object.entries(rows.bindings).map((
      [name, [access, dtype]],
    ) => [name, access, dtype]);
    deepEqual(own, bindingsOf(rows.source));
    deepEqual(paramFieldsOf(rows.source), spec.params.fields);
    deepEqual(spec.bindings, own.map(([, access]) => access));
  });
}

Deno.test("every shader with variables is in a table", async () => {
  for (const folder of ["./", "../lib/bench/kernels/"]) {
    await checkFolder(new URL(folder, import.meta.url));
  }
});

async function checkFolder(folder: URL): Promise<void> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) await checkFolder(new URL(`${name}/`, folder));
    if (!name.endsWith(".wgsl")) continue;
    const text = await Deno.readTextFile(new URL(name, folder));
    if (!text.includes("@binding")) continue;
    ok(TABLES.some(({ rows }) => rows.source.includes(text)), name);
  }
}

gpuTest("KernelTable checks types and shapes, and makes what is missing", (ctx) => {
  const table = new KernelTable({
    ...{ label: "toy", action: "play", source: "" },
    bindings: {
      x: ["read", "f32", "N 3"],
      y: ["read", "u32", "N N"],
      z: ["readWrite", "f32", "N"],
    },
    params: { n: "N", scale: "f32" },
  });
  using x = ctx.alloc("x", [2, 3], "f32");
  using flat = ctx.alloc("flat", [6], "f32");
  using y = ctx.alloc("y", [2, 4], "u32");
  deepEqual(table.extents({ x }), { N: 2, 3: 3 });
  throws(() => table.extents({ x: flat }), /Cannot play as "flat" must be \[N, 3\].* \[6\]/);
  throws(() => table.extents({ x, y }), /"y" must be \[2, 2\]: current value is \[2, 4\]/);
  throws(() => table.extents({ x }, { N: 5 }), /"x" must be \[5, 3\]/);
  throws(() => table.extents({ y: x as never }), /"x" must be u32: current value is f32/);
  using z = table.alloc(ctx, "z", table.extents({ x }));
  deepEqual([z.shape, z.dtype], [[2], "f32"]);
  deepEqual(table.spec().params.fields, [["n", "u32"], ["scale", "f32"]]);
  return Promise.resolve();
});
