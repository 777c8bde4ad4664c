import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deepEqual, equal, ok, rejects } from "../../tests/assert.ts";
import { openCheckpoint, openSafetensorsBytes } from "./open.ts";
import { isSmallModel, sameBits } from "./testing/checks.ts";
import { bytesOf, safetensorsBytes, withTempDir } from "./testing/files.ts";
import { asSafetensors, SMALL_CONFIG, smallTensors, smallValues } from "./testing/small_model.ts";

const repo = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const EMBEDDED = repo("tests/fixtures/esm2_t4_800K_SP50");
const FIXTURES = repo("tests/fixtures/esm2_t4_800K_SP50");
const hf = (_fair: string, name: string) => name;

Deno.test("openCheckpoint gives bit-identical tensors from both formats of the embedded model", async () => {
  using a = await openCheckpoint(EMBEDDED);
  using b = await openCheckpoint(join(FIXTURES, "esm2_t4_800K_SP50.pt"));
  deepEqual([a.name, a.format], ["esm2_t4_800K_SP50", "safetensors"]);
  deepEqual([b.name, b.format], ["esm2_t4_800K_SP50", "fair-esm"]);
  deepEqual(a.config, b.config);
  deepEqual(a.config, {
    layers: 4,
    dModel: 128,
    heads: 8,
    headDim: 16,
    ffn: 512,
    tokenDropout: true,
  });
  equal(b.files.length, 2);
  deepEqual([a.notes, b.notes], [[], []]);
  // fair-esm stores the tied decoder again.
  deepEqual([...a.tensors.keys()], [...b.tensors.keys()].filter((n) => n !== "lm_head.weight"));
  sameBits(await b.read("lm_head.weight"), await a.read("embed_tokens.weight"), "tied decoder");
  let parameters = 0;
  for (const [name, info] of a.tensors) {
    deepEqual(b.tensors.get(name), info);
    const values = await a.read(name);
    sameBits(values, await b.read(name), name);
    if (!name.endsWith("inv_freq")) parameters += values.length;
  }
  equal(parameters, 814_402); // the model card's count
});

Deno.test("openCheckpoint reads the float16 file to half precision of the float32 one", async () => {
  await withTempDir(async (dir) => {
    await Deno.copyFile(join(FIXTURES, "model.fp16.safetensors"), join(dir, "half.safetensors"));
    await Deno.copyFile(join(EMBEDDED, "config.json"), join(dir, "config.json"));
    using full = await openCheckpoint(EMBEDDED);
    using half = await openCheckpoint(join(dir, "half.safetensors"));
    equal(half.name, "half");
    equal(half.tensors.get("layers.0.fc1.weight")!.dtype, "F16");
    for (const name of full.tensors.keys()) {
      const exact = await full.read(name);
      const rounded = name.endsWith("inv_freq") ? exact : exact.map((v) => Math.f16round(v));
      sameBits(await half.read(name), rounded, name);
    }
  });
});

for (
  const [name, config] of [
    ["rand_t2_d64_h4", { layers: 2, dModel: 64, heads: 4, headDim: 16, ffn: 256 }],
    ["rand_t3_d40_h20", { layers: 3, dModel: 40, heads: 20, headDim: 2, ffn: 160 }],
  ] as const
) {
  Deno.test(`openCheckpoint opens ${name}`, async () => {
    using checkpoint = await openCheckpoint(repo(`tests/fixtures/${name}/`));
    equal(checkpoint.name, name);
    deepEqual(checkpoint.config, { ...config, tokenDropout: true });
    equal(checkpoint.tensors.size, 10 + 17 * config.layers);
    // Layer-norm gains were drawn as 1 + 0.2 n, biases as 0.2 n.
    const mean = (values: Float32Array) => values.reduce((a, b) => a + b, 0) / values.length;
    const gain = await checkpoint.read("layers.1.self_attn_layer_norm.weight");
    const bias = await checkpoint.read("layers.1.self_attn_layer_norm.bias");
    ok(Math.abs(mean(gain) - 1) < 0.2 && Math.abs(mean(bias)) < 0.2);
  });
}

Deno.test("sha256 of one file is the file's", async () => {
  using checkpoint = await openCheckpoint(EMBEDDED);
  const bytes = await Deno.readFile(join(EMBEDDED, "model.safetensors"));
  equal(await checkpoint.sha256(), createHash("sha256").update(bytes).digest("hex"));
});

Deno.test("openSafetensorsBytes opens a checkpoint in memory", async () => {
  const bytes = safetensorsBytes(asSafetensors(smallTensors(hf)));
  using checkpoint = await openSafetensorsBytes("fetched", SMALL_CONFIG, bytes);
  deepEqual([checkpoint.name, checkpoint.files], ["fetched", ["fetched"]]);
  await isSmallModel(checkpoint);
  equal(await checkpoint.sha256(), createHash("sha256").update(bytes).digest("hex"));
  const config = { ...SMALL_CONFIG, vocab_size: 20 };
  await rejects(() => openSafetensorsBytes("fetched", config, bytes), {
    message: /^Cannot open config\.json of fetched as vocab_size/,
  });
});

Deno.test("openCheckpoint computes rotary frequencies that are not stored, and says so", async () => {
  const bytes = safetensorsBytes(
    asSafetensors(smallTensors((_f, name) => name.endsWith("inv_freq") ? undefined : name)),
  );
  using checkpoint = await openSafetensorsBytes("m", SMALL_CONFIG, bytes);
  const name = "layers.1.self_attn.rot_emb.inv_freq";
  deepEqual(checkpoint.tensors.get(name), { shape: [2], dtype: "F32", origin: "computed" });
  const wanted = Float32Array.of(1, Math.f16round(0.01));
  deepEqual(await checkpoint.read(name), wanted);
  const scratch = new Float32Array(3).fill(5);
  deepEqual(await checkpoint.read(name, scratch), wanted);
  equal(scratch[2], 5);
  deepEqual(checkpoint.notes, [
    "rotary frequencies are not stored: computed and rounded to half precision",
  ]);
});

Deno.test("openCheckpoint exposes an untied decoder and ignores what rotary models never read", async () => {
  const f32 = (shape: number[], fill: number) => ({
    dtype: "F32",
    shape,
    bytes: bytesOf(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill)),
  });
  const bytes = safetensorsBytes({
    ...asSafetensors(smallTensors(hf)),
    "lm_head.decoder.weight": f32([33, 8], 3),
    "lm_head.decoder.bias": { ...f32([33], 0), bytes: bytesOf(smallValues("lm_head.bias")) },
    "esm.embeddings.position_embeddings.weight": f32([1026, 8], 1),
    "esm.embeddings.position_ids": {
      dtype: "I64",
      shape: [1, 1026],
      bytes: new Uint8Array(8 * 1026),
    },
    "esm.pooler.dense.weight": f32([8, 8], 1),
    "classifier.weight": f32([2, 8], 1),
  });
  using checkpoint = await openSafetensorsBytes("m", SMALL_CONFIG, bytes);
  await isSmallModel(checkpoint);
  deepEqual(await checkpoint.read("lm_head.weight"), new Float32Array(264).fill(3));
  deepEqual(checkpoint.notes, ['ignored, not part of ESM-2: "classifier.weight"']);
});

Deno.test("openCheckpoint takes the output bias from the decoder when only that is stored", async () => {
  const bytes = safetensorsBytes(
    asSafetensors(
      smallTensors((_f, name) => name === "lm_head.bias" ? "lm_head.decoder.bias" : name),
    ),
  );
  using checkpoint = await openSafetensorsBytes("m", SMALL_CONFIG, bytes);
  await isSmallModel(checkpoint);
});

Deno.test("Checkpoint fills one scratch buffer again and again, and closes its files", async () => {
  const checkpoint = await openCheckpoint(EMBEDDED);
  const scratch = new Float32Array(512 * 128);
  for (const name of checkpoint.tensors.keys()) {
    const values = await checkpoint.read(name, scratch);
    equal(values.buffer, scratch.buffer);
    sameBits(values, await checkpoint.read(name), name);
  }
  await rejects(() => checkpoint.read("layers.0.fc1.weight", new Float32Array(5)), RangeError);
  checkpoint[Symbol.dispose]();
  checkpoint[Symbol.dispose]();
  await rejects(() => checkpoint.read("layers.0.fc1.weight"), Error);
});
