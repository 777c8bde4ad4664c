import { type Backend, openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/model.ts";
import { allClose, deepEqual, equal, ok } from "./assert.ts";
import { fixturePath, forwardFixtures, tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf, compare, record } from "./parity.ts";
import { limitedBackend } from "./limited_backend.ts";

const backends = ["cpu", "wasm", "webgpu"] as const;

for (const name of backends) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Esm2 agrees with fair-esm on every fixture: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    // The native library keeps its thread pool and timers for the life of the process.
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      const fixtures = forwardFixtures();
      equal(fixtures.length, 15);
      for (const fixture of fixtures) {
        await t.step(fixture.name, async () => {
          using checkpoint = await openCheckpoint(fixture.model);
          const rows = await compare(fixture, checkpoint, backend);
          const bad = rows.filter((row) => !(row.maxAbsDiff <= row.allowed));
          deepEqual(bad, []);
          equal(backend.liveBytes, 0, "every tensor is freed");
        });
      }
      await t.step("both checkpoint formats give identical results", () => formats(backend));
      await t.step("a sequence alone equals itself padded in any batch", () => padding(backend));
      await t.step("attention in pieces equals attention whole", () => pieces(backend));
      await t.step("low memory equals resident", () => lowMemory(backend));
      await t.step("a visitor replaces, stops and resumes", () => visiting(backend));
    },
  });
}

const UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG";
const TRP_CAGE = "NLYIQWLKDGGPSSGRPPPS";

async function formats(backend: Backend): Promise<void> {
  using safetensors = await openCheckpoint(tinyPath);
  using pt = await openCheckpoint(fixturePath("esm2_t4_800K_SP50/esm2_t4_800K_SP50.pt"));
  const batch = batchOf([UBIQUITIN, TRP_CAGE]);
  const results = [];
  for (const checkpoint of [safetensors, pt]) {
    await using model = await Esm2.open(checkpoint, backend);
    results.push(await record(model, batch));
  }
  deepEqual(results[0], results[1]);
}

async function padding(backend: Backend): Promise<void> {
  using checkpoint = await openCheckpoint(tinyPath);
  await using model = await Esm2.open(checkpoint, backend);
  const sequences = [TRP_CAGE, "M", UBIQUITIN, "ac<mask>de"];
  const together = await record(model, batchOf(sequences));
  const { width } = together.batch;
  for (let b = 0; b < sequences.length; b++) {
    const alone = await record(model, batchOf([sequences[b]]));
    const n = alone.batch.width;
    // The padded softmax adds exact zeros in another order: float32 rounding of logits up to 21.
    const rows = together.logits.subarray(b * width * 33, (b * width + n) * 33);
    allClose(rows, alone.logits, { atol: 2e-4 }, `logits of ${sequences[b]}`);
    const { heads, layers } = model.config;
    for (let layer = 0; layer < layers; layer++) {
      for (let head = 0; head < heads; head++) {
        for (let i = 0; i < n; i++) {
          const at = ((b * heads + head) * width + i) * width;
          const row = together.attention[layer].subarray(at, at + width);
          const own = alone.attention[layer].subarray((head * n + i) * n, (head * n + i + 1) * n);
          allClose(row.subarray(0, n), own, { atol: 5e-5 }, `attention of ${sequences[b]}`);
          ok(row.subarray(n).every((a) => a === 0), "padding receives no attention");
        }
      }
    }
  }
}

async function pieces(backend: Backend): Promise<void> {
  using checkpoint = await openCheckpoint(tinyPath);
  const batch = batchOf([UBIQUITIN, TRP_CAGE]);
  await using whole = await Esm2.open(checkpoint, backend);
  const expected = await record(whole, batch);
  // Room for three of the eight heads: groups of 3, 3 and 2.
  const bytes = 3 * batch.size * batch.width ** 2 * 4;
  const small = limitedBackend(backend, { bytes, hard: false, fastAttentionBytes: bytes / 2 });
  await using cut = await Esm2.open(checkpoint, small);
  const actual = await record(cut, batch);
  actual.attention.forEach((a, layer) =>
    allClose(a, expected.attention[layer], { atol: 1e-6 }, `attention ${layer}`)
  );
  allClose(actual.logits, expected.logits, { atol: 2e-5 }, "logits");
  using unseen = await cut.run(batch, { head: true });
  allClose(await unseen.logits!.read(), expected.logits, { atol: 2e-5 }, "logits, nobody watching");
}

async function lowMemory(backend: Backend): Promise<void> {
  using checkpoint = await openCheckpoint(tinyPath);
  const batch = batchOf([TRP_CAGE]);
  await using resident = await Esm2.open(checkpoint, backend);
  const expected = await record(resident, batch);
  const before = backend.liveBytes;
  await using streaming = await Esm2.open(checkpoint, backend, { lowMemory: true });
  deepEqual(await record(streaming, batch), expected);
  equal(backend.liveBytes, before, "nothing of the streamed weights stays");
}

async function visiting(backend: Backend): Promise<void> {
  using checkpoint = await openCheckpoint(tinyPath);
  await using model = await Esm2.open(checkpoint, backend);
  const batch = batchOf([TRP_CAGE]);
  const expected = await record(model, batch);
  const before = backend.liveBytes;
  {
    using stopped = await model.run(batch, {
      visitor: { hidden: (state) => state.depth === 2 ? state.stop() : undefined },
    });
    equal(stopped.depth, 2);
    deepEqual(await stopped.hidden.read(), expected.hidden[2]);
    using resumed = await model.run(batch, { from: stopped, head: true });
    deepEqual(await resumed.logits!.read(), expected.logits);
    // Another sequence's state put in its place at depth 2 carries that sequence's logits to the end.
    const other = batchOf([TRP_CAGE.replace("W", "A")]);
    const target = await record(model, other);
    using replaced = await model.run(batch, {
      head: true,
      visitor: {
        hidden(state) {
          if (state.depth !== 2) return;
          const shape = [...state.hidden.shape];
          state.replace(backend.upload("patched", shape, target.hidden[2].slice()));
        },
      },
    });
    deepEqual(await replaced.logits!.read(), target.logits);
  }
  equal(backend.liveBytes, before, "tensors of stopped and resumed runs are freed");
  // An error in a visitor frees what the run held.
  const failing = model.run(batch, {
    visitor: {
      attention() {
        throw new Error("visitor failed");
      },
    },
  });
  await failing.then(() => ok(false), (error) => equal(error.message, "visitor failed"));
  equal(backend.liveBytes, before, "tensors of a failed run are freed");
}
