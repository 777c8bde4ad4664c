import { columnMassGraph, columnMassReduction } from "../kernels/attention_column_mass/graph.ts";
import {
  AttentionColumnMass,
  columnMass,
  type Pattern,
} from "../kernels/attention_column_mass/mod.ts";
import { columnMassReference } from "../kernels/attention_column_mass/reference.ts";
import { type Backend, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { Graph } from "../lib/onnx/graph.ts";
import { allClose, deepEqual, equal } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";
import { gpuTest } from "./gpu.ts";
import { batchOf } from "./parity.ts";
import { fc } from "./property.ts";

/** f32 unit roundoff; every sum here has fewer than 128 terms, none negative. */
const ROUNDING = 128 * 2 ** -24;
const SMALLEST = 2 ** -149;

interface Sums {
  mass: ArrayLike<number>;
  count: ArrayLike<number>;
}

/** The next single-precision number above (steps 1) or below (−1) a positive one. */
function neighbour(value: number, steps: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer);
  bits[0] += steps;
  return new Float32Array(bits.buffer)[0];
}

/** Columns of many rows that hold θ, its neighbours, zeros, subnormal numbers and ones. */
function edges(theta: number, tokens: number): Pattern {
  const t = Math.fround(theta);
  const values = t > 0
    ? [t, neighbour(t, 1), neighbour(t, -1), 0, 1, t / 2, Math.min(1, 2 * t), SMALLEST]
    : [0, SMALLEST, 2 ** -130, 2 ** -126, 1e-30, 1, 0.5, -0];
  const batch = 2, heads = 3;
  const data = Float32Array.from(
    { length: batch * heads * tokens * tokens },
    // A stride prime to both extents puts every value into every column and row.
    (_, i) => values[(i * 3 + Math.floor(i / tokens) * 5) % values.length],
  );
  return { batch, heads, tokens, data };
}

/** Rows as ranges, for twin and kernel, and as the mask that the graph takes. */
function rowsOf({ batch, tokens }: Pattern) {
  const ranges = Array.from({ length: batch }, (_, b) => [1, tokens - 1 - 3 * b]);
  const mask = new Float32Array(batch * tokens);
  ranges.forEach(([begin, end], b) => mask.fill(1, b * tokens + begin, b * tokens + end));
  return { ranges: Uint32Array.from(ranges.flat()), mask };
}

async function inGraph(backend: Backend, pattern: Pattern, mask: Float32Array, theta: number) {
  const { batch, heads, tokens, data } = pattern;
  const g = new Graph("sums");
  const input = g.input("pattern", "float32", [batch, heads, tokens, tokens]);
  const rows = g.input("rows", "float32", [batch, 1, 1, tokens]);
  const { mass, count } = columnMassGraph(g, input, rows, theta);
  g.output("mass", mass);
  g.output("count", count);
  await using program = await backend.compile(g);
  using given = backend.upload("pattern", [batch, heads, tokens, tokens], data);
  using givenRows = backend.upload("rows", [batch, 1, 1, tokens], mask);
  const shape = [batch, heads, 1, tokens];
  const out = await program.run({ pattern: given, rows: givenRows }, { mass: shape, count: shape });
  using _mass = out.mass, _count = out.count;
  return { mass: await out.mass.read(), count: await out.count.read() };
}

function agree(actual: Sums, pattern: Pattern, ranges: Uint32Array, theta: number, label: string) {
  const expected = columnMassReference(pattern, ranges, theta);
  deepEqual(Array.from(actual.count), Array.from(expected.count), `${label} count`);
  allClose(actual.mass, expected.mass, { rtol: ROUNDING }, `${label} mass`);
}

const THETAS = [0, 0.1, 0.3, 0.5, 0.7, 0.999, 1, 1e-3, 1e-6, 1e-20];

Deno.test("column sums compare strictly with θ, zeros and subnormals included: twin", () => {
  for (const theta of THETAS) {
    const pattern = edges(theta, 33), { ranges } = rowsOf(pattern);
    agree(columnMass(pattern, ranges, theta), pattern, ranges, theta, `θ ${theta}`);
  }
});

for (const name of ["cpu", "wasm"] as const) {
  Deno.test({
    name: `column sums compare strictly with θ, zeros and subnormals included: graph on ${name}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await using backend = (await openBackend(name)).backend;
      for (const theta of THETAS) {
        const pattern = edges(theta, 33), { ranges, mask } = rowsOf(pattern);
        const found = await inGraph(backend, pattern, mask, theta);
        agree(found, pattern, ranges, theta, `${name} θ ${theta}`);
      }
      equal(backend.liveBytes, 0);
    },
  });

  Deno.test({
    name: `column sums of a padded batch equal those of the attention itself on ${name}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await using backend = (await openBackend(name)).backend;
      using checkpoint = await openCheckpoint(tinyPath);
      await using model = await Esm2.open(checkpoint, backend);
      const batch = batchOf(["NLYIQWLKDGGPSSGRPPPS", "M", "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKK"]);
      const { size, width, lengths } = batch, { heads, layers } = model.config;
      const ranges = Uint32Array.from(lengths.flatMap((length) => [1, length - 1]));
      const rows = new Float32Array(size * width);
      lengths.forEach((length, b) => rows.fill(1, b * width + 1, b * width + length - 1));
      for (const threshold of [0.3, 0]) {
        const expected: Sums[] = [], found: Sums[] = [];

        using _ = await model.run(batch, {
          visitor: {
            async attention({ layer, begin, end, pattern }) {
              equal(end - begin, heads);
              const data = await pattern.read();
              expected[layer] = columnMass(
                { batch: size, heads, tokens: width, data },
                ranges,
                threshold,
              );
            },
            reduction: {
              ...columnMassReduction(batch, { threshold, rows }),
              wants: (layer) => layer !== 1,
              async visit({ layer, values: { mass, count } }) {
                found[layer] = { mass: await mass.read(), count: await count.read() };
              },
            },
          },
        });
        equal(found[1], undefined, "a layer that is not wanted is not summed");
        for (let layer = 0; layer < layers; layer++) {
          if (layer === 1) continue;
          const label = `layer ${layer} θ ${threshold}`;
          deepEqual(Array.from(found[layer].count), Array.from(expected[layer].count), label);
          allClose(found[layer].mass, expected[layer].mass, { rtol: ROUNDING }, label);
          // Columns of the padding receive nothing.
          lengths.forEach((length, b) => {
            for (let h = 0; h < heads; h++) {
              for (let t = length; t < width; t++) {
                equal(found[layer].mass[(b * heads + h) * width + t], 0);
              }
            }
          });
        }
      }
    },
  });
}

gpuTest("column sums compare strictly with θ, zeros included: WGSL", async (ctx) => {
  const kernel = await AttentionColumnMass.create(ctx);
  for (const theta of THETAS) {
    const pattern = edges(theta, 33), { ranges } = rowsOf(pattern);
    // A device may take subnormal numbers for zero, and θ = 0 is where that shows.
    pattern.data.forEach((a, i) => pattern.data[i] = a < 2 ** -126 ? 0 : a);
    const { batch, heads, tokens, data } = pattern;
    using attention = ctx.upload("pattern", [batch, heads, tokens, tokens], data);
    using rows = ctx.upload("rows", [batch, 2], ranges);
    const outputs = kernel.alloc(attention);
    using mass = outputs.mass, count = outputs.count;
    await ctx.submit(
      "column mass",
      (encoder) => kernel.encode(encoder, attention, rows, outputs, { theta }),
    );
    const found = { mass: await ctx.read(mass), count: await ctx.read(count) };
    agree(found, pattern, ranges, theta, `θ ${theta}`);
  }
});

Deno.test({
  name: "column sums: twin and graph agree on any attention and threshold",
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await using backend = (await openBackend("cpu")).backend;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5, max: 40 }),
        fc.oneof(fc.constant(0), fc.double({ min: 1e-20, max: 1, noNaN: true })),
        fc.integer(),
        async (tokens, theta, salt) => {
          const batch = 1, heads = 2;
          let state = salt >>> 0;
          const data = Float32Array.from({ length: heads * tokens * tokens }, () => {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
            const u = state / 2 ** 32;
            // A quarter of the entries is θ itself or next to it.
            const edge = [theta, neighbour(theta, 1), theta > 0 ? neighbour(theta, -1) : 0];
            return u < 0.25 ? edge[state % 3] : u * u * u;
          });
          const pattern = { batch, heads, tokens, data };
          const ranges = Uint32Array.of(1, tokens - 1);
          const mask = new Float32Array(tokens).fill(1, 1, tokens - 1);
          agree(columnMass(pattern, ranges, theta), pattern, ranges, theta, "twin");
          agree(await inGraph(backend, pattern, mask, theta), pattern, ranges, theta, "graph");
        },
      ),
      { numRuns: 40 },
    );
  },
});
