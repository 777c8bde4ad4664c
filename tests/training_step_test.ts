/** A whole training step of the masked-language-model loss, from the engine's gradients of every weight. */
import { openBackend } from "../lib/backend/mod.ts";
import { type Checkpoint, type EsmTensorName, openCheckpoint } from "../lib/checkpoint/mod.ts";
import { canonicalName } from "../lib/checkpoint/names.ts";
import { Esm2, type TokenBatch } from "../lib/esm2/mod.ts";
import { addGradients, askedRows, maskedLoss } from "../lib/mlm/loss.ts";
import { adamw } from "../lib/train/adamw.ts";
import { clipByGlobalNorm } from "../lib/train/arrays.ts";
import { allClose, equal, ok } from "./assert.ts";
import { type Array32, embeddedPath, fixtureIndex, fixturePath, readFixture } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";

type Parameters = Record<string, Float32Array>;

/** Mean loss, and its gradient with respect to every parameter by fair-esm's names. */
async function lossAndGradients(
  esm: Esm2,
  batch: TokenBatch,
  labels: ArrayLike<number>,
): Promise<{ loss: number; gradients: Parameters }> {
  const gradients: Parameters = {}, { length: asked } = askedRows(labels);
  const { loss } = await addGradients(esm, batch, labels, 1 / asked, gradients);
  const { rows, losses } = await maskedLoss(esm, batch, labels);
  equal(rows.length, asked);
  allClose([losses.reduce((a, b) => a + b)], [loss], { rtol: 1e-6 }, "without gradients");
  return { loss: loss / asked, gradients };
}

function batchOf({ shape: [size, width] }: Array32, ids: Int32Array, mask: Int32Array): TokenBatch {
  const lengths = Array.from(
    { length: size },
    (_, b) => mask.subarray(b * width, (b + 1) * width).reduce((sum, one) => sum + one, 0),
  );
  return { ids, size, width, lengths };
}

/** Every parameter that has a gradient. */
async function parametersOf(checkpoint: Checkpoint): Promise<Parameters> {
  const found: Parameters = {};
  for (const name of checkpoint.tensors.keys()) {
    if (/contact_head|inv_freq|^lm_head.weight/.test(name)) continue;
    found[name] = await checkpoint.read(name);
  }
  return found;
}

for (const name of ["cpu", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Esm2.gradient of every weight: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      await t.step("equals torch's for the masked-language-model loss", async () => {
        const arrays = readFixture("tiny_mlm");
        const { loss, grad_norm_per_tensor: norms } = fixtureIndex.tiny_mlm as unknown as {
          loss: number;
          grad_norm_per_tensor: Record<string, number>;
        };
        using checkpoint = await openCheckpoint(embeddedPath);
        await using esm = await Esm2.open(checkpoint, backend);
        const { input_ids: ids, attention_mask: mask, labels } = arrays;
        const batch = batchOf(ids, ids.data as Int32Array, mask.data as Int32Array);
        const before = backend.liveBytes;
        const found = await lossAndGradients(esm, batch, labels.data);
        equal(backend.liveBytes, before, "every tensor is freed");
        allClose([found.loss], [loss], { rtol: 2e-6 });
        let compared = 0;
        for (const [key, { data }] of Object.entries(arrays)) {
          if (!key.startsWith("grad.")) continue;
          const own = found.gradients[canonicalName(key.slice("grad.".length))!];
          const atol = 2e-5 * Math.max(...Array.from(data, Math.abs));
          allClose(own, data, { atol }, key);
          compared++;
        }
        equal(compared, 8);
        for (const [key, norm] of Object.entries(norms)) {
          const own = found.gradients[canonicalName(key)!];
          allClose([Math.hypot(...own)], [norm], { rtol: 1e-4 }, key);
        }
        equal(Object.keys(norms).length, Object.keys(found.gradients).length);
      });
    },
  });
}

const { hyper, ...schedules } = fixtureIndex.rand_mlm_adamw3 as unknown as
  & { hyper: { betas: [number, number]; eps: number; weight_decay: number; clip: number } }
  & Record<"hf_schedule" | "plus_one", { loss: number[]; grad_norm: number[]; lr: number[] }>;

for (const schedule of ["hf_schedule", "plus_one"] as const) {
  Deno.test({
    name: `adamw makes the three steps of torch's: ${schedule}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const arrays = readFixture("rand_mlm_adamw3"), { loss, grad_norm, lr } = schedules[schedule];
      const { backend } = await openBackend("cpu");
      await using _ = backend;
      using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
      const weights = await parametersOf(checkpoint);
      /** The checkpoint with the weights as they stand. */
      const trained: Checkpoint = {
        ...checkpoint,
        read: async (tensor) => weights[tensor]?.slice() ?? await checkpoint.read(tensor),
      };
      const optimiser = adamw({
        betas: hyper.betas,
        epsilon: hyper.eps,
        decay: hyper.weight_decay,
        decays: (tensor) => checkpoint.tensors.get(tensor as EsmTensorName)!.shape.length > 1,
      });
      const state = optimiser.init(weights);
      const { input_ids: inputs, labels, attention_mask: mask } = arrays;
      const count = mask.data.length;
      for (let i = 0; i < 3; i++) {
        await using esm = await Esm2.open(trained, backend);
        const part = ({ data }: Array32) => data.slice(i * count, (i + 1) * count) as Int32Array;
        const batch = batchOf(mask, part(inputs), mask.data as Int32Array);
        const found = await lossAndGradients(esm, batch, part(labels));
        // Adam amplifies gradients near zero, so that later losses differ by more than rounding.
        allClose([found.loss], [loss[i]], { atol: 1e-4 }, `loss ${i}`);
        const norm = clipByGlobalNorm(found.gradients, hyper.clip, 1e-6);
        allClose([norm], [grad_norm[i]], { rtol: 1e-4 }, `norm ${i}`);
        const step = { step: i + 1, learningRate: lr[i] };
        optimiser.update(weights, found.gradients, state, step);
      }
      let compared = 0;
      for (const [key, { data }] of Object.entries(arrays)) {
        const [, kind, tensor] = new RegExp(`^${schedule}\\.(param|exp_avg|exp_avg_sq)\\.(.*)$`)
          .exec(key) ?? [];
        if (!kind) continue;
        const source = { param: weights, exp_avg: state.first, exp_avg_sq: state.second }[kind]!;
        const own = source[canonicalName(tensor)!];
        allClose(own, data, { atol: 2e-3 }, key);
        const far = own.filter((x, e) => Math.abs(x - data[e]) > 2e-6).length;
        ok(far <= own.length * 0.01 + 1, `${key}: ${far} of ${own.length} further than 2e-6`);
        compared++;
      }
      equal(compared, schedule === "plus_one" ? 13 : 9);
    },
  });
}
