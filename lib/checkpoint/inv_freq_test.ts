import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { bytesRandomAccess } from "../io/random_access.ts";
import { computeInvFreq } from "./inv_freq.ts";
import { readSafetensors } from "./safetensors.ts";
import { readStoredTensor } from "./stored_tensor.ts";

Deno.test("computeInvFreq is the half-precision rounding of the float32 frequencies that torch computed", async () => {
  const root = new URL("../../", import.meta.url);
  const models = [
    ["tests/fixtures/esm2_t4_800K_SP50", 16],
    ["tests/fixtures/rand_t2_d64_h4", 16],
    ["tests/fixtures/rand_t3_d40_h20", 2],
  ] as const;
  for (const [dir, headDim] of models) {
    const bytes = await Deno.readFile(new URL(`${dir}/model.safetensors`, root));
    const tensors = await readSafetensors(bytesRandomAccess(dir, bytes));
    const name = "esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq";
    const stored = await readStoredTensor(tensors.get(name)!);
    deepEqual(computeInvFreq(headDim), stored.map((value) => Math.f16round(value)));
  }
});

Deno.test("computeInvFreq is the half-precision neighbour of the exact frequency", () => {
  for (const headDim of [2, 16, 24, 32, 64, 128]) { // the sizes of all published models
    const frequencies = computeInvFreq(headDim);
    equal(frequencies.length, headDim / 2);
    frequencies.forEach((value, i) => {
      const exact = 10000 ** (-2 * i / headDim);
      // Half precision has 11 significant bits; 1e-6 allows for the float32 steps before.
      ok(Math.abs(value - exact) <= exact * (2 ** -11 + 1e-6), `${headDim}: ${i}`);
      equal(value, Math.f16round(value));
    });
  }
});
