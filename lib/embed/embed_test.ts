import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { fixturePath, readFixture, tinyPath } from "../../tests/fixtures.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { openBackend } from "../backend/mod.ts";
import { openCheckpoint } from "../checkpoint/mod.ts";
import { ContactHead } from "../contacts/contact_head.ts";
import { Predictor, predictProtein } from "../contacts/predict.ts";
import {
  Esm2,
  padBatch,
  readStreams,
  type StreamPlace,
  streamRows,
  tokenize,
  windowsOf,
  windowTokens,
} from "../esm2/mod.ts";
import { type EmbeddedRow, type EmbedPlan, embedRows } from "./embed.ts";
import { type Pool, POOLS } from "./pool.ts";
import { readPoolHead } from "./pool_head.ts";
import { embed } from "./stream.ts";

const LETTERS = "LAGVSERTIDPKQNFYMHWC";
const residuesOf = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => LETTERS[(seed * 31 + i * i * 7 + i * 3) % 20]).join("");
const rowOf = (residues: string) => tokenize({ id: "p", residues }, { maxLength: Infinity });
const largest = (values: ArrayLike<number>) =>
  Math.max(1, ...Array.from(values, (value) => Math.abs(value)));

/** Attention of chosen heads as the engine's visitor shows it, mean over rows of residues. */
async function receivedBy(esm: Esm2, row: Int32Array, heads: EmbedPlan["attention"]) {
  const length = row.length - 2, sum = new Float64Array(length);
  const chosen = heads && "heads" in heads ? heads.heads : undefined;
  using _ = await esm.run(padBatch([row]), {
    visitor: {
      async attention({ layer, begin, end, pattern }) {
        const all = await pattern.read(), width = row.length;
        for (let head = begin; head < end; head++) {
          if (chosen && !chosen.some((one) => one.layer === layer && one.head === head)) continue;
          for (let i = 1; i <= length; i++) {
            for (let j = 1; j <= length; j++) {
              sum[j - 1] += all[((head - begin) * width + i) * width + j];
            }
          }
        }
      },
    },
  });
  return sum;
}

/** Pools as they are defined, double precision. */
function poolsOf(state: Float32Array, dModel: number, weights: ArrayLike<number>) {
  const length = state.length / dModel;
  const mean = new Float64Array(dModel), attention = new Float64Array(dModel);
  const max = new Float64Array(dModel).fill(-Infinity);
  const total = Array.from(weights).reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < length; i++) {
    for (let d = 0; d < dModel; d++) {
      const value = state[i * dModel + d];
      mean[d] += value / length;
      attention[d] += weights[i] * value / total;
      max[d] = Math.max(max[d], value);
    }
  }
  return { mean, max, attention };
}

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `embedRows: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      await t.step("a trained attention pool gives the original's weights and vector", async () => {
        using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
        await using esm = await Esm2.open(checkpoint, backend);
        const golden = readFixture("rand_attention_pool");
        const head = await readPoolHead(fixturePath("rand_attention_pool.safetensors"));
        const { data: ids, shape: [size, width] } = golden.input_ids;
        const rows = Array.from({ length: size }, (_, b) => {
          const row = Int32Array.from(ids.subarray(b * width, (b + 1) * width));
          return row.filter((id) => id !== 1);
        });
        const plan = { places: ["last"], pools: ["attention"], attention: { head } } as const;
        const found = await embedRows(esm, rows, plan, { tokenBudget: 1000 });
        found.forEach(({ vectors: [vector] }, b) => {
          const expected = golden.pooled.data.subarray(b * 64, (b + 1) * 64);
          allClose(vector, expected, { atol: 1e-5 * largest(expected) });
        });
        // In windows the score is taken of the joined states; one window is all of a protein.
        const cut = { ...plan, long: "windows", window: 16 } as const;
        equal((await embedRows(esm, rows, cut)).map(({ windows }) => windows).join(), "2,1,1");
      });

      using checkpoint = await openCheckpoint(tinyPath);
      await using esm = await Esm2.open(checkpoint, backend);
      await using contacts = await ContactHead.create(esm, checkpoint);
      const before = backend.liveBytes, { dModel } = esm.config;
      const rows = [37, 9, 60, 21].map((length, seed) => rowOf(residuesOf(length, seed)));
      const places: StreamPlace[] = [0, 3, 4, "last"];
      const whole: EmbedPlan = {
        ...{ places, pools: POOLS, residues: true, contacts, logits: true },
        attention: { heads: [{ layer: 1, head: 3 }, { layer: 3, head: 0 }] },
      };

      await t.step("every array is what the engine gives of the protein alone", async () => {
        await using predictor = await Predictor.create(esm, checkpoint, { method: "head" });
        const found = await embedRows(esm, rows, whole, { tokenBudget: 150 });
        for (const [i, row] of rows.entries()) {
          const batch = padBatch([row]), weights = await receivedBy(esm, row, whole.attention);
          for (const [place, hidden] of await readStreams(esm, batch, places)) {
            using _ = hidden;
            const p = places.indexOf(place);
            const [all] = await streamRows({ place, hidden, batch });
            const [state] = await streamRows({ place, hidden, batch }, { specials: false });
            const atol = 3e-6 * largest(state);
            allClose(found[i].residues[p], state, { atol }, `residues of ${place}`);
            const expected = { ...poolsOf(state, dModel, weights), cls: all.subarray(0, dModel) };
            POOLS.forEach((pool: Pool, q) =>
              allClose(found[i].vectors[p * POOLS.length + q], expected[pool], { atol }, pool)
            );
          }
          const map = await predictProtein(predictor, row, 1022);
          allClose(found[i].contacts!, map, { atol: 2e-5 });
          using result = await esm.run(batch, { head: true });
          const logits = (await result.logits!.read()).subarray(33, (row.length - 1) * 33);
          allClose(found[i].logits!, logits, { atol: 1e-5 * largest(logits) });
        }
      });

      await t.step("alone a protein gives what it gives in any batch", async () => {
        const together = await embedRows(esm, rows, whole, { tokenBudget: 10_000 });
        const alone = await embedRows(esm, rows, whole, { tokenBudget: 1 });
        const arrays = (row: EmbeddedRow) => [...row.vectors, ...row.residues, row.logits!];
        for (const [i] of rows.entries()) {
          const others = arrays(together[i]);
          arrays(alone[i]).forEach((values, a) =>
            allClose(values, others[a], { atol: 3e-6 * largest(values) })
          );
          allClose(alone[i].contacts!, together[i].contacts!, { atol: 1e-5 });
        }
      });

      await t.step(
        "windows: each residue of the most central one, or of all on average",
        async () => {
          const [, , row] = rows, window = 24, length = row.length - 2;
          const windows = windowsOf(length, window);
          const states: Float32Array[] = [];
          for (const one of windows) {
            const batch = padBatch([windowTokens(row, one)]);
            const [[, hidden]] = await readStreams(esm, batch, [3]);
            using _ = hidden;
            states.push((await streamRows({ place: 3, hidden, batch }, { specials: false }))[0]);
          }
          const joined = { central: new Float32Array(length * dModel), mean: new Float32Array(0) };
          joined.mean = new Float32Array(length * dModel);
          for (let i = 0; i < length; i++) {
            const holding = windows.map((one, w) => ({ ...one, w }))
              .filter(({ begin, end }) => begin <= i && i < end);
            const edge = ({ begin, end }: { begin: number; end: number }) =>
              Math.min(i - begin, end - 1 - i);
            const best = holding.reduce((a, b) => edge(b) > edge(a) ? b : a);
            for (let d = 0; d < dModel; d++) {
              const at = ({ begin, w }: { begin: number; w: number }) =>
                states[w][(i - begin) * dModel + d];
              joined.central[i * dModel + d] = at(best);
              for (const one of holding) joined.mean[i * dModel + d] += at(one) / holding.length;
            }
          }
          for (
            const [long, state] of [["windows", joined.central], ["average", joined.mean]] as const
          ) {
            const plan: EmbedPlan = {
              ...{ ...whole, places: [3], long, window },
              ...{ pools: ["mean", "max"] },
            };
            const [short, found] = await embedRows(esm, [rows[3], row], plan);
            equal(short.windows, 1);
            equal(found.windows, windows.length);
            const atol = 3e-6 * largest(state);
            allClose(found.residues[0], state, { atol }, long);
            const { mean, max } = poolsOf(state, dModel, new Float32Array(length).fill(1));
            allClose(found.vectors[0], mean, { atol });
            allClose(found.vectors[1], max, { atol });
            equal(found.contacts!.length, length ** 2);
            equal(found.logits!.length, length * 33);
          }
          // All pools, and <cls> as the mean of the windows'.
          const [all] = await embedRows(esm, [row], { ...whole, long: "windows", window });
          ok(
            all.vectors.every((vector) =>
              vector.length === dModel && vector.every(Number.isFinite)
            ),
          );
        },
      );

      await t.step("truncate is the embedding of the first residues", async () => {
        const plan: EmbedPlan = { places: ["last"], pools: ["mean", "cls"], residues: true };
        const [cut] = await embedRows(esm, [rows[2]], { ...plan, long: "truncate", window: 30 });
        const [first] = await embedRows(esm, [rowOf(residuesOf(60, 2).slice(0, 30))], plan);
        deepEqual(cut, first);
        equal(cut.length, 30);
      });

      await t.step("embed gives proteins in their order, and frees every tensor", async () => {
        const proteins = [50, 8, 33, 12, 40].map((length, i) => ({
          ...{ id: `p${i}`, residues: residuesOf(length, i) },
          label: i,
        }));
        const plan: EmbedPlan = { places: [2], pools: ["mean"] }, seen: number[] = [];
        let residues = 0;
        const options = { tokenBudget: 4, onProgress: (done: number) => residues = done };
        for await (const { protein, vectors, length } of embed(esm, proteins, plan, options)) {
          seen.push(protein.label);
          equal(length, protein.residues.length);
          equal(vectors.length, 1);
        }
        deepEqual(seen, [0, 1, 2, 3, 4]);
        equal(residues, 143);
        equal(backend.liveBytes, before);
      });
    },
  });
}
