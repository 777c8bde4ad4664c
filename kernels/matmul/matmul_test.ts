import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { type GpuContext, paramFieldsOf } from "../../lib/gpu/mod.ts";
import { type MatmulCase, randomFactors, TEST_CASES, tolerance } from "./matmul_cases.ts";
import {
  chooseTile,
  LARGE_TILE,
  matmul,
  MatmulKernel,
  matmulSpec,
  planMatmul,
  SMALL_TILE,
  type Tile,
} from "./mod.ts";
import { matmulReference } from "./reference.ts";

Deno.test("matmul() equals the definition", () => {
  for (const one of TEST_CASES) {
    const { a, b, bias } = randomFactors(one, 1);
    // Double precision inside: the rounding of the result.
    const atol = 2 ** -40, rtol = 2 ** -23;
    allClose(
      matmul(a, b, bias, one, one),
      matmulReference(a, b, bias, one, one),
      { rtol, atol },
      one.name,
    );
  }
});

const TILES: Record<string, Tile> = { large: LARGE_TILE, small: SMALL_TILE };

/** What the kernel gives for all cases, beside the definition. */
async function checkCases(ctx: GpuContext, tile: Tile, half: boolean): Promise<void> {
  for (const one of TEST_CASES) {
    const { a, b: exact, bias } = randomFactors(one, half ? 4 : 2), { batch, m, n, k } = one;
    const b = half ? Float16Array.from(exact) : exact;
    const kernel = await MatmulKernel.create(ctx, one, { ...one, half }, tile);
    using left = ctx.upload("a", [batch, m, k], a);
    using right = ctx.upload("b", [batch, n, k], b);
    using added = bias && ctx.upload("bias", [n], bias);
    // What no tile writes would stay.
    using c = ctx.upload("c", [batch, m, n], new Float32Array(batch * m * n).fill(NaN));
    await ctx.submit(
      "matmul",
      (encoder) => kernel.encode(encoder, { a: left, b: right, bias: added, c }),
    );
    const expected = matmulReference(a, b, bias, one, one);
    allClose(await ctx.read(c), expected, { atol: tolerance(one) }, one.name);
    allClose(matmul(a, b, bias, one, one), expected, { rtol: 2 ** -23, atol: 2 ** -40 });
  }
}

for (const [name, tile] of Object.entries(TILES)) {
  gpuTest(
    `matmul equals the definition in ${name} tiles`,
    (ctx) => checkCases(ctx, tile, false),
  );
  gpuTest(
    `matmul of weights in half precision equals the definition in ${name} tiles`,
    async (ctx) => {
      if (ctx.device.features.has("shader-f16")) await checkCases(ctx, tile, true);
    },
  );
}

gpuTest("matmul of weights in half precision adds up in single precision", async (ctx) => {
  if (!ctx.device.features.has("shader-f16")) return;
  // In half precision 1 + 1/4096 is 1, however often it is added.
  const shape = { batch: 1, m: 1, n: 1, k: 512 }, form = { transposed: true, bias: false };
  const b = Float16Array.from({ length: 512 }, (_, i) => i === 0 ? 1 : 1 / 4096);
  const kernel = await MatmulKernel.create(ctx, shape, { ...form, half: true });
  using left = ctx.upload("a", [512], new Float32Array(512).fill(1));
  using right = ctx.upload("b", [512], b), c = ctx.alloc("c", [1], "f32");
  await ctx.submit("matmul", (encoder) => kernel.encode(encoder, { a: left, b: right, c }));
  equal((await ctx.read(c))[0], 1 + 511 / 4096);
});

gpuTest("matmul of one factor with three gives the bits of three products", async (ctx) => {
  for (const [name, tile] of Object.entries(TILES)) {
    for (const half of ctx.device.features.has("shader-f16") ? [false, true] : [false]) {
      for (const one of TEST_CASES) {
        const { batch, m, n, k, bias } = one;
        using owned = new DisposableStack();
        const a = owned.use(ctx.upload("a", [batch, m, k], randomFactors(one, 5).a));
        const parts = [6, 7, 8].map((seed) => {
          const { b, bias } = randomFactors(one, seed);
          const weights = half ? Float16Array.from(b) : b;
          return {
            b: owned.use(ctx.upload("b", [batch, n, k], weights as Float32Array)),
            bias: bias && owned.use(ctx.upload("bias", [n], bias)),
          };
        });
        const nowhere = () =>
          owned.use(ctx.upload("c", [batch, m, n], new Float32Array(batch * m * n).fill(NaN)));
        const expected = parts.map((part) => ({ ...part, c: nowhere() }));
        const found = parts.map((part) => ({ ...part, c: nowhere() }));
        const form = { transposed: one.transposed, bias, half };
        const single = await MatmulKernel.create(ctx, one, form, tile);
        const triple = await MatmulKernel.create(ctx, one, { ...form, products: 3 }, tile);
        await ctx.submit("products", (encoder) => {
          for (const part of expected) single.encode(encoder, { a, ...part });
          triple.encodeAll(encoder, a, found);
        });
        const all = await ctx.readAll([...expected, ...found].map(({ c }) => c));
        deepEqual(all.slice(3), all.slice(0, 3), `${one.name}, ${name} tiles`);
      }
    }
  }
});

gpuTest("matmul neither reads nor writes past its shapes", async (ctx) => {
  const one: MatmulCase = { name: "", batch: 1, m: 5, n: 6, k: 7, transposed: false, bias: false };
  const kernel = await MatmulKernel.create(ctx, one, one);
  const { a, b } = randomFactors(one, 3);
  // Whatever lies behind the factors is no number, and whatever lies behind the result stays.
  const behind = (values: Float32Array) =>
    Float32Array.from([...values, ...new Array(64).fill(NaN)]);
  using left = ctx.upload("a", [99], behind(a)), right = ctx.upload("b", [106], behind(b));
  using c = ctx.upload("c", [94], new Float32Array(94).fill(7));
  const part = (tensor: typeof c, count: number) =>
    ctx.borrow("part", tensor.buffer, [count], "f32");
  await ctx.submit(
    "matmul",
    (encoder) => kernel.encode(encoder, { a: part(left, 35), b: part(right, 42), c: part(c, 30) }),
  );
  const found = await ctx.read(c);
  allClose(found.subarray(0, 30), matmulReference(a, b, undefined, one, one), {
    atol: tolerance(one),
  });
  deepEqual(found.subarray(30), new Float32Array(64).fill(7));
});

gpuTest("MatmulKernel refuses sizes that do not fit", async (ctx) => {
  const shape = { batch: 1, m: 2, n: 3, k: 4 };
  const kernel = await MatmulKernel.create(ctx, shape, { transposed: true, bias: true });
  using a = ctx.alloc("a", [8], "f32"), b = ctx.alloc("b", [12], "f32");
  using c = ctx.alloc("c", [6], "f32"), bias = ctx.alloc("bias", [2], "f32");
  throws(
    () => kernel.encode(null as never, { a, b, c, bias }),
    /"bias" must have 3 elements: current value is 2/,
  );
  throws(() => kernel.encode(null as never, { a: b, b, c, bias }), /"b" must have 8 elements/);
});

Deno.test("matmulSpec() lays out its parameters as the shader does", () => {
  for (const bias of [true, false]) {
    for (const products of [1, 3]) {
      const variant = { bias, transposed: true, vectors: true, products };
      const { source, params, bindings } = matmulSpec(variant, LARGE_TILE);
      deepEqual(paramFieldsOf(source), params.fields);
      equal([...source.matchAll(/@group\(0\)/g)].length, bindings.length);
    }
  }
});

Deno.test("planMatmul() gives short sequences small tiles and covers every result", () => {
  const limits = { maxComputeWorkgroupsPerDimension: 65_535 };
  for (const [m, expected] of [[66, SMALL_TILE], [3312, LARGE_TILE]] as const) {
    const shape = { batch: 1, m, n: 1280, k: 1280 };
    equal(chooseTile(shape), expected);
    const { params, grid } = planMatmul(shape, { transposed: true, bias: true }, limits);
    equal(grid[0] * grid[1] * grid[2], params.tiles);
    ok(params.tilesAcross * expected.columns >= 1280 && params.tiles * expected.rows >= m);
  }
});
