import { allClose, deepEqual, equal } from "../../tests/assert.ts";
import { adamw } from "./adamw.ts";
import { clipByGlobalNorm } from "./arrays.ts";
import { constant, cosine, linear, stepRates } from "./schedule.ts";
import { StateFile } from "./state_file.ts";

Deno.test("adamw follows the paper's formulas over three steps", () => {
  const weights = { w: new Float32Array(1), other: new Float32Array(1) };
  const optimiser = adamw(), state = optimiser.init(weights);
  const slopes = [0.5, -2, 0.1];
  let m = 0, v = 0, w = 0;
  slopes.forEach((g, i) => {
    const gradients = { w: Float32Array.of(g), other: new Float32Array(1) };
    optimiser.update(weights, gradients, state, { step: i + 1, learningRate: 0.01 });
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    w -= 0.01 * (m / (1 - 0.9 ** (i + 1))) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-8);
    // Weights and moments are kept in float32.
    allClose(weights.w, [w], { rtol: 1e-6 }, `step ${i + 1}`);
  });
  equal(weights.other[0], 0);
});

Deno.test("adamw decays the weights that it is told to, and leaves those without a gradient", () => {
  const weights = {
    matrix: Float64Array.of(2),
    bias: Float64Array.of(2),
    idle: Float64Array.of(2),
  };
  const optimiser = adamw({ decay: 0.1, decays: (name) => name !== "bias" });
  const state = optimiser.init(weights);
  const gradients = { matrix: Float64Array.of(0), bias: Float64Array.of(0) };
  optimiser.update(weights, gradients, state, { step: 1, learningRate: 0.5 });
  deepEqual([weights.matrix[0], weights.bias[0], weights.idle[0]], [2 * 0.95, 2, 2]);
});

Deno.test("clipByGlobalNorm shortens a long gradient to the limit and leaves a short one", () => {
  const gradient = { a: Float32Array.of(3, 0), b: Float32Array.of(0, 4) };
  equal(clipByGlobalNorm(gradient, 6), 5);
  equal(gradient.a[0], 3);
  equal(clipByGlobalNorm(gradient, 1), 5);
  allClose([gradient.a[0], gradient.b[1]], [0.6, 0.8], { rtol: 1e-6 });
});

Deno.test("linear rises, stays and falls linearly", () => {
  const rates = (of: (share: number) => number, ...shares: number[]) => shares.map(of);
  const schedule = linear(2, { warmUp: 0.1, decay: 0.4 });
  allClose(
    rates(schedule, 0, 0.05, 0.1, 0.5, 0.6, 0.8, 1),
    [0, 1, 2, 2, 2, 1, 0],
    { atol: 1e-12 },
  );
  equal(linear(2, {})(0), 2);
  // Steps 0, 1, 2 of 4 with one step of warm-up: Hugging Face's rates.
  allClose(rates(linear(1e-3, { warmUp: 1 / 4, decay: 3 / 4 }), 0, 1 / 4, 2 / 4), [
    ...[0, 1e-3, 2e-3 / 3],
  ], { atol: 1e-12 });
});

Deno.test("constant stays and cosine falls to its floor, after their rise", () => {
  deepEqual([0, 0.1, 0.2, 1].map(constant(4, 0.2)), [0, 2, 4, 4]);
  allClose([0, 0.1, 0.2, 0.6, 1].map(cosine(4, { warmUp: 0.2 })), [0, 2, 4, 2, 0], { atol: 1e-12 });
  allClose([0, 0.5, 1].map(cosine(4, { floor: 0.5 })), [4, 3, 2], { atol: 1e-12 });
});

Deno.test("stepRates counts steps as Hugging Face does, or from one", () => {
  const three = (rate: (step: number) => number) => [0, 1, 2].map(rate);
  // The recorded runs of three steps.
  const hf = stepRates("linear", { steps: 4, warmUp: 1 });
  allClose(three(hf), [0, 1, 2 / 3], { atol: 1e-12 });
  const plusOne = stepRates("linear", { steps: 6, warmUp: 2, counting: "plus_one" });
  allClose(three(plusOne), [0.5, 1, 0.75], { atol: 1e-12 });
  // ½ (1 + cos(π (k − w) / (n − w)))
  const cosines = stepRates("cosine", { steps: 5, warmUp: 1 });
  const half = (done: number) => (1 + Math.cos(Math.PI * done)) / 2;
  allClose([0, 1, 2, 3, 5].map(cosines), [0, 1, half(1 / 4), half(2 / 4), 0], { atol: 1e-12 });
  allClose(three(stepRates("linear", { steps: 2, warmUp: 0 })), [1, 0.5, 0], { atol: 1e-12 });
});

Deno.test("StateFile gives back groups of arrays bit for bit, and only to the same groups", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const file = StateFile.beside(`${dir}/a`, { rank: 4 });
    const weights = { w: Float32Array.of(0.1, -0, NaN), b: Float64Array.of(1 / 3) };
    file.save({ step: 3, note: "é" }, { weights, idle: Uint32Array.of(4e9) });
    const found = { w: new Float32Array(3), b: new Float64Array(1) }, idle = new Uint32Array(1);
    deepEqual(file.load({ weights: found, idle }), { step: 3, note: "é" });
    deepEqual([found, idle], [weights, Uint32Array.of(4e9)]);
    equal(file.load({ weights: found }), undefined);
    equal(file.load({ weights: { ...found, w: new Float32Array(2) }, idle }), undefined);
    equal(file.load({ weights: { ...found, b: new Float32Array(2) }, idle }), undefined);
    file.remove();
    deepEqual([...Deno.readDirSync(dir)], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
