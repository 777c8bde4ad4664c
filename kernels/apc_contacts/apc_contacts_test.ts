import { allClose, equal, ok, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { randomPattern, TEST_CASES } from "./apc_contacts_cases.ts";
import { ApcContacts, apcContacts } from "./mod.ts";
import { apcContactsReference } from "./reference.ts";
import type { Pattern } from "./types.ts";

/** Residues without the specials at both ends, and one padding token more per item. */
function residues({ batch, tokens }: Pattern): Uint32Array {
  return Uint32Array.from(
    { length: 2 * batch },
    (_, i) => i % 2 === 0 ? 1 : Math.max(1, tokens - 1 - (i >> 1)),
  );
}

const weightsOf = (heads: number) => Float32Array.from({ length: heads }, (_, h) => (h % 5) - 1.5);

/**
 * Entries are at most 2, the sum over heads at most a few; single precision sums of T terms in the
 * correction are relative to values of that size.
 */
const atol = ({ heads, tokens }: Pattern) => 2 ** -24 * heads * (8 + tokens / 4);

async function onGpu(
  ctx: GpuContext,
  kernel: ApcContacts,
  pattern: Pattern,
  ranges: Uint32Array,
  weights: Float32Array,
  start: Float32Array,
) {
  const { data, batch, heads, tokens } = pattern;
  using attention = ctx.upload("pattern", [batch, heads, tokens, tokens], data);
  using rows = ctx.upload("ranges", [batch, 2], ranges);
  using own = ctx.upload("weights", [heads], weights);
  using contacts = ctx.upload("contacts", [batch, tokens, tokens], start);
  using scratch = kernel.alloc(attention);
  await ctx.submit(
    "contacts",
    (encoder) => kernel.encode(encoder, attention, rows, own, contacts, scratch),
  );
  return await ctx.read(contacts);
}

Deno.test("apcContacts() equals the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    const pattern = randomPattern(shape, shape.tokens, 4), ranges = residues(pattern);
    const weights = weightsOf(shape.heads);
    const expected = apcContactsReference(pattern, ranges, weights);
    const found = new Float32Array(expected.length);
    apcContacts(pattern, ranges, weights, found);
    // Double precision inside: what remains is the rounding of the result.
    allClose(found, expected, { atol: 1e-9, rtol: 2 ** -23 }, shape.name);
  }
});

gpuTest(
  "apc_contacts.wgsl equals the reference for every shape and adds to the map",
  async (ctx) => {
    const kernel = await ApcContacts.create(ctx);
    for (const shape of TEST_CASES) {
      const pattern = randomPattern(shape, shape.tokens, 4), ranges = residues(pattern);
      const weights = weightsOf(shape.heads);
      const expected = apcContactsReference(pattern, ranges, weights).map((x) => x + 1);
      const start = new Float32Array(expected.length).fill(1);
      const found = await onGpu(ctx, kernel, pattern, ranges, weights, start);
      allClose(found, expected, { atol: atol(pattern) }, shape.name);
    }
  },
);

gpuTest("ApcContacts gives the same for every tile", async (ctx) => {
  const pattern = randomPattern({ batch: 2, heads: 3, tokens: 45 }, 5, 4);
  const ranges = residues(pattern), weights = weightsOf(3);
  const expected = apcContactsReference(pattern, ranges, weights);
  for (const [lanes, side] of [[1, 1], [7, 3], [64, 8], [256, 16]]) {
    const kernel = await ApcContacts.create(ctx, { lanes, side });
    const start = new Float32Array(expected.length);
    const found = await onGpu(ctx, kernel, pattern, ranges, weights, start);
    allClose(found, expected, { atol: atol(pattern) }, `${lanes} lanes, side ${side}`);
  }
});

gpuTest("Attention without mass among residues adds nothing on both processors", async (ctx) => {
  const kernel = await ApcContacts.create(ctx);
  const tokens = 6, data = new Float32Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) data[i * tokens] = 1;
  const pattern = { batch: 1, heads: 1, tokens, data }, ranges = new Uint32Array([1, 5]);
  const weights = new Float32Array([2]), start = new Float32Array(tokens * tokens);
  equal((await onGpu(ctx, kernel, pattern, ranges, weights, start)).every((x) => x === 0), true);
  apcContacts(pattern, ranges, weights, start);
  equal(start.every((x) => x === 0), true);
});

Deno.test("apcContacts() of one head is symmetric and its rows sum to zero", () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 40 }), fc.nat(1000), (tokens, seed) => {
      const pattern = randomPattern({ batch: 1, heads: 1, tokens }, seed, 4);
      const map = new Float32Array(tokens * tokens);
      apcContacts(pattern, new Uint32Array([1, tokens - 1]), [1], map);
      for (let i = 0; i < tokens; i++) {
        let sum = 0;
        for (let j = 0; j < tokens; j++) {
          equal(map[i * tokens + j], map[j * tokens + i]);
          sum += map[i * tokens + j];
        }
        ok(Math.abs(sum) <= 2 * tokens * 2 ** -24, `row ${i}: ${sum}`);
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("apcContacts() refuses weights and ranges that do not fit", () => {
  const pattern = randomPattern({ batch: 1, heads: 2, tokens: 4 }, 1, 1),
    map = new Float32Array(16);
  throws(() => apcContacts(pattern, new Uint32Array([1, 3]), [1], map), /must have 2 elements/);
  throws(() => apcContacts(pattern, new Uint32Array([1, 5]), [1, 1], map), /must lie in 0\.\.4/);
});

gpuTest("ApcContacts refuses tensors that do not fit", async (ctx) => {
  const kernel = await ApcContacts.create(ctx);
  using pattern = ctx.alloc("pattern", [1, 2, 5, 5], "f32");
  using ranges = ctx.alloc("ranges", [1, 2], "u32");
  using weights = ctx.alloc("weights", [3], "f32");
  using map = ctx.alloc("map", [1, 5, 5], "f32");
  using scratch = kernel.alloc(pattern);
  throws(
    () => kernel.encode(null as never, pattern, ranges, weights, map, scratch),
    /"weights" must be \[2\]: current value is \[3\]/,
  );
});
