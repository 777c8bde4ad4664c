/** Each part of a block, in groups of rows and of channels, on every backend. */
import { type BackendName, openBackend, type Tensor } from "../backend/mod.ts";
import { ProgramCache } from "../esm2/programs.ts";
import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { fixturePath, readFixture } from "../../tests/fixtures.ts";
import { runsGpuTests } from "../../tests/gpu.ts";
import type { ChunkPlan } from "./chunks.ts";
import { openFold } from "./open.ts";
import { foldTensors } from "./tensors.ts";
import { TrunkPass, type Weights } from "./trunk_block.ts";

/** The golden files' tolerance for states. */
const STATES = { atol: 5e-5, rtol: 1e-5 };

const WHOLE = (length: number): ChunkPlan => ({ rows: [length], channels: [[0, 16]] });
const PARTS: Record<number, ChunkPlan> = {
  12: { rows: [5, 3, 4], channels: [[0, 7], [7, 16]] },
  21: { rows: [6, 4, 7, 4], channels: [[0, 5], [5, 9], [9, 16]] },
};

/** Steps of a block and what of the golden file each gives, alone on the file's states. */
const STEPS: readonly {
  name: string;
  run: (pass: TrunkPass, weights: Weights) => Promise<void>;
  of: "single" | "pair";
  /** Whether the file has it with the residual. */
  residual?: boolean;
}[] = [
  { name: "seq_attention", run: (pass, w) => pass.attendSequence(w), of: "single" },
  { name: "mlp_seq", run: (pass, w) => pass.feedSequence(w), of: "single", residual: true },
  { name: "sequence_to_pair", run: (pass, w) => pass.addToPairs(w), of: "pair" },
  { name: "tri_mul_out", run: (pass, w) => pass.multiply("out", w), of: "pair" },
  { name: "tri_mul_in", run: (pass, w) => pass.multiply("in", w), of: "pair" },
  { name: "tri_att_start", run: (pass, w) => pass.attend("start", w), of: "pair" },
  { name: "tri_att_end", run: (pass, w) => pass.attend("end", w), of: "pair" },
  { name: "mlp_pair", run: (pass, w) => pass.feedPairs(w), of: "pair", residual: true },
];

for (const name of ["cpu", "wasm", "webgpu"] as const satisfies BackendName[]) {
  Deno.test({
    name: `the parts of a trunk's block are fair-esm's, and the same in groups of rows (${name})`,
    ignore: name === "webgpu" && !runsGpuTests,
    // The native library's threads outlive a run.
    ...{ sanitizeOps: false, sanitizeResources: false },
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      {
        await using owned = new AsyncDisposableStack();
        const checkpoint = owned.use(await openFold(fixturePath("esmfold/model")));
        const { config } = checkpoint, weights: Record<string, Tensor> = {};
        const first = "trunk.blocks.0.";
        for (const [key, shape] of foldTensors(config, checkpoint.esm.config)) {
          if (!key.startsWith(first)) continue;
          const own = key.slice(first.length);
          weights[own] = owned.use(backend.upload(own, shape, await checkpoint.read(key)));
        }
        const programs = owned.use(new ProgramCache(backend));
        const f = readFixture("esmfold/sub_trunk"), [members, size] = f.mask.shape;
        for (let b = 0; b < members; b++) {
          const length = f.mask.data.subarray(b * size, (b + 1) * size).indexOf(0);
          const own = length < 0 ? size : length;
          /** What of a padded array belongs to the member's residues. */
          const valid = (array: string, of: "single" | "pair") => {
            const { data, shape } = f[array], width = shape.at(-1)!;
            const rows = of === "single" ? size : size ** 2;
            const from = data.subarray(b * rows * width, (b + 1) * rows * width);
            if (of === "single") return Float32Array.from(from.subarray(0, own * width));
            return Float32Array.from({ length: own * own * width }, (_, at) => {
              const [i, j] = [Math.floor(at / width / own), Math.floor(at / width) % own];
              return from[(i * size + j) * width + at % width];
            });
          };
          const s = valid("s", "single"), z = valid("z", "pair");
          const run = async (chunks: ChunkPlan, step: (pass: TrunkPass) => Promise<void>) => {
            programs.use(own);
            using pass = new TrunkPass(programs, config, own, chunks);
            pass.upload(backend, s, z);
            await step(pass);
            return await pass.read();
          };
          for (const { name: label, run: step, of, residual = false } of STEPS) {
            const found = await run(WHOLE(own), (pass) => step(pass, weights));
            const before = of === "single" ? s : z;
            const added = residual ? found[of] : found[of].map((value, i) => value - before[i]);
            allClose(added, valid(label, of), STATES, `member ${b}: ${label}`);
            const parts = await run(PARTS[own], (pass) => step(pass, weights));
            deepEqual(parts, found, `member ${b}: ${label} in parts`);
          }
          const block = await run(WHOLE(own), (pass) => pass.run(weights));
          allClose(block.single, valid("block_s", "single"), STATES, `member ${b}: block_s`);
          allClose(block.pair, valid("block_z", "pair"), STATES, `member ${b}: block_z`);
          const parts = await run(PARTS[own], (pass) => pass.run(weights));
          deepEqual(parts, block, `member ${b}: the block in parts`);
        }
        ok(members === 2);
      }
      equal(backend.liveBytes, 0, "bytes of tensors still live");
    },
  });
}
