/** Fine-tuning's loss and gradients equal torch's, of heads and of the model under them, on every backend. */
import { openBackend } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { canonicalName } from "../lib/checkpoint/names.ts";
import { openFull } from "../lib/finetune/open.ts";
import { headShapes } from "../lib/finetune/head.ts";
import type { Asked } from "../lib/finetune/learner.ts";
import { lossUnits } from "../lib/finetune/loss.ts";
import type { Lesson } from "../lib/finetune/data.ts";
import type { HeadSpec, Task } from "../lib/finetune/types.ts";
import type { Tensor } from "../lib/backend/types.ts";
import { allClose } from "./assert.ts";
import { fixtureBatch, fixtureIndex, fixturePath, readFixture } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";

const CASES: { name: string; task: Task; kind: HeadSpec["kind"]; outputs: number }[] = [
  { name: "train/head_seq_cls", task: "sequence", kind: "cls", outputs: 3 },
  { name: "train/head_seq_reg", task: "regression", kind: "cls", outputs: 1 },
  { name: "train/head_token_cls", task: "residue", kind: "token", outputs: 3 },
];

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `a fine-tuned model's loss and gradients are torch's: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using checkpoint = await openCheckpoint(fixturePath("rand_t2_d64_h4"));
      for (const { name: fixture, task, kind, outputs } of CASES) {
        const arrays = readFixture(fixture), batch = fixtureBatch(arrays);
        const per = task === "residue" ? "residue" : "protein";
        const spec: HeadSpec = { kind, per, width: 64, outputs };
        const loss = { task, outputs };
        const all = Array.from(arrays.labels.data);
        const rows = Array.from(all.keys()).filter((i) => all[i] !== -100);
        const asked: Asked = {
          batch: { ...batch, members: [0, 1, 2] },
          numbers: [0, 1, 2],
          ...(per === "residue" && { residues: rows }),
          targets: Float64Array.from(rows, (i) => all[i]),
        };
        await using opened = await openFull({
          ...{ checkpoint, backend, spec, seed: 0, optimiser: {} },
          lesson: { loss, examples: [] } as unknown as Lesson,
        });
        const { parameters, learner } = opened, memory = await parameters.memory();
        for (const own of headShapes(spec).keys()) {
          memory.weights[own].set(arrays[`weight.${own}`].data as Float32Array);
        }
        await parameters.load(memory);
        const units = lossUnits(loss, asked.targets), found: Record<string, Float32Array> = {};
        const pending: Promise<void>[] = [];
        const recorded = new Proxy(parameters, {
          get(target, key) {
            if (key !== "add") {
              const value = Reflect.get(target, key, target);
              return typeof value === "function" ? value.bind(target) : value;
            }
            return (gradients: Readonly<Record<string, Tensor>>) => {
              for (const [own, tensor] of Object.entries(gradients)) {
                pending.push(tensor.keep().read().then((values) => void (found[own] = values)));
              }
            };
          },
        });
        Object.assign(learner, {
          parameters: recorded,
          parts: { ...learner.parts, parameters: recorded },
        });
        const sum = await learner.learn(asked, 1 / units, 0);
        await Promise.all(pending);
        allClose([sum / units], [fixtureIndex[fixture].loss as number], { atol: 1e-5 }, fixture);
        const logits = await learner.logits(asked);
        const expected = per === "residue"
          ? rows.flatMap((
            row,
          ) => [...arrays.logits.data.subarray(row * outputs, (row + 1) * outputs)])
          : [...arrays.logits.data];
        allClose(logits, expected, { atol: 1e-5 }, `${fixture}: logits`);
        for (const [key, { data }] of Object.entries(arrays)) {
          if (!key.startsWith("grad.")) continue;
          const stored = key.slice("grad.".length), own = canonicalName(stored) ?? stored;
          const most = Math.max(...data.map(Math.abs));
          allClose(found[own], data, { atol: 1e-5 * most }, `${fixture}: ${own}`);
        }
      }
    },
  });
}
