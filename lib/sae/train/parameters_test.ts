import { allClose, ok } from "../../../tests/assert.ts";
import { initialParameters, normaliseRows, removeParallel, toSae } from "./parameters.ts";
import { gaussians } from "../../train/random.ts";

Deno.test("removeParallel leaves a gradient at right angles to each row", () => {
  const D = 5, rows = new Float64Array(4 * D), gradient = new Float64Array(4 * D);
  const noise = new Float32Array(8 * D);
  gaussians(noise, 1, 9);
  rows.set(noise.subarray(0, 4 * D));
  gradient.set(noise.subarray(4 * D));
  normaliseRows(rows, D);
  const dot = (at: number) =>
    rows.subarray(at, at + D).reduce((s, r, d) => s + r * gradient[at + d], 0);
  ok([0, D, 2 * D, 3 * D].some((at) => Math.abs(dot(at)) > 0.1));
  removeParallel(gradient, rows, D);
  allClose([0, D, 2 * D, 3 * D].map(dot), [0, 0, 0, 0], { atol: 1e-15 });
});

Deno.test("initialParameters starts with decoder rows of length 1 in random directions", () => {
  const D = 64,
    F = 200,
    { encoder, decoder, latentBias } = initialParameters(
      F,
      new Float32Array(D).fill(2),
      7,
    );
  const mean = new Float64Array(D);
  for (let f = 0; f < F; f++) {
    const row = decoder.subarray(f * D, f * D + D);
    allClose([Math.hypot(...row)], [1], { atol: 1e-6 });
    row.forEach((v, d) => mean[d] += v / F);
  }
  // The mean of 200 random unit vectors has length 0.07 on average.
  ok(Math.hypot(...mean) < 0.12);
  allClose(encoder, decoder, {});
  ok(latentBias.every((b) => b === 0));
});

Deno.test("toSae gives the pre-activations of the scaled weights, times the unit", () => {
  const D = 4, F = 3, unit = 2.5, start = initialParameters(F, Float32Array.of(1, -1, 2, 0), 1);
  start.latentBias.set([0.5, -0.25, 1]);
  const config = {
    ...{ name: "a", dModel: D, latents: F, depth: 1, afterFinalNorm: false },
    ...{ normalisation: "none" as const, k: 2 },
  };
  const { wEnc, bEnc, bPre, wDec } = toSae(start, config, unit);
  const x = [3, 1, -4, 1.5];
  const trained = [0, 1, 2].map((f) =>
    x.reduce((s, v, d) => s + (v / unit - start.inputBias[d]) * start.encoder[f * D + d], 0) +
    start.latentBias[f]
  );
  const read = [0, 1, 2].map((f) =>
    x.reduce((s, v, d) => s + (v - bPre[d]) * wEnc[d * F + f], 0) + bEnc[f]
  );
  allClose(read, trained.map((value) => value * unit), { rtol: 1e-5 });
  allClose(wDec, start.decoder, {});
});
