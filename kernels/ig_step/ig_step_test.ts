import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { readFixture } from "../../tests/fixtures.ts";
import { gpuTest } from "../../tests/gpu.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { sparseDecode } from "../sparse_decode/mod.ts";
import { selectTopK, toSparse } from "../topk_sae_encode/mod.ts";
import { type IgCase, randomPath, TEST_CASES } from "./ig_step_cases.ts";
import {
  accumulateGradients,
  attributeErrors,
  attributeLatents,
  IgStep,
  interpolateStreams,
  latentGradients,
  type LatentPairs,
  pairLatents,
} from "./mod.ts";
import { attributionReference, pathReference } from "./reference.ts";

const EPS = 2 ** -24;
type Path = ReturnType<typeof randomPath>;

/** Pairs as rows of one end, for decoding. */
const rowsAt = (
  { tokens, entries, latents, indices, ...ends }: LatentPairs,
  end: "base" | "input",
) => ({
  rows: tokens,
  latents,
  offsets: Uint32Array.from({ length: tokens + 1 }, (_, n) => n * entries),
  indices,
  values: ends[end],
});

const decodeAt = ({ pairs, decoder, scale, errors }: Path, end: "base" | "input") =>
  sparseDecode(rowsAt(pairs, end), decoder, scale, errors[end]);

/** Fails where a value is off by more than `roundings` of relative size 2^-24 of its terms. */
function check(
  found: ArrayLike<number>,
  expected: Float64Array,
  magnitudes: Float64Array,
  roundings: number,
  label: string,
): void {
  equal(found.length, expected.length, label);
  for (let i = 0; i < expected.length; i++) {
    const bound = roundings * EPS * magnitudes[i], error = Math.abs(found[i] - expected[i]);
    ok(error <= bound, `${label}: [${i}] ${found[i]} expected ${expected[i]}, bound ${bound}`);
  }
}

async function onGpu(
  ctx: GpuContext,
  kernel: IgStep,
  { steps, tokens, dModel, latents }: IgCase,
  path: Path,
  splits = 1,
) {
  using owned = new DisposableStack();
  const { pairs: { entries, ...pairs }, gradients, weights } = path;
  const up = (name: string, shape: number[], data: Float32Array) =>
    owned.use(ctx.upload(name, shape, data));
  const stream = [tokens, dModel], size = tokens * dModel;
  const hidden = owned.use(ctx.alloc("hidden", [steps, ...stream], "f32"));
  const sum = owned.use(ctx.alloc("sum", stream, "f32"));
  const ofLatents = owned.use(ctx.alloc("of latents", [tokens, entries], "f32"));
  const ofErrors = owned.use(ctx.alloc("of errors", [tokens], "f32"));
  const alphas = up("alphas", [steps], path.alphas);
  const base = up("base", stream, decodeAt(path, "base"));
  const input = up("input", stream, decodeAt(path, "input"));
  const pairTensors = {
    indices: owned.use(ctx.upload("indices", [tokens, entries], pairs.indices)),
    base: up("base", [tokens, entries], pairs.base),
    input: up("input", [tokens, entries], pairs.input),
  };
  const wDec = up("w_dec", [latents, dModel], path.decoder.wDec);
  const std = up("std", [tokens], path.scale.std);
  const errorBase = up("error base", stream, path.errors.base);
  const errorInput = up("error input", stream, path.errors.input);
  await ctx.submit("path", (e) => {
    kernel.interpolate(e, alphas, base, input, hidden);
    for (let part = 0; part < splits; part++) {
      const first = Math.floor(part * steps / splits);
      const end = Math.floor((part + 1) * steps / splits);
      const w = up("weights", [end - first], weights.subarray(first, end));
      const g = up("g", [end - first, ...stream], gradients.subarray(first * size, end * size));
      kernel.accumulate(e, w, g, sum);
    }
    kernel.attribute(e, sum, pairTensors, wDec, std, ofLatents);
    kernel.attributeErrors(e, sum, errorBase, errorInput, ofErrors);
  });
  const read = await ctx.readAll([hidden, ofLatents, ofErrors]);
  return { hidden: read[0], latents: read[1], errors: read[2] };
}

function onCpu({ tokens, dModel }: IgCase, path: Path) {
  const { pairs, decoder, scale, errors, gradients, weights, alphas } = path;
  const sum = new Float64Array(tokens * dModel);
  accumulateGradients(sum, gradients, weights);
  return {
    hidden: interpolateStreams(decodeAt(path, "base"), decodeAt(path, "input"), alphas),
    latents: attributeLatents(sum, pairs, decoder.wDec, scale.std),
    errors: attributeErrors(sum, errors.base, errors.input, tokens),
  };
}

function checkPath(found: Float32Array, path: Path, label: string): void {
  const { pairs, decoder, scale, errors, alphas } = path, steps = alphas.length;
  const size = found.length / steps;
  const largest = [...decodeAt(path, "base"), ...decodeAt(path, "input")]
    .reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  alphas.forEach((alpha, s) => {
    const expected = pathReference(pairs, decoder, scale, errors, alpha);
    // Both ends, their products and the sum are rounded.
    const tolerance = { atol: 4 * EPS * largest };
    allClose(found.subarray(s * size, (s + 1) * size), expected, tolerance, `${label} step ${s}`);
  });
}

function referenceOf({ gradients, weights, pairs, decoder, scale, errors }: Path) {
  return attributionReference(gradients, weights, pairs, decoder, scale, errors);
}

Deno.test("The twin's path and attributions equal the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    const path = randomPath(shape, 5), found = onCpu(shape, path), expected = referenceOf(path);
    checkPath(found.hidden, path, shape.name);
    check(found.latents, expected.latents, expected.magnitudes.latents, 4, shape.name);
    check(found.errors, expected.errors, expected.magnitudes.errors, 1.01, shape.name);
  }
});

gpuTest("IgStep equals the reference for every shape", async (ctx) => {
  const kernel = await IgStep.create(ctx);
  for (const shape of TEST_CASES) {
    const path = randomPath(shape, 5), found = await onGpu(ctx, kernel, shape, path);
    const expected = referenceOf(path);
    checkPath(found.hidden, path, shape.name);
    // A rounding per step, per value of a lane, per lane of two rounds of eight, and the factors.
    const roundings = 2 * shape.steps + 2 * Math.ceil(shape.dModel / 64) + 16 + 6;
    check(found.latents, expected.latents, expected.magnitudes.latents, roundings, shape.name);
    check(found.errors, expected.errors, expected.magnitudes.errors, roundings, shape.name);
  }
});

gpuTest("IgStep gives the same bits however steps are batched, and again", async (ctx) => {
  const kernel = await IgStep.create(ctx), shape = TEST_CASES[4], path = randomPath(shape, 6);
  const expected = await onGpu(ctx, kernel, shape, path);
  for (const splits of [1, 2, 3, 10]) {
    deepEqual(await onGpu(ctx, kernel, shape, path, splits), expected, `${splits} calls`);
  }
  const narrow = await onGpu(ctx, await IgStep.create(ctx, { path: 7 }), shape, path);
  deepEqual(narrow, expected, "other workgroups of the path");
});

gpuTest("IgStep takes any number of lanes", async (ctx) => {
  const shape = TEST_CASES[5], path = randomPath(shape, 7), expected = referenceOf(path);
  for (const node of [1, 5, 60, 128, 256]) {
    const found = await onGpu(ctx, await IgStep.create(ctx, { node }), shape, path);
    // As above; one lane adds every value.
    const roundings = 2 * shape.steps + 2 * Math.ceil(shape.dModel / node) + node / 8 + 8 + 6;
    check(found.latents, expected.latents, expected.magnitudes.latents, roundings, `${node} lanes`);
    check(found.errors, expected.errors, expected.magnitudes.errors, roundings, `${node} lanes`);
  }
});

Deno.test("accumulateGradients() gives the same bits however steps are batched", () => {
  const shape = TEST_CASES[4], { gradients, weights } = randomPath(shape, 6);
  const size = shape.tokens * shape.dModel;
  const whole = new Float64Array(size), parts = new Float64Array(size);
  accumulateGradients(whole, gradients, weights);
  for (let s = 0; s < shape.steps; s++) {
    accumulateGradients(
      parts,
      gradients.subarray(s * size, (s + 1) * size),
      weights.subarray(s, s + 1),
    );
  }
  deepEqual(parts, whole);
});

Deno.test("Attributions add up to the difference of a quadratic metric under the midpoint rule", () => {
  // m = Σ c·h + h²/2 has a gradient that is linear in h: midpoints integrate it exactly.
  const shape = { name: "", steps: 4, tokens: 3, active: 6, latents: 20, dModel: 10 };
  const path = randomPath(shape, 8), { pairs, decoder, scale, errors } = path;
  const c = (i: number) => Math.sin(i);
  const metric = (h: Float32Array) => h.reduce((sum, x, i) => sum + c(i) * x + x * x / 2, 0);
  const ends = [decodeAt(path, "base"), decodeAt(path, "input")] as const;
  const alphas = Array.from({ length: 4 }, (_, s) => (s + 0.5) / 4);
  const hidden = interpolateStreams(...ends, alphas), size = ends[0].length;
  const sum = new Float64Array(size);
  accumulateGradients(sum, hidden.map((x, i) => c(i % size) + x), alphas.map(() => 1 / 4));
  const total = [
    ...attributeLatents(sum, pairs, decoder.wDec, scale.std),
    ...attributeErrors(sum, errors.base, errors.input, 3),
  ].reduce((all, x) => all + x, 0);
  const expected = metric(ends[1]) - metric(ends[0]);
  // Streams are rounded to 2^-24 of values up to 100, squared and added 30 times.
  ok(Math.abs(total - expected) <= 1e-6 * Math.abs(metric(ends[1])), `${total} for ${expected}`);
  ok(Math.abs(expected) > 1, "the test is of a difference");
});

Deno.test("latentGradients() times the fixture's latents is its activation times gradient", () => {
  const f = readFixture("tiny_sae_ig_hp36"), grad = readFixture("tiny_grad_hp36").grad_h2;
  const at = (name: string) => f[name].data as Float32Array;
  // The stream is the reconstruction plus the error: the gradient there is that of the plain run.
  const top = selectTopK(at("latents"), 38, 256, 16), sparse = toSparse(top, 38, 256);
  const gradients = latentGradients(
    grad.data as Float32Array,
    sparse.indices,
    at("w_dec"),
    at("std"),
    sparse.offsets,
  );
  const dense = new Float32Array(38 * 256);
  for (let n = 0; n < 38; n++) {
    for (let i = sparse.offsets[n]; i < sparse.offsets[n + 1]; i++) {
      dense[n * 256 + sparse.indices[i]] = gradients[i] * sparse.values[i];
    }
  }
  const expected = at("activation_times_gradient");
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  // 128 products of gradients rounded to single precision.
  allClose(dense, expected, { atol: 32 * EPS * largest });
  ok(largest > 0.01);
});

Deno.test("pairLatents() lists what either state has, ascending, padded with zeros", () => {
  const of = (rows: [number, number][][]) => ({
    rows: rows.length,
    latents: 9,
    offsets: Uint32Array.from([0, ...rows.map((_, n) => rows.slice(0, n + 1).flat().length)]),
    indices: Uint32Array.from(rows.flat(), ([index]) => index),
    values: Float32Array.from(rows.flat(), ([, value]) => value),
  });
  const pairs = pairLatents(
    of([[[2, 1], [5, 2]], [], [[8, 3]]]),
    of([[[0, 4], [5, 6]], [[7, 5]], []]),
  );
  equal(pairs.entries, 3);
  deepEqual([...pairs.indices], [0, 2, 5, 7, 0, 0, 8, 0, 0]);
  deepEqual([...pairs.base], [0, 1, 2, 0, 0, 0, 3, 0, 0]);
  deepEqual([...pairs.input], [4, 0, 6, 5, 0, 0, 0, 0, 0]);
  equal(pairLatents(of([[]]), of([[]])).entries, 1);
  throws(
    () => pairLatents(of([[]]), of([[], []])),
    /2 tokens and 9 latents: current value is 1 and 9/,
  );
});

Deno.test("interpolateStreams() gives the ends to the bit", () => {
  const base = Float32Array.of(0.1, -7e8, 3), input = Float32Array.of(1 / 3, 2e-9, -3);
  deepEqual([...interpolateStreams(base, input, [0, 1])], [...base, ...input]);
});

Deno.test("The twin refuses sizes that do not fit and latents beyond the decoder", () => {
  const { pairs, decoder, scale, gradients } = randomPath(TEST_CASES[2], 1);
  const gradient = gradients.subarray(0, 126);
  throws(() => interpolateStreams(gradient, gradients, [0]), /base must be \[378\]/);
  throws(() => accumulateGradients(new Float64Array(126), gradients, [1]), /must be \[1, 126\]/);
  const far = { ...pairs, indices: pairs.indices.map((j, i) => i === 3 ? 31 : j) };
  throws(
    () => attributeLatents(gradient, far, decoder.wDec, scale.std),
    /below 31: current value of entry 3 is 31/,
  );
  throws(() => attributeErrors(gradient, gradient, gradients, 2), /input must be \[126\]/);
});

gpuTest("IgStep refuses tensors that do not fit", async (ctx) => {
  const kernel = await IgStep.create(ctx);
  using weights = ctx.alloc("weights", [2], "f32");
  using gradients = ctx.alloc("gradients", [3, 4, 5], "f32");
  using sum = ctx.alloc("sum", [4, 5], "f32");
  throws(
    () => kernel.accumulate(null as never, weights, gradients, sum),
    /"gradients" must be \[2, 4, 5\]: current value is \[3, 4, 5\]/,
  );
});
