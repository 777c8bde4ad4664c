import { openBackend } from "../backend/mod.ts";
import type { Backend } from "../backend/types.ts";
import { allClose, equal, ok, rejects } from "../../tests/assert.ts";
import { fixtureIndex, readFixture } from "../../tests/fixtures.ts";
import { runsGpuTests } from "../../tests/gpu.ts";
import { SaeCoder } from "./coder.ts";
import { densify } from "./testing/dense.ts";
import type { Sae, SparseLatents } from "./types.ts";

const fixture = readFixture("tiny_sae_ig_hp36");
const { layer, k, d_hidden: latents } = fixtureIndex.tiny_sae_ig_hp36 as unknown as Record<
  string,
  number
>;
const array = (name: string) => fixture[name].data as Float32Array;
const [rows, dModel] = fixture.hidden.shape;

const sae: Sae = {
  config: {
    name: "fixture",
    dModel,
    latents,
    depth: layer,
    afterFinalNorm: false,
    normalisation: "zscore",
    k,
  },
  wEnc: array("w_enc"),
  bEnc: array("b_enc"),
  wDec: array("w_dec"),
  bPre: array("b_pre"),
};

/** float32 sums of 128 products of order 1: the fixture's own arithmetic is float32 as well. */
const TOLERANCE = { atol: 2e-5, rtol: 1e-5 };

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const ignore = name === "webgpu" && !runsGpuTests;
  Deno.test({ name: `SaeCoder agrees with the fixture on ${name}`, ignore, fn: () => check(name) });
}

async function check(name: "cpu" | "wasm" | "webgpu"): Promise<void> {
  await using backend: Backend = (await openBackend(name)).backend;
  await using coder = await SaeCoder.open(sae, backend);
  const before = backend.liveBytes;
  {
    using hidden = backend.upload("hidden", [rows, dModel], array("hidden"));
    const pre = await coder.preActs(hidden);
    allClose(await pre.preActs.read(), array("pre_acts"), TOLERANCE, "pre_acts");
    pre.preActs[Symbol.dispose]();
    const { latents: sparse, scale } = await coder.encode(hidden);
    // float32 means of 128 values up to about 30.
    allClose(scale.mean, array("mu"), { atol: 1e-5 }, "mu");
    allClose(scale.std, array("std"), { rtol: 1e-5 }, "std");
    equal(sparse.rows, rows);
    const dense = densify(sparse);
    // The k-th and the next value differ by more than the tolerance, so the choice must be the same.
    dense.forEach((value, i) => equal(value > 0, array("latents")[i] > 0, `latent ${i}`));
    allClose(dense, array("latents"), TOLERANCE, "latents");
    using decoded = await coder.decode(sparse, scale);
    const largest = Math.max(...scale.std);
    allClose(
      await decoded.read(),
      array("reconstruction"),
      { atol: 2e-5 * Math.max(1, largest), rtol: 1e-5 },
      "reconstruction",
    );
    using error = backend.upload("error", [rows, dModel], array("error"));
    using restored = await coder.decode(sparse, scale, error);
    allClose(await restored.read(), array("hidden"), { atol: 4e-5 * Math.max(1, largest) });
  }
  equal(backend.liveBytes, before, "bytes still live");
}

Deno.test({
  name: "SaeCoder without k finds all of many active latents on a GPU, and frees what it used",
  ignore: !runsGpuTests,
  async fn() {
    const relu: Sae = {
      ...sae,
      config: { ...sae.config, latents: 1280, k: undefined },
      wEnc: Float32Array.from({ length: dModel * 1280 }, (_, i) => Math.sin(i * 7.13) / 10),
      // Row 1280 times 0.4 in the mean: more latents are positive than are asked for at first.
      bEnc: new Float32Array(1280).fill(0.4),
      wDec: Float32Array.from({ length: dModel * 1280 }, (_, i) => Math.cos(i * 3.7)),
    };
    const decoded: Float32Array[] = [], sparse: SparseLatents[] = [];
    for (const name of ["cpu", "webgpu"] as const) {
      await using backend = (await openBackend(name)).backend;
      const before = backend.gpu?.liveBytes;
      {
        await using coder = await SaeCoder.open(relu, backend);
        using hidden = backend.upload("hidden", [rows, dModel], array("hidden"));
        const live = backend.gpu?.liveBytes;
        const { latents, scale } = await coder.encode(hidden);
        equal(backend.gpu?.liveBytes, live, "bytes still live on the device");
        sparse.push(latents);
        using back = await coder.decode(latents, scale);
        decoded.push(await back.read());
      }
      // Outputs are kept for reuse by the backend itself.
      if (before !== undefined) ok(backend.gpu!.liveBytes - before <= rows * dModel * 4);
    }
    ok(sparse[0].values.length > 600 * rows);
    const [cpu, gpu] = sparse.map(densify);
    allClose(gpu, cpu, { atol: 1e-5, rtol: 1e-5 }, "latents");
    // Sums of about 700 products.
    allClose(decoded[1], decoded[0], { atol: 2e-3, rtol: 1e-5 }, "decoded");
  },
});

Deno.test("SaeCoder without k keeps every positive pre-activation, over several chunks", async () => {
  await using backend = (await openBackend("cpu")).backend;
  // 40 000 latents of 16 MiB chunks: 104 rows each, so that 250 rows are three chunks.
  const wide = 40_000, many = 250, d = 3;
  const noise = (n: number, seed: number) =>
    Float32Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + seed) * 2);
  const relu: Sae = {
    config: {
      name: "relu",
      dModel: d,
      latents: wide,
      depth: 1,
      afterFinalNorm: false,
      normalisation: "none",
    },
    wEnc: noise(d * wide, 1),
    bEnc: noise(wide, 2).map((value) => value - 6),
    wDec: noise(wide * d, 3),
    bPre: noise(d, 4),
  };
  await using coder = await SaeCoder.open(relu, backend);
  const values = noise(many * d, 5);
  using hidden = backend.upload("hidden", [many, d], values);
  const { latents: sparse, scale } = await coder.encode(hidden);
  equal(sparse.rows, many);
  equal(sparse.offsets[many], sparse.values.length);
  ok(scale.mean.every((value) => value === 0) && scale.std.every((value) => value === 1));
  let entry = 0;
  for (const n of [0, 103, 104, 207, 208, 249]) {
    entry = sparse.offsets[n];
    for (let j = 0; j < wide; j++) {
      let sum = relu.bEnc[j];
      for (let i = 0; i < d; i++) {
        sum += (values[n * d + i] - relu.bPre[i]) * relu.wEnc[i * wide + j];
      }
      if (Math.abs(sum) < 1e-5) continue;
      while (entry < sparse.offsets[n + 1] && sparse.indices[entry] < j) entry++;
      const found = entry < sparse.offsets[n + 1] && sparse.indices[entry] === j;
      equal(found, sum > 0, `row ${n} latent ${j}`);
      if (found) ok(Math.abs(sparse.values[entry] - sum) < 1e-5);
    }
  }
});

Deno.test("SaeCoder refuses a stream of another width", async () => {
  await using backend = (await openBackend("cpu")).backend;
  await using coder = await SaeCoder.open(sae, backend);
  using hidden = backend.upload("hidden", [4, 32], new Float32Array(128));
  await rejects(coder.encode(hidden), /must be \[N, 128\]: current value is \[4,32\]/);
});
