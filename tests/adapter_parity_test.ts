/** Models with PEFT's adapters: outputs, merged weights, gradients and training steps equal PEFT's. */
import { readAdapter, writeAdapter } from "../lib/adapter/mod.ts";
import { openBackend } from "../lib/backend/mod.ts";
import { adapterFixtures, adapterFolder, compareAdapter } from "./adapter_parity.ts";
import { withTempDir } from "../lib/checkpoint/testing/files.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";

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
