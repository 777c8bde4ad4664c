/** Models with PEFT's adapters: outputs, merged weights, gradients and training steps equal PEFT's. */
import {
  type Adapter,
  adapterArrays,
  linearAdapters,
  readAdapter,
  withArrays,
  writeAdapter,
} from "../lib/adapter/mod.ts";
import { type Backend, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { type AdapterDropout, AdapterWeights } from "../lib/esm2/adapter_weights.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { UploadedWeights } from "../lib/esm2/trainable.ts";
import { loadResident } from "../lib/esm2/weights.ts";
import { adapterDropout } from "../lib/train/dropout.ts";
import { adapterFixtures, adapterFolder, compareAdapter } from "./adapter_parity.ts";
import { withTempDir } from "../lib/checkpoint/testing/files.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { fixturePath } from "./fixtures.ts";
import { batchOf } from "./parity.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { limitedBackend } from "./limited_backend.ts";

/** Arrays that are compared, so that none is left out unseen. */
const COMPARED: Readonly<Record<string, number>> = {
  "feature_extraction_qkv": 2,
  "legacy_v0_15_2_qvd": 1,
  "legacy_v0_6_0_qvd": 1,
  "mlm_qkv": 39,
  "mlm_qvd": 64,
  "seq_cls_bias_lora_only": 59,
  "seq_cls_dora": 59,
  "seq_cls_qkv": 47,
  "seq_cls_qkv_rslora": 47,
  "seq_cls_qvd": 67,
  "seq_cls_rank_pattern": 47,
  "seq_cls_regex_last_layer": 27,
  "token_cls_qkv": 43,
};

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Adapters compute and learn what PEFT's do: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      for (const fixture of adapterFixtures) {
        await t.step(fixture, async () => {
          const rows = await compareAdapter(fixture, backend);
          equal(backend.liveBytes, 0, "every tensor is freed");
          for (const { array, maxAbsDiff, allowed } of rows) {
            ok(maxAbsDiff <= allowed, `${array}: off by ${maxAbsDiff}, allowed ${allowed}`);
          }
          equal(rows.length, COMPARED[fixture], fixture);
        });
      }
    },
  });
}

/** Folders that PEFT 0.21 wrote. */
const WRITTEN = adapterFixtures.filter((name) => !name.startsWith("legacy"))
  .flatMap((name) =>
    ["adapter", ...(name === "feature_extraction_qkv" ? [] : ["adapter_after3"])].map((which) =>
      [name, which] as const
    )
  );

Deno.test("adapters are written byte for byte as PEFT writes them", async () => {
  equal(WRITTEN.length, 21);
  for (const [name, which] of WRITTEN) {
    const folder = adapterFolder(name, which);
    await withTempDir(async (dir) => {
      await writeAdapter((file) => `${dir}/${file}`, await readAdapter(folder));
      for (const file of ["adapter_config.json", "adapter_model.safetensors"]) {
        const [own, theirs] = [dir, folder].map((path) => Deno.readFileSync(`${path}/${file}`));
        deepEqual(own, theirs, `${name}/${which}/${file}`);
      }
    });
  }
});

Deno.test("heads that were saved and adapted are written as one, and read back the same", async () => {
  for (const name of ["legacy_v0_6_0_qvd", "legacy_v0_15_2_qvd"]) {
    const read = await readAdapter(adapterFolder(name));
    await withTempDir(async (dir) => {
      await writeAdapter((file) => `${dir}/${file}`, read);
      const again = await readAdapter(dir);
      deepEqual(Object.fromEntries(again.head), Object.fromEntries(read.head));
      deepEqual(Object.fromEntries(again.lora), Object.fromEntries(read.lora));
    });
  }
});

/** Gradients and logits of a model with an adapter beside its weights. */
async function trained(
  backend: Backend,
  adapter: Adapter,
  dropout?: AdapterDropout,
): Promise<{ logits: Float32Array; gradients: Record<string, Float32Array> }> {
  using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
  const { config } = checkpoint, arrays = adapterArrays(adapter);
  const gradients: Record<string, Float32Array> = {};
  using tensors = new UploadedWeights(
    new Map(Object.entries(arrays).map(([name, { shape }]) => [name, shape])),
    Object.fromEntries(Object.entries(arrays).map(([name, { values }]) => [name, values])),
    backend,
  );
  const weights = new AdapterWeights(await loadResident(checkpoint, backend), {
    ...{ config, backend, linears: linearAdapters(adapter) },
    tensor: (name) => tensors.tensor(name),
  });
  await using esm = Esm2.ofWeights(weights, {
    ...{ config, backend },
    invFreq: await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq"),
    embedding: await checkpoint.read("embed_tokens.weight"),
  });
  const batch = batchOf(["NLYIQWLKDGGPSSGRPPPS", "GYDPETGTWG"]);
  using found = await esm.gradient(batch, {
    ...{ wrt: [], dropout, rows: [3, 7, 25] },
    cotangent: (logits) =>
      backend.upload(
        "slopes",
        logits.shape,
        Float32Array.from({ length: 99 }, (_, i) => Math.sin(i)),
      ),
    weights: {
      wants: (layer) => weights.trained(layer) as never[],
      wantsHead: () => weights.trained("head") as never[],
      async visit(place, slopes) {
        for (const [name, tensor] of Object.entries(slopes)) {
          gradients[place === "head" ? name : `layers.${place}.${name}`] = await tensor.read();
        }
      },
    },
  });
  return { logits: await found.logits.read(), gradients };
}

const within = (expected: Float32Array, share: number) => ({
  atol: share * expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-3),
});

Deno.test({
  name:
    "adapters in training: masks of dropout are those of both ways, and heads in groups give the same",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    for (const name of ["mlm_qvd", "seq_cls_dora"]) {
      const adapter = await readAdapter(adapterFolder(name));
      const whole = await trained(backend, adapter);
      ok(Object.keys(whole.gradients).length > 10, "every part has a gradient");
      // Masks of one change nothing; the adapter that reads nothing does nothing.
      const ones = await trained(backend, adapter, (_, __, n) => new Float32Array(n).fill(1));
      allClose(ones.logits, whole.logits, within(whole.logits, 1e-5));
      for (const [key, slopes] of Object.entries(whole.gradients)) {
        allClose(ones.gradients[key], slopes, within(slopes, 3e-5), key);
      }
      const none = await trained(backend, adapter, (_, __, n) => new Float32Array(n));
      {
        using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
        await using plain = await Esm2.open(checkpoint, backend);
        const batch = batchOf(["NLYIQWLKDGGPSSGRPPPS", "GYDPETGTWG"]);
        using result = await plain.run(batch, { head: { rows: [3, 7, 25] } });
        const expected = await result.logits!.read();
        allClose(none.logits, expected, within(expected, 1e-5), "without the adapter");
      }
      for (const [key, slopes] of Object.entries(none.gradients)) {
        if (/lora_[AB]$/.test(key)) ok(slopes.every((x) => x === 0), key);
      }
      // Random masks: the same logits and gradients when asked again, and the adapter's slopes are numbers'.
      const drop = adapterDropout(0.4, 5, 1), dropped = await trained(backend, adapter, drop);
      const again = await trained(backend, adapter, adapterDropout(0.4, 5, 1));
      deepEqual(again, dropped);
      const [key, at] = ["layers.0.self_attn.v_proj.lora_B", 7];
      const moved = async (step: number) => {
        const values = adapterArrays(adapter)[key].values.slice();
        values[at] += step;
        const other = withArrays(adapter, { [key]: values });
        const { logits } = await trained(backend, other, drop);
        return logits.reduce((sum, x, i) => sum + x * Math.sin(i), 0);
      };
      const slope = (await moved(0.02) - await moved(-0.02)) / 0.04;
      // DoRA holds the rows' lengths fixed, which moving the weight does not.
      if (name === "mlm_qvd") allClose([dropped.gradients[key][at]], [slope], { rtol: 5e-3 });
      // Room for one of the four heads at a time.
      const bytes = 2 * 22 ** 2 * 4;
      const small = limitedBackend(backend, { bytes, hard: false, fastAttentionBytes: bytes });
      const cut = await trained(small, adapter, drop);
      allClose(cut.logits, dropped.logits, within(dropped.logits, 1e-5));
      for (const [key, slopes] of Object.entries(dropped.gradients)) {
        allClose(cut.gradients[key], slopes, within(slopes, 3e-5), key);
      }
    }
  },
});
