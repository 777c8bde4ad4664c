/** Gradients of every weight, of heads' models too, and whole training steps, against torch's. */
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { maskedLoss } from "../lib/mlm/loss.ts";
import { allClose, equal, ok } from "./assert.ts";
import { readFixture, tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import {
  batchOfArrays,
  compareTraining,
  lossAndGradients,
  TRAINING_FIXTURES,
} from "./training_parity.ts";

/** Arrays that are compared, so that none is left out unseen. */
const COMPARED: Readonly<Record<string, number>> = {
  // The loss, 40 parameters and both parts of the embedding's.
  "train/mlm_grads": 43,
  // The loss, eight gradients, and the length of each of 72.
  "tiny_mlm": 81,
  ...Object.fromEntries(TRAINING_FIXTURES.heads.map((name) => [name, 5])),
  // Losses and norms of three steps, 40 parameters and the share of those that are off.
  "train/mlm_adamw3_hf_schedule": 47,
  "train/mlm_adamw3_plus_one": 53,
};

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Gradients and training steps equal torch's: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      for (const [fixture, count] of Object.entries(COMPARED)) {
        await t.step(fixture, async () => {
          const rows = await compareTraining(fixture, backend);
          equal(backend.liveBytes, 0, "every tensor is freed");
          for (const { array, maxAbsDiff, allowed } of rows) {
            ok(maxAbsDiff <= allowed, `${array}: off by ${maxAbsDiff}, allowed ${allowed}`);
          }
          equal(rows.length, count);
        });
      }
      await t.step("the loss with gradients is that without", async () => {
        const { input_ids: ids, attention_mask: mask, labels } = readFixture("tiny_mlm");
        using checkpoint = await openCheckpoint(tinyPath);
        await using esm = await Esm2.open(checkpoint, backend);
        const batch = batchOfArrays(ids, ids.data as Int32Array, mask.data as Int32Array);
        const { loss } = await lossAndGradients(esm, batch, labels.data);
        const { losses } = await maskedLoss(esm, batch, labels.data);
        const mean = losses.reduce((a, b) => a + b) / losses.length;
        allClose([mean], [loss], { rtol: 1e-6 });
      });
    },
  });
}
