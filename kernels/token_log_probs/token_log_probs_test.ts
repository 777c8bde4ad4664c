import { allClose, deepEqual, equal, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { fc } from "../../tests/property.ts";
import type { GpuContext } from "../../lib/gpu/mod.ts";
import { AMINO_ACIDS_BEGIN, AMINO_ACIDS_END, TOKENS } from "../../lib/esm2/alphabet.ts";
import { randomChoices, randomLogits, TEST_CASES } from "./token_log_probs_cases.ts";
import {
  ENTROPY,
  FIRST_LETTER,
  LETTERS,
  type Logits,
  REFERENCE_LOG_PROB,
  ROW_VALUES,
  TokenLogProbs,
  tokenLogProbs,
} from "./mod.ts";
import { tokenLogProbsReference } from "./reference.ts";
import { VOCABULARY } from "./types.ts";

/** Flat, as trained, peaked, and one letter far above all. */
const SPREADS = [0, 6, 20, 1e4];

async function onGpu(ctx: GpuContext, kernel: TokenLogProbs, input: Logits, chosen: Uint32Array) {
  using logits = ctx.upload("logits", [input.rows, VOCABULARY], input.data);
  using choices = ctx.upload("choices", [chosen.length / 2, 2], chosen);
  using result = kernel.alloc(choices);
  await ctx.submit("log probs", (encoder) => kernel.encode(encoder, logits, choices, result));
  return await ctx.read(result);
}

Deno.test("tokenLogProbs() equals the double-precision reference", () => {
  for (const shape of TEST_CASES) {
    for (const spread of SPREADS) {
      const logits = randomLogits(shape.logitRows, shape.chosen, spread);
      const choices = randomChoices(shape, 3);
      const expected = tokenLogProbsReference(logits, choices);
      // Computed in double precision: what remains is the rounding to single, 2^-24 relatively.
      allClose(tokenLogProbs(logits, choices), expected, { rtol: 6e-8, atol: 1e-12 }, shape.name);
    }
  }
});

gpuTest("token_log_probs.wgsl equals the reference for every shape and spread", async (ctx) => {
  const kernel = await TokenLogProbs.create(ctx);
  for (const shape of TEST_CASES) {
    for (const spread of SPREADS) {
      const logits = randomLogits(shape.logitRows, shape.chosen, spread);
      const choices = randomChoices(shape, 3);
      const expected = tokenLogProbsReference(logits, choices);
      // 33 additions, exp of 3 + 2|x| ulp and log of 2^-21 (WGSL, 15.7.4): a few 1e-6 absolutely.
      const tolerance = { atol: 1e-5, rtol: 4 * 2 ** -24 };
      allClose(await onGpu(ctx, kernel, logits, choices), expected, tolerance, shape.name);
    }
  }
});

gpuTest("TokenLogProbs gives the same for every workgroup", async (ctx) => {
  const shape = { name: "", logitRows: 40, chosen: 131 };
  const logits = randomLogits(40, 1, 8), choices = randomChoices(shape, 2);
  const expected = await onGpu(ctx, await TokenLogProbs.create(ctx), logits, choices);
  for (const lanes of [1, 7, 256]) {
    deepEqual(await onGpu(ctx, await TokenLogProbs.create(ctx, lanes), logits, choices), expected);
  }
});

gpuTest("TokenLogProbs refuses shapes that do not fit", async (ctx) => {
  const kernel = await TokenLogProbs.create(ctx);
  using logits = ctx.alloc("logits", [4, 33], "f32");
  using flat = ctx.alloc("flat", [4, 20], "f32");
  using choices = ctx.alloc("choices", [2, 2], "u32");
  using result = kernel.alloc(choices);
  const encoder = ctx.device.createCommandEncoder();
  throws(
    () => kernel.encode(encoder, flat, choices, result),
    /"flat" must be \[4, 33\]: current value is \[4, 20\]/,
  );
  throws(() => kernel.encode(encoder, logits, choices, flat), /"flat" must be \[2, 22\]/);
});

Deno.test("tokenLogProbs() does not change when a constant is added to the logits", () => {
  fc.assert(fc.property(fc.nat(1000), fc.constantFrom(-64, -0.5, 16), (seed, shift) => {
    const logits = randomLogits(1, seed, 8), choices = Uint32Array.of(0, seed % VOCABULARY);
    const shifted = { rows: 1, data: logits.data.map((x) => x + shift) };
    // The shifted logits themselves are rounded: 2^-24 of values up to 72, twice per difference.
    allClose(tokenLogProbs(shifted, choices), tokenLogProbs(logits, choices), { atol: 1e-5 });
  }));
});

Deno.test("tokenLogProbs() of equal logits: no difference, ln 20 of entropy, −ln 33", () => {
  const logits = { rows: 1, data: new Float32Array(VOCABULARY).fill(-7.5) };
  const row = tokenLogProbs(logits, Uint32Array.of(0, 32));
  deepEqual([...row.subarray(0, LETTERS)], new Array(LETTERS).fill(0));
  allClose([row[ENTROPY], row[REFERENCE_LOG_PROB]], [Math.log(20), -Math.log(33)], { rtol: 1e-7 });
});

Deno.test("tokenLogProbs() keeps the entropy where every letter lies far below another token", () => {
  const data = new Float32Array(VOCABULARY).fill(-2000);
  data[0] = 500;
  const row = tokenLogProbs({ rows: 1, data }, Uint32Array.of(0, 0));
  allClose([row[ENTROPY], row[REFERENCE_LOG_PROB]], [Math.log(20), 0], { rtol: 1e-7 });
});

Deno.test("tokenLogProbs() refuses choices outside the logits", () => {
  const logits = randomLogits(2, 1, 1);
  throws(() => tokenLogProbs(logits, Uint32Array.of(2, 5)), /choice 0 is 2, 5/);
  throws(() => tokenLogProbs(logits, Uint32Array.of(0, 1, 1, 33)), /choice 1 is 1, 33/);
  throws(() => tokenLogProbs(logits, Uint32Array.of(0)), /pairs: current length is 1/);
});

Deno.test("The letters of token log probs are the alphabet's 20 amino acids", () => {
  deepEqual([FIRST_LETTER, FIRST_LETTER + LETTERS, VOCABULARY], [
    AMINO_ACIDS_BEGIN,
    AMINO_ACIDS_END,
    TOKENS.length,
  ]);
  equal(ROW_VALUES, 22);
});
