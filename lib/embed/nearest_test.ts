import { deepEqual, equal, ok, rejects } from "../../tests/assert.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { openBackend } from "../backend/mod.ts";
import { nearestNeighbours } from "./nearest.ts";
import { searchVectors } from "./search.ts";
import { openSimilarity } from "./similarity.ts";
import { cosine, unitVectors, vectorOf, type VectorTable } from "./vectors.ts";

function randomTable(count: number, width: number, seed: number): VectorTable {
  const random = new PhiloxStream(seed);
  const values = Float32Array.from(
    { length: count * width },
    (_, i) => random.below(2001, i, 0) / 1000 - 1,
  );
  return { ids: Array.from({ length: count }, (_, i) => `p${i}`), width, values };
}

/** By sorting all cosines in double precision. */
function oracle(queries: VectorTable, references: VectorTable, k: number, isSelf: boolean) {
  return queries.ids.flatMap((_, q) =>
    references.ids.map((_, index) => ({
      index,
      cosine: cosine(vectorOf(queries, q), vectorOf(references, index)),
    }))
      .filter(({ index }) => !(isSelf && index === q))
      .sort((a, b) => b.cosine - a.cosine || a.index - b.index)
      .slice(0, k)
  );
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `nearestNeighbours are those of all cosines: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      // Odd sizes; copies of one vector, more than candidates; a vector without direction; its opposite.
      const references = randomTable(137, 19, 1);
      for (let i = 40; i < 75; i++) references.values.set(vectorOf(references, 3), i * 19);
      references.values.fill(0, 80 * 19, 81 * 19);
      references.values.set(vectorOf(references, 3).map((x) => -x), 90 * 19);
      const queries = randomTable(23, 19, 2);
      queries.values.set(vectorOf(references, 3), 0);
      for (const isSelf of [true, false]) {
        const asking = isSelf ? references : queries;
        for (const k of [1, 5, isSelf ? 136 : 137]) {
          const found = await nearestNeighbours(asking, references, k, backend, { isSelf });
          const wanted = oracle(asking, references, k, isSelf);
          deepEqual([...found.indices], wanted.map(({ index }) => index), `${isSelf} ${k}`);
          deepEqual([...found.cosines], wanted.map(({ cosine }) => cosine));
        }
      }
    },
  });

  Deno.test({
    name: `openSimilarity gives all cosines: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      const references = randomTable(70, 33, 3), queries = randomTable(9, 33, 4);
      await using similarity = await openSimilarity(references, backend);
      let next = 0;
      await similarity.dense(queries, (first, rows, cosines) => {
        equal(first, next);
        next += rows;
        for (let row = 0; row < rows; row++) {
          for (let i = 0; i < 70; i++) {
            const exact = cosine(vectorOf(queries, first + row), vectorOf(references, i));
            // A product of 33 in single precision, and 2 added and taken off.
            ok(Math.abs(cosines[row * 70 + i] - exact) < 1e-6, `${row} ${i}`);
          }
        }
      });
      equal(next, 9);
    },
  });
}

Deno.test("nearestNeighbours refuses more neighbours than there are, and other widths", async () => {
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  const table = randomTable(4, 5, 1);
  await rejects(
    () => nearestNeighbours(table, table, 4, backend, { isSelf: true }),
    RangeError,
    "k must be in 1..3",
  );
  await rejects(() => nearestNeighbours(randomTable(4, 6, 1), table, 1, backend), RangeError, "6");
});

Deno.test("unitVectors have length 1 but for zeros; cosine of parallel vectors is 1", () => {
  const unit = unitVectors({ values: Float32Array.of(3, 4, 0, 0, -5, 12), width: 2 });
  deepEqual([...unit], [3 / 5, 4 / 5, 0, 0, -5 / 13, 12 / 13].map(Math.fround));
  equal(cosine(Float32Array.of(1, 2), Float32Array.of(2, 4)), 1);
  equal(cosine(Float32Array.of(0, 0), Float32Array.of(2, 4)), 0);
});

Deno.test("searchVectors ranks the database and compares with its spread", async () => {
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  const database = randomTable(50, 12, 7), queries = randomTable(3, 12, 8);
  queries.values.set(vectorOf(database, 20), 12);
  const blocksOf = (table: VectorTable, size: number) => ({
    count: table.ids.length,
    async *blocks() {
      for (let at = 0; at < table.ids.length; at += size) {
        await Promise.resolve();
        yield {
          ids: table.ids.slice(at, at + size),
          width: table.width,
          values: table.values.subarray(at * table.width, (at + size) * table.width),
        };
      }
    },
  });
  const hits = await searchVectors(queries, blocksOf(database, 50), 4, backend);
  // Blocks are a matter of memory: a hit is the same in any.
  deepEqual(await searchVectors(queries, blocksOf(database, 3), 4, backend), hits);
  equal(hits.length, 12);
  const own = hits.filter(({ protein }) => protein === "p1");
  deepEqual(own.map(({ rank }) => rank), [1, 2, 3, 4]);
  equal(own[0].neighbour, "p20");
  equal(own[0].cosine, 1);
  const all = database.ids.map((_, i) => cosine(vectorOf(queries, 1), vectorOf(database, i)));
  const mean = all.reduce((a, b) => a + b) / 50;
  const sd = Math.sqrt(all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 50);
  ok(Math.abs(own[2].z - (own[2].cosine - mean) / sd) < 1e-5);
  // All of a database that is smaller, and no spread where there is one protein.
  const one = await searchVectors(queries, blocksOf(randomTable(1, 12, 9), 1), 4, backend);
  deepEqual(one.map(({ rank, z }) => [rank, z]), [[1, NaN], [1, NaN], [1, NaN]]);
});
