import { allClose, deepEqual, ok, rejects, throws } from "../../tests/assert.ts";
import { readFixture } from "../../tests/fixtures.ts";
import { gpuTest } from "../../tests/gpu.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { openBackend } from "../../lib/backend/mod.ts";
import {
  centreTokens,
  type EncodeLanes,
  type Normalisation,
  saeEncodeGraph,
  TopkSaeEncode,
  topkSaeEncode,
} from "./mod.ts";
import { encodeReference, selectReference } from "./reference.ts";
import {
  type EncodeCase,
  randomEncoder,
  randomValues,
  TEST_CASES,
} from "./topk_sae_encode_cases.ts";

const NORMALISATIONS: readonly Normalisation[] = ["zscore", "rms", "none"];
const EPS = 2 ** -24;

const inputOf = (shape: EncodeCase, seed = 7) => ({
  hidden: randomValues(shape.tokens * shape.dModel, seed, 20).map((x) => x + 3),
  sae: randomEncoder(shape, seed),
});
type Encoder = ReturnType<typeof randomEncoder>;

async function onGpu(
  ctx: GpuContext,
  kernel: TopkSaeEncode,
  values: Float32Array,
  encoder: Encoder,
  k: number,
  normalisation: Normalisation,
  rows?: number,
) {
  const dModel = encoder.bPre.length, tokens = values.length / dModel;
  using sae = kernel.upload(encoder);
  using hidden = ctx.upload("hidden", [tokens, dModel], values);
  using result = kernel.alloc(tokens, sae, k, rows);
  await ctx.submit("encode", (e) => kernel.encode(e, hidden, sae, result, { normalisation }));
  const { topActs, topIndices, preActs, mean, std } = result;
  const [acts, indices, pre, m, s] = await ctx.readAll([topActs, topIndices, preActs, mean, std]);
  return { topActs: acts, topIndices: indices, preActs: pre, mean: m, std: s };
}

/** The selection must be that of the pre-activations it was made from, to the bit. */
function checkSelection(
  found: { topActs: Float32Array; topIndices: Uint32Array; preActs: Float32Array },
  { latents, k }: { latents: number; k: number },
  label: string,
): void {
  const order = selectReference(found.preActs, latents, k);
  deepEqual([...found.topIndices], order.flat(), label);
  const acts = order.flatMap((row, n) =>
    row.map((j) => Math.max(0, found.preActs[n * latents + j]) + 0)
  );
  deepEqual([...found.topActs], acts, label);
}

/** Rounding of a sum of D terms, mostly random, and of the normalisation before it. */
function checkPreActs(
  preActs: ArrayLike<number>,
  { preActs: expected, magnitudes }: ReturnType<typeof encodeReference>,
  dModel: number,
  label: string,
): void {
  for (let i = 0; i < expected.length; i++) {
    // Values of the token are up to 23 and deviate by 6 or more where they are scaled at all.
    const bound = EPS * (16 + 2 * Math.sqrt(dModel)) * (magnitudes[i] + 1);
    const error = Math.abs(preActs[i] - expected[i]);
    ok(error <= bound, `${label}: [${i}] ${preActs[i]} expected ${expected[i]}, bound ${bound}`);
  }
}

Deno.test("topkSaeEncode() equals the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    for (const normalisation of NORMALISATIONS) {
      const { hidden, sae } = inputOf(shape), { k, latents, name } = shape;
      const expected = encodeReference(hidden, sae, normalisation);
      const found = topkSaeEncode(hidden, sae, { normalisation, k });
      allClose(found.scale.mean, expected.mean, { rtol: EPS, atol: 1e-12 }, `${name} mean`);
      allClose(found.scale.std, expected.std, { rtol: EPS }, `${name} std`);
      checkPreActs(found.preActs, expected, 1, name);
      checkSelection(found, { latents, k }, name);
    }
  }
});

gpuTest("TopkSaeEncode equals the reference and selects exactly, for every shape", async (ctx) => {
  const kernel = await TopkSaeEncode.create(ctx);
  for (const shape of TEST_CASES) {
    for (const normalisation of NORMALISATIONS) {
      const { hidden, sae } = inputOf(shape), { k, latents, dModel, tokens, name } = shape;
      const expected = encodeReference(hidden, sae, normalisation);
      const found = await onGpu(ctx, kernel, hidden, sae, k, normalisation, tokens);
      const tolerance = { rtol: 16 * EPS, atol: 16 * EPS };
      allClose(found.mean, expected.mean, tolerance, `${name} mean`);
      allClose(found.std, expected.std, tolerance, `${name} std`);
      checkPreActs(found.preActs, expected, dModel, name);
      checkSelection(found, { latents, k }, name);
    }
  }
});

gpuTest("TopkSaeEncode gives the same bits whatever lanes, chunks and sort", async (ctx) => {
  const shape = { name: "", tokens: 70, dModel: 5, latents: 300, k: 100 };
  const { hidden, sae } = inputOf(shape);
  const expected = await onGpu(ctx, await TopkSaeEncode.create(ctx), hidden, sae, 100, "none");
  const variants: [Partial<EncodeLanes>, number | undefined][] = [
    [{}, 1],
    [{}, 33],
    [{ select: 1 }, 64],
    [{ select: 7, sorted: 100 }, undefined],
    [{ select: 256, sorted: 99 }, undefined],
    [{ select: 64, sorted: 1 }, 50],
  ];
  for (const [lanes, rows] of variants) {
    const kernel = await TopkSaeEncode.create(ctx, lanes);
    const found = await onGpu(ctx, kernel, hidden, sae, 100, "none", rows);
    deepEqual(found.topIndices, expected.topIndices, JSON.stringify(lanes));
    deepEqual(found.topActs, expected.topActs, JSON.stringify(lanes));
  }
});

gpuTest(
  "TopkSaeEncode breaks ties by index among a few, many and all equal values",
  async (ctx) => {
    const kernel = await TopkSaeEncode.create(ctx);
    const sorting = await TopkSaeEncode.create(ctx, { sorted: 4 });
    for (
      const [latents, kinds, k] of [[64, 5, 20], [1000, 3, 450], [70000, 2, 64], [513, 1, 513]]
    ) {
      // One value per token, one weight: pre-activations are products of few small integers.
      const sae = {
        wEnc: Float32Array.from({ length: latents }, (_, j) => (j * 7 % kinds) - (kinds >> 1)),
        bEnc: new Float32Array(latents),
        bPre: new Float32Array(1),
      };
      const hidden = Float32Array.of(2, -1, 0);
      for (const one of [kernel, sorting]) {
        if (one === sorting && k > 100) continue;
        const found = await onGpu(ctx, one, hidden, sae, k, "none", 3);
        checkSelection(found, { latents, k }, `${latents} latents of ${kinds} values`);
      }
    }
  },
);

gpuTest("TopkSaeEncode sorts more entries than workgroup memory holds", async (ctx) => {
  const kernel = await TopkSaeEncode.create(ctx);
  for (const k of [1025, 1500, 2048]) {
    const shape = { name: "", tokens: 2, dModel: 4, latents: 2048, k };
    const { hidden, sae } = inputOf(shape, k);
    checkSelection(await onGpu(ctx, kernel, hidden, sae, k, "zscore"), shape, `k = ${k}`);
  }
});

gpuTest("TopkSaeEncode of rows below zero keeps the order and activates nothing", async (ctx) => {
  const kernel = await TopkSaeEncode.create(ctx);
  for (const shape of TEST_CASES.slice(2, 7)) {
    const { hidden, sae } = inputOf(shape);
    sae.bEnc = sae.bEnc.map((x) => x - 1e4);
    const found = await onGpu(ctx, kernel, hidden, sae, shape.k, "zscore");
    checkSelection(found, shape, shape.name);
    ok(found.topActs.every((x) => x === 0));
  }
});

gpuTest("A constant token has standard deviation 0 and normalised values 0", async (ctx) => {
  const kernel = await TopkSaeEncode.create(ctx);
  const shape = { name: "", tokens: 2, dModel: 321, latents: 9, k: 3 };
  const sae = randomEncoder(shape, 1);
  // 0.1 is no sum of few powers of two: a plain mean would miss it by some rounding errors.
  const hidden = new Float32Array(642).fill(0.1).fill(-77.7, 321);
  const expected = encodeReference(new Float32Array(642), sae, "none");
  const twin = topkSaeEncode(hidden, sae, { normalisation: "zscore", k: 3 });
  const gpu = await onGpu(ctx, kernel, hidden, sae, 3, "zscore");
  for (const { preActs, std } of [{ ...twin, std: twin.scale.std }, gpu]) {
    deepEqual([...std], [0, 0]);
    checkPreActs(preActs, expected, 321, "constant token");
  }
});

gpuTest("encodePreActs() gives all pre-activations, for autoencoders without k", async (ctx) => {
  const kernel = await TopkSaeEncode.create(ctx), shape = TEST_CASES[6];
  const { hidden: values, sae: encoder } = inputOf(shape), { tokens, dModel } = shape;
  using sae = kernel.upload(encoder);
  using hidden = ctx.upload("hidden", [tokens, dModel], values);
  using result = kernel.alloc(tokens, sae, 1, tokens);
  await ctx.submit(
    "pre_acts",
    (e) => kernel.encodePreActs(e, hidden, sae, result, { normalisation: "none" }),
  );
  const expected = encodeReference(values, encoder, "none");
  checkPreActs(await ctx.read(result.preActs), expected, dModel, shape.name);
});

gpuTest("TopkSaeEncode refuses shapes, k and one value a token with z-score", async (ctx) => {
  const kernel = await TopkSaeEncode.create(ctx);
  const encoder = ctx.device.createCommandEncoder();
  using sae = kernel.upload(randomEncoder({ tokens: 1, dModel: 1, latents: 6 }, 1));
  throws(() => kernel.alloc(2, sae, 7), /k must be in 1\.\.6: current value is 7/);
  using result = kernel.alloc(2, sae, 2);
  using hidden = ctx.alloc("hidden", [2, 1], "f32");
  using wide = ctx.alloc("wide", [2, 3], "f32");
  const options = { normalisation: "zscore" } as const;
  throws(() => kernel.encode(encoder, hidden, sae, result, options), /2 values or more/);
  throws(
    () => kernel.encode(encoder, wide, sae, result, options),
    /"w_enc" must be \[3, 6\]: current value is \[1, 6\]/,
  );
});

Deno.test("saeEncodeGraph() equals the reference, with weights as inputs and stored", async () => {
  const { backend } = await openBackend("cpu");
  await using owned = backend;
  const shape = { name: "", tokens: 37, dModel: 65, latents: 130, k: 5 };
  const { hidden, sae } = inputOf(shape);
  const { centred } = centreTokens(hidden, sae.bPre, "zscore");
  const expected = encodeReference(hidden, sae, "zscore");
  using x = owned.upload("centred", [37, 65], centred);
  using wEnc = owned.upload("w_enc", [65, 130], sae.wEnc);
  using bEnc = owned.upload("b_enc", [130], sae.bEnc);
  for (const weights of [undefined, sae]) {
    await using program = await owned.compile(saeEncodeGraph(shape, weights));
    const inputs = { centred: x, ...(weights ? {} : { w_enc: wEnc, b_enc: bEnc }) };
    const { pre_acts } = await program.run(inputs, { pre_acts: [37, 130] });
    using result = pre_acts;
    checkPreActs(await result.read(), expected, 65, weights ? "stored" : "inputs");
  }
});

Deno.test("topkSaeEncode() equals the fixture of the InterProt convention", () => {
  const f = readFixture("tiny_sae_ig_hp36");
  const at = (name: string) => f[name].data as Float32Array;
  const sae = { wEnc: at("w_enc"), bEnc: at("b_enc"), bPre: at("b_pre") };
  const found = topkSaeEncode(at("hidden"), sae, { normalisation: "zscore", k: 16 });
  // Pre-activations are of order 1; inputs are rounded to single precision in the fixture.
  allClose(found.preActs, at("pre_acts"), { atol: 1e-6 }, "pre_acts");
  allClose(found.scale.mean, at("mu"), { rtol: 2e-7, atol: 2e-7 }, "mu");
  allClose(found.scale.std, at("std"), { rtol: 2e-7 }, "std");
  const dense = new Float32Array(38 * 256);
  found.topIndices.forEach((j, i) => dense[(i >> 4) * 256 + j] = found.topActs[i]);
  allClose(dense, at("latents"), { atol: 1e-6 }, "latents");
});

Deno.test("centreTokens() refuses what is no [N, D] and a z-score of one value", () => {
  throws(() => centreTokens(new Float32Array(7), new Float32Array(2), "none"), /must be \[3, 2\]/);
  throws(
    () => centreTokens(new Float32Array(7), new Float32Array(1), "zscore"),
    /2 values or more/,
  );
});

gpuTest("TopkSaeEncode refuses lanes of statistics that are no power of two", async (ctx) => {
  await rejects(TopkSaeEncode.create(ctx, { stats: 12 }), /power of two/);
});
