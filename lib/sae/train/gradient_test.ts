import { allClose, deepEqual, equal, ok } from "../../../tests/assert.ts";
import { AUX_WEIGHT, SparseGradient } from "./gradient.ts";
import type { Parameters } from "./parameters.ts";
import { gaussians } from "../../train/random.ts";

const PARAMETER_NAMES = ["encoder", "decoder", "latentBias", "inputBias"] as const;

const D = 6, F = 14, B = 7, K = 3, AUX_K = 2, DEAD = Uint32Array.of(1, 4, 5, 9);

function random(length: number, stream: number): Float64Array {
  const values = new Float32Array(length);
  gaussians(values, 3, stream);
  return Float64Array.from(values);
}

const weights = (): Parameters<Float64Array> => ({
  encoder: random(F * D, 1),
  decoder: random(F * D, 2),
  latentBias: random(F, 3),
  inputBias: random(D, 4),
});
const input = random(B * D, 5);

function products(w: Parameters<Float64Array>) {
  const centred = input.map((value, i) => value - w.inputBias[i % D]);
  const preActs = new Float64Array(B * F);
  for (let n = 0; n < B; n++) {
    for (let f = 0; f < F; f++) {
      preActs[n * F + f] = w.latentBias[f];
      for (let d = 0; d < D; d++) {
        preActs[n * F + f] += centred[n * D + d] * w.encoder[f * D + d];
      }
    }
  }
  return { centred, preActs };
}

/** The chosen latents of a token by sorting, the rest zero. */
function chosen(
  preActs: Float64Array,
  n: number,
  k: number,
  among: number[],
  floor = 0,
): Float64Array {
  const z = new Float64Array(F);
  [...among].sort((a, b) => preActs[n * F + b] - preActs[n * F + a]).slice(0, k)
    .forEach((f) => z[f] = Math.max(floor, preActs[n * F + f]));
  return z;
}

const decode = (z: Float64Array, w: Parameters<Float64Array>) =>
  Float64Array.from(
    { length: D },
    (_, d) => z.reduce((sum, v, f) => sum + v * w.decoder[f * D + d], 0),
  );

/** The loss as its formula states it; `frozen` are the residuals e, constants in its gradient. */
function naiveLoss(w: Parameters<Float64Array>, dead: number[], frozen?: Float64Array) {
  const { centred, preActs } = products(w);
  const all = Array.from({ length: F }, (_, f) => f), residual = new Float64Array(B * D);
  let squares = 0, auxSquares = 0, left = 0;
  for (let n = 0; n < B; n++) {
    const made = decode(chosen(preActs, n, K, all), w);
    for (let d = 0; d < D; d++) {
      residual[n * D + d] = centred[n * D + d] - made[d];
      squares += residual[n * D + d] ** 2;
    }
  }
  const e = frozen ?? residual;
  for (let n = 0; n < B; n++) {
    const made = decode(chosen(preActs, n, AUX_K, dead, -Infinity), w);
    for (let d = 0; d < D; d++) {
      auxSquares += (made[d] - e[n * D + d]) ** 2;
      left += e[n * D + d] ** 2;
    }
  }
  const aux = dead.length > 0 ? auxSquares / left : 0;
  return { loss: squares / (B * D) + AUX_WEIGHT * aux, aux, residual };
}

function computed(dead: Uint32Array) {
  const w = weights(), gradient = weights(), fired = new Uint32Array(F);
  const sparse = new SparseGradient<Float64Array>({ dModel: D, latents: F, k: K, auxK: AUX_K });
  const loss = sparse.compute(w, { rows: B, ...products(w), dead }, gradient, fired);
  return { loss, gradient, fired };
}

for (const [name, dead] of [["without", new Uint32Array()], ["with", DEAD]] as const) {
  Deno.test(`SparseGradient ${name} dead latents is the loss's central difference in f64`, () => {
    const w = weights(), { loss, gradient } = computed(dead);
    const exact = naiveLoss(w, [...dead]);
    allClose([loss.loss, loss.aux], [exact.loss, exact.aux], { rtol: 1e-13 }, "loss");
    const h = 1e-6;
    for (const part of PARAMETER_NAMES) {
      const slopes = w[part].map((value, i) => {
        const at = (moved: number) => {
          const other = { ...w, [part]: w[part].with(i, moved) };
          return naiveLoss(other, [...dead], exact.residual).loss;
        };
        return (at(value + h) - at(value - h)) / (2 * h);
      });
      // Rounding of the loss (1e-16 · 10 / h) and the third derivative (h²).
      allClose(gradient[part], slopes, { atol: 1e-8, rtol: 1e-7 }, part);
      ok(gradient[part].some((slope) => Math.abs(slope) > 1e-3), `${part} has a gradient`);
    }
  });
}

Deno.test("SparseGradient counts on how many tokens each latent is active", () => {
  const { preActs } = products(weights()), all = Array.from({ length: F }, (_, f) => f);
  const expected = new Uint32Array(F);
  for (let n = 0; n < B; n++) {
    chosen(preActs, n, K, all).forEach((v, f) => expected[f] += v > 0 ? 1 : 0);
  }
  deepEqual(computed(DEAD).fired, expected);
});

Deno.test("SparseGradient leaves latents alone that are neither active nor dead", () => {
  const { gradient, fired } = computed(new Uint32Array());
  fired.forEach((count, f) => {
    if (count > 0) return;
    equal(gradient.latentBias[f], 0);
    ok(gradient.encoder.subarray(f * D, f * D + D).every((slope) => slope === 0));
  });
  ok(fired.includes(0));
});
