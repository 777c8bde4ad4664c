import { allClose, deepEqual, equal, ok, rejects } from "../../tests/assert.ts";
import { fixtureIndex, fixturePath, readFixture } from "../../tests/fixtures.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { openBackend } from "../backend/mod.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { Esm2, type StreamPlace, tokenize } from "../esm2/mod.ts";
import { pooledStreams, TOKEN_POOLS, type TokenPool } from "./pool.ts";

const golden = readFixture("rand_embeddings");
const sequences = fixtureIndex.rand_embeddings.sequences!;
const rows = sequences.map((residues, i) => tokenize({ id: `${i}`, residues }));
/** Of the second axis of the golden arrays. */
const PLACES: readonly StreamPlace[] = [0, 1, 2, "last"];
const GOLDEN: Readonly<Record<TokenPool, string>> = { mean: "mean", cls: "bos", max: "max" };

/** Vectors by row, place and pool. */
async function pooled(esm: Esm2, of: readonly Int32Array[], tokenBudget: number) {
  const found = new Map<string, Float32Array>();
  const options = { places: PLACES, pools: TOKEN_POOLS, tokenBudget };
  await pooledStreams(esm, of, options, (row, place, pool, vector) => {
    const key = `${row} ${place} ${pool}`;
    ok(!found.has(key), `${key} comes once`);
    found.set(key, vector);
  });
  return found;
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `pooledStreams: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
      await using esm = await Esm2.open(checkpoint, backend);
      const before = backend.liveBytes, { dModel } = esm.config;
      const together = await pooled(esm, rows, 10_000);
      await t.step("a padded batch gives the mean, <cls> and largest of the original", () => {
        equal(together.size, rows.length * PLACES.length * TOKEN_POOLS.length);
        for (const [row] of rows.entries()) {
          PLACES.forEach((place, at) => {
            for (const pool of TOKEN_POOLS) {
              const from = (row * PLACES.length + at) * dModel;
              const expected = golden[GOLDEN[pool]].data.subarray(from, from + dModel);
              const vector = together.get(`${row} ${place} ${pool}`)!;
              allClose(vector, expected, { atol: 5e-6 * largestOf(expected) }, `${row} ${place}`);
            }
          });
        }
      });
      await t.step("alone a protein gives what it gives in any batch", async () => {
        const alone = await pooled(esm, rows, 1);
        for (const [key, vector] of together) {
          allClose(alone.get(key)!, vector, { atol: 2e-6 * largestOf(vector) }, key);
        }
        const again = await pooled(esm, rows, 10_000);
        deepEqual([...again], [...together], "the same run gives the same bits");
      });
      await t.step("stops when told, and frees every tensor", async () => {
        const signal = AbortSignal.abort(new Error("enough"));
        await rejects(() => pooledStreams(esm, rows, { places: [1], signal }, () => {}), /enough/);
        await rejects(() => pooledStreams(esm, rows, { places: [3] }, () => {}), /places must be/);
        equal(backend.liveBytes, before);
      });
    },
  });
}

const largestOf = (values: ArrayLike<number>) =>
  Math.max(1, ...Array.from(values, (value) => Math.abs(value)));
