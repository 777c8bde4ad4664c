import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { type Array32, fixtureBatch, fixtureIndex, readFixture } from "../../tests/fixtures.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import type { Backend } from "../backend/types.ts";
import { openBackend } from "../backend/mod.ts";
import type { TokenBatch } from "../esm2/mod.ts";
import { HeadRunner, headShapes, initialHead } from "./head.ts";
import { lossInPlace, lossUnits } from "./loss.ts";
import type { HeadSpec } from "./types.ts";

const fixed = (arrays: Record<string, Array32>, prefix: string) =>
  new Map(
    Object.entries(arrays).filter(([name]) => name.startsWith(prefix))
      .map(([name, array]) => [name.slice(prefix.length), array]),
  );

/** A head on given states: logits, loss and every gradient. */
async function ranOn(
  backend: Backend,
  spec: HeadSpec,
  batch: TokenBatch,
  hidden: Float32Array,
  weights: Record<string, Float32Array>,
  labels: ArrayLike<number>,
) {
  await using runner = new HeadRunner(spec, backend);
  using owned = new DisposableStack();
  const tensors = Object.fromEntries(
    [...headShapes(spec)].map((
      [name, shape],
    ) => [name, owned.use(backend.upload(name, shape, weights[name]))]),
  );
  const shape = [batch.size * batch.width, spec.width];
  const x = owned.use(backend.upload("x", shape, hidden));
  const input = { x, states: { batch } };
  const logits = await owned.use(await runner.run(input, tensors)).read();
  const slopes = logits.slice(), loss = { task: "sequence", outputs: spec.outputs } as const;
  const units = lossUnits(loss, labels), sum = lossInPlace(loss, slopes, labels, 1 / units);
  const cotangent = owned.use(
    backend.upload("slopes", [slopes.length / spec.outputs, spec.outputs], slopes),
  );
  const found = await runner.backward(input, tensors, cotangent, true);
  const gradients: Record<string, Float32Array> = {};
  for (const [name, tensor] of Object.entries(found)) {
    gradients[name] = await owned.use(tensor).read();
  }
  return { logits, loss: sum / units, gradients };
}

/** Fixtures of heads on states, and how their weights are called there. */
const HEADS = [
  { fixture: "train/head_mean_mlp", kind: "mlp", rename: (name: string) => name },
  {
    fixture: "rand_attention_pool",
    kind: "attention",
    rename: (name: string) => name.replace(/^classifier\./, ""),
  },
] as const;

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `HeadRunner gives logits, loss and gradients of torch's heads: ${name}${
      skip ? gpuSkipped : ""
    }`,
    ignore: skip,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      for (const { fixture, kind, rename } of HEADS) {
        const arrays = readFixture(fixture),
          spec: HeadSpec = {
            ...{ kind, per: "protein", width: 64, outputs: 3 },
          };
        const stored = fixed(arrays, "weight."), slopes = fixed(arrays, "grad.");
        const weights = Object.fromEntries(
          [...headShapes(spec)].map(([own, shape]) => {
            const { data, shape: there } = stored.get(rename(own))!;
            deepEqual(there, shape);
            return [own, data as Float32Array];
          }),
        );
        const { logits, loss, gradients } = await ranOn(
          ...[backend, spec, fixtureBatch(arrays)] as const,
          ...[arrays.hidden.data as Float32Array, weights, arrays.labels.data] as const,
        );
        allClose(logits, arrays.logits.data, { atol: 1e-5 }, `${fixture}: logits`);
        allClose([loss], [fixtureIndex[fixture].loss as number], { atol: 1e-5 });
        for (const [own, found] of Object.entries(gradients)) {
          const expected = slopes.get(own === "x" ? "hidden" : rename(own))!.data;
          const most = Math.max(...expected.map(Math.abs));
          // A score's bias moves nothing: its gradient is rounding.
          allClose(
            found,
            expected,
            { atol: Math.max(2e-7, 1e-5 * most) },
            `${fixture}: gradient of ${own}`,
          );
        }
      }
    },
  });
}

Deno.test({
  name: "gradients of every head are slopes of its loss",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    const width = 6,
      lengths = [5, 7],
      batch: TokenBatch = {
        ...{ ids: new Int32Array(14).fill(5), size: 2, width: 7, lengths },
      };
    const hidden = Float32Array.from({ length: 14 * width }, (_, i) => Math.sin(7 * i + i * i));
    for (const kind of ["mean", "cls", "attention", "mlp"] as const) {
      const spec: HeadSpec = { kind, per: "protein", width, outputs: 2 };
      const weights = initialHead(spec, 3);
      // Away from zero, so that every layer counts.
      for (const array of Object.values(weights)) {
        for (let i = 0; i < array.length; i++) array[i] += 0.3 * Math.cos(3 * i + 1);
      }
      const of = () => ranOn(backend, spec, batch, hidden, weights, [1, 0]);
      const { gradients } = await of();
      for (const [name, array] of Object.entries({ ...weights, x: hidden })) {
        for (const i of [0, Math.floor(array.length / 2)]) {
          const before = array[i], h = 2e-3;
          const [above, below] = [h, -h].map((step) => async () => {
            array[i] = before + step;
            return (await of()).loss;
          });
          const slope = (await above() - await below()) / (2 * h);
          array[i] = before;
          // Rounding of single precision over the step, and its third power.
          ok(Math.abs(gradients[name][i] - slope) < 3e-4, `${kind} ${name} ${i}: ${slope}`);
        }
      }
    }
  },
});

Deno.test("losses are Hugging Face's: weighted, of numbers, of several classes at once", () => {
  const weighted = { task: "sequence", outputs: 2, classWeights: [1, 3] } as const;
  const logits = Float32Array.of(0, Math.log(3), 0, 0);
  equal(lossUnits(weighted, [1, 0]), 4);
  // −log(3/4), three times, and −log(1/2): divided by the weights as torch does.
  allClose([lossInPlace(weighted, logits, [1, 0], 1 / 4)], [3 * Math.log(4 / 3) + Math.log(2)], {
    atol: 1e-6,
  });
  allClose(logits, [3 / 16, -3 / 16, -1 / 8, 1 / 8], { atol: 1e-6 });
  const numbers = Float32Array.of(2, -1);
  equal(lossInPlace({ task: "regression", outputs: 1 }, numbers, [1, 1], 1 / 2), 5);
  deepEqual([...numbers], [1, -2]);
  const several = Float32Array.of(0, Math.log(3)),
    many = {
      task: "multilabel",
      outputs: 2,
      classWeights: [1, 2],
    } as const;
  equal(lossUnits(many, [0, 1]), 2);
  allClose([lossInPlace(many, several, [0, 1], 1)], [Math.log(2) + 2 * Math.log(4 / 3)], {
    atol: 1e-6,
  });
  allClose(several, [1 / 2, -2 / 4], { atol: 1e-6 });
});
