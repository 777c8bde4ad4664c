import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { readFixture } from "../../tests/fixtures.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { selectTopK, toSparse } from "../topk_sae_encode/mod.ts";
import { rowsOfTop, SparseDecode, sparseDecode } from "./mod.ts";
import { decodeReference } from "./reference.ts";
import { type DecodeCase, randomDecode, TEST_CASES } from "./sparse_decode_cases.ts";

const EPS = 2 ** -24;
type Input = ReturnType<typeof randomDecode>;

async function onGpu(
  ctx: GpuContext,
  kernel: SparseDecode,
  { tokens, entries, dModel }: DecodeCase,
  input: Input,
  withAddend: boolean,
) {
  using owned = new DisposableStack();
  const decoder = owned.use(kernel.upload(input.decoder));
  const latents = {
    topActs: owned.use(ctx.upload("top_acts", [tokens, entries], input.topActs)),
    topIndices: owned.use(ctx.upload("top_indices", [tokens, entries], input.topIndices)),
    mean: owned.use(ctx.upload("mean", [tokens], input.scale.mean)),
    std: owned.use(ctx.upload("std", [tokens], input.scale.std)),
  };
  const addend = owned.use(ctx.upload("addend", [tokens, dModel], input.addend));
  const hidden = owned.use(ctx.alloc("hidden", [tokens, dModel], "f32"));
  await ctx.submit(
    "decode",
    (e) => kernel.encode(e, latents, decoder, hidden, withAddend ? addend : undefined),
  );
  return await ctx.read(hidden);
}

/** @param roundings how many of relative size 2^-24 a value goes through */
function check(
  found: ArrayLike<number>,
  { hidden, magnitudes }: ReturnType<typeof decodeReference>,
  roundings: number,
  label: string,
): void {
  equal(found.length, hidden.length, label);
  for (let i = 0; i < hidden.length; i++) {
    const bound = roundings * EPS * magnitudes[i];
    const error = Math.abs(found[i] - hidden[i]);
    ok(error <= bound, `${label}: [${i}] ${found[i]} expected ${hidden[i]}, bound ${bound}`);
  }
}

Deno.test("sparseDecode() equals the double-precision reference, with and without addend", () => {
  for (const shape of TEST_CASES) {
    const { rows, decoder, scale, addend } = randomDecode(shape, 3);
    for (const extra of [undefined, addend]) {
      const expected = decodeReference(rows, decoder, scale, extra);
      check(sparseDecode(rows, decoder, scale, extra), expected, 1.01, shape.name);
    }
  }
});

gpuTest("sparse_decode.wgsl equals the reference for every shape", async (ctx) => {
  const kernel = await SparseDecode.create(ctx);
  for (const shape of TEST_CASES) {
    const input = randomDecode(shape, 3), { rows, decoder, scale, addend } = input;
    for (const extra of [undefined, addend]) {
      const expected = decodeReference(rows, decoder, scale, extra);
      const found = await onGpu(ctx, kernel, shape, input, extra !== undefined);
      // A product and a sum per entry at worst, and the four operations at the end.
      check(found, expected, 2 * shape.entries + 4, shape.name);
    }
  }
});

gpuTest("SparseDecode gives the same bits for every workgroup and again", async (ctx) => {
  const shape = TEST_CASES[6], input = randomDecode(shape, 9);
  const expected = await onGpu(ctx, await SparseDecode.create(ctx), shape, input, true);
  for (const lanes of [1, 33, 128, 256]) {
    const kernel = await SparseDecode.create(ctx, lanes);
    deepEqual(await onGpu(ctx, kernel, shape, input, true), expected, `${lanes} lanes`);
  }
});

Deno.test("sparseDecode() does not see zeros nor the rows of the decoder that are not listed", () => {
  fc.assert(fc.property(fc.nat(1000), fc.integer({ min: 1, max: 9 }), (seed, entries) => {
    const shape = { name: "", tokens: 3, entries, latents: 11, dModel: 6 };
    const { topActs, topIndices, rows, decoder, scale } = randomDecode(shape, seed);
    const sparse = toSparse({ topActs, topIndices }, 3, 11);
    const used = new Set(sparse.indices);
    const wDec = decoder.wDec.map((x, i) => used.has(Math.floor(i / 6)) ? x : NaN);
    const found = sparseDecode(sparse, { ...decoder, wDec }, scale);
    // Sorted by latent: another order of summation in double precision.
    const expected = decodeReference(rows, decoder, scale);
    check(found, expected, 1.01, "sparse");
  }));
});

Deno.test("sparseDecode() is affine: decoded differences do not depend on bias and mean", () => {
  const shape = TEST_CASES[3], { rows, decoder, scale } = randomDecode(shape, 4);
  const nothing = { ...rows, values: new Float32Array(rows.values.length) };
  const own = sparseDecode(rows, decoder, scale), base = sparseDecode(nothing, decoder, scale);
  const twice = { ...rows, values: rows.values.map((x) => 2 * x) };
  const found = sparseDecode(twice, decoder, scale);
  allClose(found, own.map((x, i) => 2 * x - base[i]), { rtol: 1e-5, atol: 1e-4 });
});

Deno.test("sparseDecode() of the fixture's latents is its reconstruction; with the error the stream", () => {
  const f = readFixture("tiny_sae_ig_hp36");
  const at = (name: string) => f[name].data as Float32Array;
  const decoder = { wDec: at("w_dec"), bPre: at("b_pre") };
  const scale = { mean: at("mu"), std: at("std") };
  const top = selectTopK(at("latents"), 38, 256, 16);
  const sparse = toSparse(top, 38, 256);
  const largest = at("hidden").reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  // Latents, scale and error are stored in single precision.
  const tolerance = { atol: 8 * EPS * largest };
  allClose(sparseDecode(sparse, decoder, scale), at("reconstruction"), tolerance);
  allClose(
    sparseDecode(rowsOfTop(top, 38, 256), decoder, scale, at("error")),
    at("hidden"),
    tolerance,
  );
});

Deno.test("sparseDecode() refuses sizes that do not fit and latents beyond the decoder", () => {
  const { rows, decoder, scale } = randomDecode(TEST_CASES[2], 1);
  const far = { ...rows, indices: rows.indices.map((j, i) => i === 4 ? 7 : j) };
  throws(() => sparseDecode(far, decoder, scale), /below 7: current value of entry 4 is 7/);
  throws(
    () => sparseDecode(rows, decoder, { ...scale, std: new Float32Array(1) }),
    /std must have 2/,
  );
  throws(() => sparseDecode(rows, decoder, scale, new Float32Array(3)), /addend must have 62/);
});

gpuTest("SparseDecode refuses tensors that do not fit", async (ctx) => {
  const kernel = await SparseDecode.create(ctx);
  using decoder = kernel.upload({ wDec: new Float32Array(12), bPre: new Float32Array(3) });
  using topActs = ctx.alloc("top_acts", [2, 2], "f32");
  using topIndices = ctx.alloc("top_indices", [2, 2], "u32");
  using mean = ctx.alloc("mean", [2], "f32");
  using std = ctx.alloc("std", [3], "f32");
  throws(
    () => kernel.encode(null as never, { topActs, topIndices, mean, std }, decoder, mean),
    /"std" must be \[2\]: current value is \[3\]/,
  );
});
