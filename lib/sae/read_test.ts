import { openBackend } from "../backend/mod.ts";
import { allClose, deepEqual, equal, match } from "../../tests/assert.ts";
import { SaeCoder } from "./coder.ts";
import { depthOfPath, kOfPath } from "./path_layer.ts";
import { readSae, type SaeChoice } from "./read.ts";
import { densify } from "./testing/dense.ts";
import {
  type Arrays,
  inMemory,
  interplmArrays,
  interprotArrays,
  noise,
  safetensorsFile,
  torchFile,
} from "./testing/files.ts";
import { interplmOracle, interprotOracle } from "./testing/oracle.ts";
import type { Sae } from "./types.ts";
import { writeSae } from "./write.ts";

const dModel = 24, latents = 40, tokens = 9;
const model = { name: "esm2_test", layers: 6, dModel };
const PROT = "esm2_plm1280_l4_sae4096.safetensors";

const read = async (label: string, bytes: Uint8Array, choice?: SaeChoice) =>
  await readSae(inMemory(label, bytes), model, choice);

/** float32 sums of 24 to 40 products of order 1, scaled by a standard deviation of order 1. */
const TOLERANCE = { atol: 1e-5, rtol: 1e-5 };

/** Encodes and decodes some tokens and compares each with an oracle in double precision. */
async function agrees(
  sae: Sae,
  oracle: (x: Float32Array) => { z: Float64Array; decoded: number[] },
): Promise<void> {
  await using backend = (await openBackend("cpu")).backend;
  await using coder = await SaeCoder.open(sae, backend);
  const values = noise(tokens * dModel, 9).map((value) => 3 * value + 0.5);
  using hidden = backend.upload("hidden", [tokens, dModel], values);
  const { latents: sparse, scale } = await coder.encode(hidden);
  using decoded = await coder.decode(sparse, scale);
  const dense = densify(sparse), stream = await decoded.read();
  for (let n = 0; n < tokens; n++) {
    const expected = oracle(values.subarray(n * dModel, (n + 1) * dModel));
    allClose(dense.subarray(n * latents, (n + 1) * latents), expected.z, TOLERANCE, `token ${n}`);
    allClose(
      stream.subarray(n * dModel, (n + 1) * dModel),
      expected.decoded,
      { atol: 1e-4, rtol: 1e-5 },
      `decoded token ${n}`,
    );
  }
}

Deno.test("readSae reads InterProt's files: z-score, top k, layer of the name", async () => {
  const arrays = interprotArrays(dModel, latents);
  const statistics = { stats_last_nonzero: { shape: [8], data: new Uint8Array(8) } };
  const bytes = safetensorsFile({ ...arrays, ...statistics });
  const { sae, layout, notes } = await read(PROT, bytes, { k: 7 });
  equal(layout, "interprot");
  deepEqual(notes, []);
  deepEqual(sae.config, {
    name: "esm2_plm1280_l4_sae4096",
    ...{ dModel, latents, depth: 4, afterFinalNorm: false, normalisation: "zscore", k: 7 },
  });
  await agrees(sae, (x) => interprotOracle(x, arrays, 7));
});

Deno.test("readSae assumes the k that InterProt's files were trained with, and says so", async () => {
  const wide = interprotArrays(dModel, 200);
  const usual = await read("esm2_plm1280_l6_sae4096.safetensors", safetensorsFile(wide));
  equal(usual.sae.config.k, 64);
  // The stream before the final LayerNorm, even after the last block.
  equal(usual.sae.config.afterFinalNorm, false);
  match(usual.notes.join(), /k = 64 is assumed/);
  const older = await read("esm2_plm1280_l6_sae4096_100k.safetensors", safetensorsFile(wide));
  equal(older.sae.config.k, 128);
});

Deno.test("readSae reads InterPLM's files: ReLU, no normalisation, layer of the folder", async () => {
  const arrays = interplmArrays(dModel, latents);
  const { sae, layout } = await read("a/layer_3/ae_unnormalized.pt", await torchFile(arrays));
  equal(layout, "interplm");
  deepEqual(sae.config, {
    name: "ae_unnormalized",
    ...{ dModel, latents, depth: 3, afterFinalNorm: false, normalisation: "none" },
  });
  await agrees(sae, (x) => interplmOracle(x, arrays));
  const last = await read("layer_6/ae_normalized.pt", await torchFile(arrays));
  equal(last.sae.config.afterFinalNorm, true);
});

Deno.test("readSae folds InterPLM's rescale factors, so that decoding stays what it was", async () => {
  const factors = noise(latents, 11).map((value) => 0.2 + Math.abs(value) * 5);
  // Never fired in the evaluation.
  factors[3] = 0;
  const arrays: Arrays = {
    ...interplmArrays(dModel, latents),
    activation_rescale_factor: { shape: [latents], data: factors },
    normalize_to_sqrt_d: { shape: [], data: Uint8Array.of(0) },
  };
  const { sae, notes } = await read("layer_2/ae_normalized.pt", await torchFile(arrays));
  match(notes.join(), /divided by each latent's largest/);
  await agrees(sae, (x) => interplmOracle(x, arrays));
});

Deno.test("readSae reads InterPLM's tokens of length √D", async () => {
  const arrays: Arrays = {
    ...interplmArrays(dModel, latents),
    normalize_to_sqrt_d: { shape: [], data: Uint8Array.of(1) },
  };
  const { sae } = await read("layer_2/ae_unnormalized.pt", await torchFile(arrays));
  equal(sae.config.normalisation, "rms");
  await agrees(sae, (x) => interplmOracle(x, arrays));
});

Deno.test("readSae reads what writeSae writes, in float32 exactly and in float16 nearly", async () => {
  const { sae: source } = await read(PROT, safetensorsFile(interprotArrays(dModel, latents)), {
    k: 5,
  });
  const own: Sae = {
    ...source,
    config: { ...source.config, name: "mine", depth: 6, afterFinalNorm: true },
  };
  const dir = await Deno.makeTempDir();
  try {
    for (const dtype of ["F32", "F16"] as const) {
      const path = `${dir}/any.safetensors`;
      await writeSae(path, own, { trained_on: "a few proteins" }, { dtype });
      const found = await read("any.safetensors", await Deno.readFile(path));
      deepEqual(found.sae.config, own.config);
      deepEqual(found.notes, []);
      equal(found.layout, "esmscope");
      equal(found.metadata.trained_on, "a few proteins");
      for (const name of ["wEnc", "wDec", "bEnc", "bPre"] as const) {
        // Half precision has 11 significant bits.
        const rtol = dtype === "F32" ? 0 : 2 ** -11, atol = dtype === "F32" ? 0 : 2 ** -24;
        allClose(found.sae[name], own[name], { rtol, atol }, name);
      }
    }
    const { k: _, ...relu } = own.config;
    await writeSae(`${dir}/relu.safetensors`, { ...own, config: relu });
    const found = await read("relu.safetensors", await Deno.readFile(`${dir}/relu.safetensors`));
    deepEqual(found.sae.config, relu);
    const moved = await read("x", await Deno.readFile(`${dir}/relu.safetensors`), { layer: 2 });
    equal(moved.sae.config.depth, 2);
    equal(moved.sae.config.afterFinalNorm, false);
    match(moved.notes.join(), /Reads layer 2 as asked, though the file is of layer 6/);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("depthOfPath finds the layer of the name, then of the folder", () => {
  const cases: [string, number | undefined][] = [
    ["/cache/esm2_plm1280_l24_sae4096_100k.safetensors", 24],
    ["layer_33/ae_normalized.pt", 33],
    ["layer_1/esm2_l4_sae.safetensors", 4],
    ["C:\\sae\\layer_2.safetensors", 2],
    ["layer-5.pt", 5],
    ["esm2_t33_650M/model24.safetensors", undefined],
    ["ael2.pt", undefined],
  ];
  for (const [path, depth] of cases) equal(depthOfPath(path), depth, path);
});

Deno.test("kOfPath finds k of the name, and of no other part of it", () => {
  const cases: [string, number | undefined][] = [
    ["esm2_plm1280_l3_sae4096_k128_211k.safetensors", 128],
    ["esm2_plm1280_l24_sae8192_k16_auxk640.safetensors", 16],
    ["esm2_plm1280_l24_sae4096_k32.safetensors", 32],
    ["esm2_l4_k256/model.safetensors", 256],
    ["esm2_plm1280_l24_sae4096_100k.safetensors", undefined],
    ["esm2_plm1280_l24_sae4096_auxk640.safetensors", undefined],
    ["esm2_plm1280_l24_sae4096.safetensors", undefined],
  ];
  for (const [path, k] of cases) equal(kOfPath(path), k, path);
});

Deno.test("readSae takes k of InterProt's names, and says where it is from", async () => {
  const bytes = safetensorsFile(interprotArrays(dModel, latents));
  const found = async (label: string, k?: number) => {
    const { sae, notes } = await read(label, bytes, { k });
    return [sae.config.k, notes.join(" ")] as const;
  };
  const [named, note] = await found("esm2_plm1280_l3_sae4096_k12_auxk640.safetensors");
  equal(named, 12);
  match(note, /^k = 12, as the file's name says\.$/);
  const [asked, overruled] = await found("esm2_plm1280_l3_sae4096_k12.safetensors", 7);
  equal(asked, 7);
  match(overruled, /^Keeps 7 latents as asked, though the file's name says 12\.$/);
  deepEqual(await found("esm2_plm1280_l3_sae4096_k12.safetensors", 12), [12, ""]);
});
