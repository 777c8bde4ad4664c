import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import {
  Esm2,
  logitsFrom,
  readStreams,
  type StreamPlace,
  streamRows,
  tokenize,
  visitStreams,
} from "../lib/esm2/mod.ts";
import { allClose, deepEqual, equal, ok, rejects } from "./assert.ts";
import { forwardFixtures, tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf } from "./parity.ts";

const { sequences, arrays } = forwardFixtures().find(({ name }) => name === "tiny_batch")!;
const rows = sequences.map((residues, i) => tokenize({ id: `${i}`, residues }));
const PLACES: readonly StreamPlace[] = [0, 1, 2, 3, "last"];

for (const name of ["cpu", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `streams: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using checkpoint = await openCheckpoint(tinyPath);
      await using esm = await Esm2.open(checkpoint, backend);
      const before = backend.liveBytes;
      for (const [how, tokenBudget] of [["padded together", 10000], ["each alone", 1]] as const) {
        await t.step(`visitStreams gives fair-esm's states, ${how}`, async () => {
          const done: number[] = [], places: StreamPlace[] = [];
          await visitStreams(esm, rows, PLACES, async (stream) => {
            places.push(stream.place);
            const found = await streamRows(stream);
            stream.batch.members.forEach((member, b) => {
              equal(found[b].length, rows[member].length * esm.config.dModel);
              sameAsGolden(found[b], member, stream.place);
            });
          }, { tokenBudget, onProgress: (tokens) => done.push(tokens) });
          const batches = tokenBudget === 1 ? rows.length : 1;
          deepEqual(places, Array.from({ length: batches }, () => PLACES).flat());
          equal(done.length, batches);
          equal(done.at(-1), rows.reduce((sum, { length }) => sum + length, 0));
          equal(backend.liveBytes, before, "every tensor is freed");
        });
      }
      await t.step("streamRows leaves <cls> and <eos> out", async () => {
        await visitStreams(esm, rows.slice(0, 1), [2], async (stream) => {
          const [all] = await streamRows(stream), { dModel } = esm.config;
          const [residues] = await streamRows(stream, { specials: false });
          deepEqual(residues, all.subarray(dModel, all.length - dModel));
        });
      });
      await t.step("logitsFrom any place ends in fair-esm's logits", async () => {
        const batch = batchOf(sequences);
        for (const [place, hidden] of await readStreams(esm, batch, [...PLACES, 4])) {
          using _ = hidden;
          using logits = await logitsFrom(esm, batch, { place, hidden });
          using chosen = await logitsFrom(esm, batch, { place, hidden }, { rows: [3] });
          const found = await logits.read(), expected = arrays.logits.data;
          for (const [b, { length }] of rows.entries()) {
            const from = b * batch.width * 33, to = from + length * 33;
            allClose(found.subarray(from, to), expected.subarray(from, to), { atol: 2e-4 });
          }
          allClose(await chosen.read(), found.subarray(99, 132), { atol: 1e-5 });
        }
        equal(backend.liveBytes, before, "every tensor is freed");
      });
      await t.step("a protein longer than the budget and than training runs whole", async () => {
        const residues = "ACDEFGHIKLMNPQRSTVWY".repeat(55);
        const long = tokenize({ id: "long", residues }, { maxLength: Infinity });
        const seen: number[] = [];
        await visitStreams(esm, [long, rows[0]], [1], async (stream) => {
          const [found] = await streamRows(stream);
          seen.push(found.length / esm.config.dModel);
          ok(found.every(Number.isFinite));
        }, { tokenBudget: 256 });
        deepEqual(seen, [rows[0].length, 1102]);
      });
      await t.step("refuses places that are none, and stops when told", async () => {
        const nothing = () => {};
        for (const places of [[], [5], [-1], [0.5]]) {
          await rejects(() => visitStreams(esm, rows, places, nothing), /places must be "last" or/);
        }
        const signal = AbortSignal.abort(new Error("enough"));
        await rejects(() => visitStreams(esm, rows, [1], nothing, { signal }), /enough/);
      });
      equal(backend.liveBytes, before, "every tensor is freed");
    },
  });
}

function sameAsGolden(found: Float32Array, member: number, place: StreamPlace): void {
  const { data, shape: [, depths, width, dModel] } = arrays.hidden_states;
  const depth = place === "last" ? depths - 1 : place;
  const from = (member * depths + depth) * width * dModel;
  const expected = data.subarray(from, from + found.length);
  const largest = Math.max(1, ...Array.from(expected, Math.abs));
  allClose(found, expected, { atol: 1e-5 * largest });
}
