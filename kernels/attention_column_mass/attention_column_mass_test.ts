import { allClose, deepEqual, equal, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { randomPattern, TEST_CASES } from "./attention_column_mass_cases.ts";
import { AttentionColumnMass, columnMass, type Pattern } from "./mod.ts";
import { columnMassReference } from "./reference.ts";

const THETAS = [0, 0.02, 0.3];
/** f32 unit roundoff: all terms are non-negative, so each addition costs at most this, relatively. */
const ROUNDOFF = 2 ** -24;

/** Rows without the specials at both ends, and one padding token more per item, where they fit. */
function innerRows({ batch, tokens }: Pattern): Uint32Array {
  return Uint32Array.from(
    { length: 2 * batch },
    (_, i) => i % 2 === 0 ? Math.min(1, tokens - 1) : Math.max(1, tokens - 1 - (i >> 1)),
  );
}

/** Every fourth head typical, others uniform to peaky: the peaky ones have rows above 0.3. */
function mixedPattern(shape: { batch: number; heads: number; tokens: number }, seed: number) {
  const pattern = randomPattern(shape, seed, 1);
  const size = shape.heads * shape.tokens * shape.tokens;
  [0, 4, 8].forEach((sharpness, i) => {
    const other = randomPattern({ ...shape, batch: 1, heads: 1 }, seed + i + 1, sharpness).data;
    for (let b = 0; b < shape.batch; b++) {
      for (let head = i; head < shape.heads; head += 4) {
        pattern.data.set(other, b * size + head * shape.tokens * shape.tokens);
      }
    }
  });
  return pattern;
}

async function onGpu(
  ctx: GpuContext,
  kernel: AttentionColumnMass,
  pattern: Pattern,
  rows: Uint32Array,
  theta: number,
) {
  const { data, batch, heads, tokens } = pattern;
  using attention = ctx.upload("pattern", [batch, heads, tokens, tokens], data);
  using ranges = ctx.upload("rows", [batch, 2], rows);
  const outputs = kernel.alloc(attention);
  using mass = outputs.mass, count = outputs.count;
  await ctx.submit(
    "column mass",
    (encoder) => kernel.encode(encoder, attention, ranges, outputs, { theta }),
  );
  const [masses, counts] = await ctx.readAll([mass, count]);
  return { mass: masses, count: counts };
}

Deno.test("columnMass() equals the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    const pattern = mixedPattern(shape, shape.tokens), rows = innerRows(pattern);
    for (const theta of THETAS) {
      const expected = columnMassReference(pattern, rows, theta);
      const { mass, count } = columnMass(pattern, rows, theta);
      deepEqual([...count], [...expected.count], `${shape.name} count`);
      // Sums are double precision: what remains is the rounding of the result.
      allClose(mass, expected.mass, { rtol: 1.01 * ROUNDOFF }, `${shape.name} mass`);
    }
  }
});

gpuTest(
  "attention_column_mass.wgsl equals the reference for every shape and threshold",
  async (ctx) => {
    const kernel = await AttentionColumnMass.create(ctx);
    for (const shape of TEST_CASES) {
      const pattern = mixedPattern(shape, shape.tokens), rows = innerRows(pattern);
      for (const theta of THETAS) {
        const expected = columnMassReference(pattern, rows, theta);
        const { mass, count } = await onGpu(ctx, kernel, pattern, rows, theta);
        deepEqual([...count], [...expected.count], `${shape.name} count`);
        // The longest chain of additions: a lane's rows, then the lanes.
        const rtol = (Math.ceil(shape.tokens / 8) + 8) * ROUNDOFF;
        allClose(mass, expected.mass, { rtol }, `${shape.name} mass`);
      }
    }
  },
);

gpuTest("AttentionColumnMass gives the same for every tile", async (ctx) => {
  const pattern = mixedPattern({ batch: 2, heads: 3, tokens: 45 }, 5), rows = innerRows(pattern);
  const expected = columnMassReference(pattern, rows, 0.02);
  const tiles = [[1, 1], [7, 3], [64, 1], [16, 16], [1, 64], [256, 1]];
  for (const [columns, rowLanes] of tiles) {
    const kernel = await AttentionColumnMass.create(ctx, { columns, rowLanes });
    const { mass, count } = await onGpu(ctx, kernel, pattern, rows, 0.02);
    deepEqual([...count], [...expected.count], `${columns}x${rowLanes}`);
    allClose(mass, expected.mass, { rtol: 64 * ROUNDOFF }, `${columns}x${rowLanes}`);
  }
});

gpuTest("attention_column_mass.wgsl reads only its extents of a recycled buffer", async (ctx) => {
  const pattern = mixedPattern({ batch: 1, heads: 2, tokens: 9 }, 3), rows = innerRows(pattern);
  using buffer = ctx.upload(
    "recycled",
    [1000],
    Float32Array.from({ length: 1000 }, (_, i) => pattern.data[i] ?? 1e9),
  );
  const attention = ctx.borrow("pattern", buffer.buffer, [1, 2, 9, 9], "f32");
  using ranges = ctx.upload("rows", [1, 2], rows);
  const kernel = await AttentionColumnMass.create(ctx);
  const outputs = kernel.alloc(attention);
  using mass = outputs.mass, count = outputs.count;
  await ctx.submit(
    "column mass",
    (encoder) => kernel.encode(encoder, attention, ranges, outputs, { theta: 0 }),
  );
  const expected = columnMass(pattern, rows, 0);
  allClose(await ctx.read(mass), expected.mass, { rtol: 9 * ROUNDOFF });
  deepEqual(await ctx.read(count), expected.count);
});

/** Entries equal to θ, just above and just below, in three columns of four rows. */
function edgePattern(theta: number): Pattern {
  const equalTo = Math.fround(theta), step = 2 ** -25;
  const row = [equalTo, Math.fround(equalTo + step), Math.fround(equalTo - step), 0];
  return { batch: 1, heads: 1, tokens: 4, data: new Float32Array([row, row, row, row].flat()) };
}

gpuTest("Column mass compares strictly and in single precision on both processors", async (ctx) => {
  const kernel = await AttentionColumnMass.create(ctx);
  const rows = new Uint32Array([0, 4]);
  // 0.3 rounds up to single precision and 0.7 down.
  for (const theta of [0.3, 0.7]) {
    const pattern = edgePattern(theta);
    for (
      const result of [
        columnMass(pattern, rows, theta),
        await onGpu(ctx, kernel, pattern, rows, theta),
      ]
    ) {
      deepEqual([...result.count], [0, 4, 0, 0], `theta ${theta}`);
      allClose(result.mass, [0, 4 * pattern.data[1], 0, 0], { rtol: 4 * ROUNDOFF });
    }
  }
});

gpuTest("Column mass at theta 0 adds everything and counts exact zeros out", async (ctx) => {
  const kernel = await AttentionColumnMass.create(ctx);
  const tokens = 21, rows = new Uint32Array([1, 20]);
  const pattern = mixedPattern({ batch: 1, heads: 1, tokens }, 8);
  for (let i = 0; i < pattern.data.length; i += 5) pattern.data[i] = 0;
  // Smallest normal numbers: their product underflows without one of them being zero.
  for (let row = 0; row < tokens; row++) pattern.data[row * tokens + 2] = 2 ** -126;
  const expected = columnMassReference(pattern, rows, 0);
  equal(expected.count[2], 19);
  for (const result of [columnMass(pattern, rows, 0), await onGpu(ctx, kernel, pattern, rows, 0)]) {
    deepEqual([...result.count], [...expected.count]);
    allClose(result.mass, expected.mass, { rtol: tokens * ROUNDOFF });
  }
});

gpuTest("Column mass of an empty row range is zero on both processors", async (ctx) => {
  const kernel = await AttentionColumnMass.create(ctx);
  const pattern = mixedPattern({ batch: 2, heads: 1, tokens: 5 }, 2);
  const rows = new Uint32Array([3, 3, 0, 5]);
  for (const result of [columnMass(pattern, rows, 0), await onGpu(ctx, kernel, pattern, rows, 0)]) {
    deepEqual([...result.mass.subarray(0, 5)], [0, 0, 0, 0, 0]);
    deepEqual([...result.count], [0, 0, 0, 0, 0, 5, 5, 5, 5, 5]);
  }
});

Deno.test("columnMass() over all rows of a softmaxed pattern sums to the number of rows", () => {
  const pattern = mixedPattern({ batch: 1, heads: 4, tokens: 50 }, 11);
  const { mass } = columnMass(pattern, new Uint32Array([0, 50]), 0);
  for (let head = 0; head < 4; head++) {
    const total = mass.subarray(head * 50, head * 50 + 50).reduce((sum, value) => sum + value, 0);
    allClose([total], [50], { rtol: 50 * ROUNDOFF });
  }
});

Deno.test("columnMass() reads a view of a larger array", () => {
  const pattern = mixedPattern({ batch: 1, heads: 2, tokens: 19 }, 4), rows = innerRows(pattern);
  const larger = new Float32Array(pattern.data.length + 7).fill(1);
  larger.set(pattern.data, 3);
  const data = larger.subarray(3, 3 + pattern.data.length);
  for (const theta of THETAS) {
    deepEqual(columnMass({ ...pattern, data }, rows, theta), columnMass(pattern, rows, theta));
  }
});

Deno.test("columnMass() commutes with a permutation of heads", () => {
  const heads = 6, tokens = 23, size = tokens * tokens;
  const order = fc.shuffledSubarray([...Array(heads).keys()], { minLength: heads });
  fc.assert(
    fc.property(order, fc.constantFrom(...THETAS), fc.nat(1000), (permutation, theta, seed) => {
      const pattern = randomPattern({ batch: 1, heads, tokens }, seed, 5);
      const data = new Float32Array(pattern.data.length);
      permutation.forEach((from, to) =>
        data.set(pattern.data.subarray(from * size, (from + 1) * size), to * size)
      );
      const rows = new Uint32Array([1, tokens - 1]);
      const plain = columnMass(pattern, rows, theta);
      const permuted = columnMass({ ...pattern, data }, rows, theta);
      permutation.forEach((from, to) => {
        for (const key of ["mass", "count"] as const) {
          deepEqual(
            permuted[key].subarray(to * tokens, (to + 1) * tokens),
            plain[key].subarray(from * tokens, (from + 1) * tokens),
          );
        }
      });
    }),
    { numRuns: 20 },
  );
});

Deno.test("columnMass() refuses thresholds, sizes and row ranges that do not fit", () => {
  const pattern = randomPattern({ batch: 1, heads: 1, tokens: 4 }, 1, 1);
  const all = new Uint32Array([0, 4]);
  for (const theta of [-0.1, NaN, Infinity]) {
    throws(() => columnMass(pattern, all, theta), /theta must be a finite number >= 0/);
  }
  throws(
    () => columnMass(pattern, new Uint32Array([0, 5]), 0),
    /item 0 must lie in 0\.\.4.*0\.\.5/,
  );
  throws(() => columnMass(pattern, new Uint32Array([3, 2]), 0), /current value is 3\.\.2/);
  throws(() => columnMass(pattern, new Uint32Array(4), 0), /rows must have 2 elements/);
  throws(() => columnMass({ ...pattern, heads: 2 }, all, 0), /current value has 16 elements/);
});

gpuTest("AttentionColumnMass refuses shapes and thresholds that do not fit", async (ctx) => {
  const kernel = await AttentionColumnMass.create(ctx);
  using flat = ctx.alloc("flat", [4, 4], "f32");
  using pattern = ctx.alloc("pattern", [1, 2, 4, 4], "f32");
  using rows = ctx.alloc("rows", [2, 2], "u32");
  throws(() => kernel.alloc(flat), /"flat" must be \[B, H, T, T\]: current value is \[4, 4\]/);
  const outputs = kernel.alloc(pattern);
  using mass = outputs.mass, _count = outputs.count;
  const encoder = ctx.device.createCommandEncoder();
  throws(
    () => kernel.encode(encoder, pattern, rows, outputs, { theta: 0 }),
    /"rows" must be \[1, 2\]: current value is \[2, 2\]/,
  );
  using row = ctx.borrow("row", rows.buffer, [1, 2], "u32");
  throws(
    () => kernel.encode(encoder, pattern, row, { ...outputs, mass: flat }, { theta: 0 }),
    /"flat" must be \[1, 2, 4\]/,
  );
  throws(() => kernel.encode(encoder, pattern, row, outputs, { theta: -1 }), /theta must be/);
  equal(mass.length, 8);
});
