import { allClose, deepEqual, equal, rejects } from "../../tests/assert.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { openBackend } from "../backend/mod.ts";
import { adamw } from "./adamw.ts";
import { clipByGlobalNorm, zerosLike } from "./arrays.ts";
import { Muon } from "./muon.ts";
import { type NamedArrays, openParameters, type OptimiserSettings } from "./parameters.ts";
import { gaussians } from "./random.ts";

const shapes = new Map<string, readonly number[]>([
  ["a.weight", [3, 5]],
  ["a.bias", [3]],
  ["b.weight", [5, 3]],
  ["c.weight", [3, 5]],
  ["alone", [1]],
]);
const decays = (name: string) => name.endsWith("weight");
const adam = { betas: [0.9, 0.98] as const, decay: 0.1, decays };
const muon: OptimiserSettings = {
  ...adam,
  muon: { moves: (_, shape) => shape.length === 2, decay: 0.1 },
};

/** Values of every name, other ones for each seed. */
const values = (seed: number, size = 1): NamedArrays =>
  Object.fromEntries(
    [...shapes].map(([name, shape], i) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const array = new Float32Array(count);
      gaussians(array, seed, i);
      return [name, array.map((x) => size * x)];
    }),
  );

const copy = (arrays: NamedArrays): NamedArrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()]));

const plus = (a: NamedArrays, b: NamedArrays): NamedArrays =>
  Object.fromEntries(
    Object.entries(a).map(([name, own]) => [name, own.map((x, i) => x + b[name][i])]),
  );

const pick = (arrays: NamedArrays, isMatrix: boolean): NamedArrays =>
  Object.fromEntries(
    Object.entries(arrays).filter(([name]) => (shapes.get(name)!.length === 2) === isMatrix),
  );

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Parameters: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      for (const [what, settings] of [["AdamW", adam], ["Muon", muon]] as const) {
        await t.step(`three steps of ${what} from sums of two micro-batches`, async () => {
          const before = backend.liveBytes;
          {
            const start = values(1), expected = copy(start);
            await using parameters = await openParameters(backend, shapes, copy(start), settings);
            const own = adamw(settings), isMuon = settings === muon;
            await using turned = new Muon(
              new Map([...shapes].filter(([, { length }]) => isMuon && length === 2)),
              backend,
              muon.muon,
            );
            const moments = own.init(isMuon ? pick(expected, false) : expected);
            const momentum = zerosLike(pick(expected, true));
            for (const step of [1, 2, 3]) {
              const parts = [values(10 * step, 0.5), values(10 * step + 1, step)];
              const sum = plus(parts[0], parts[1]);
              const norm = clipByGlobalNorm(sum, 1, 1e-6), learningRate = 0.1 / step;
              own.update(expected, isMuon ? pick(sum, false) : sum, moments, {
                step,
                learningRate,
              });
              if (isMuon) {
                await turned.update(expected, pick(sum, true), momentum, {
                  step,
                  learningRate: learningRate / 2,
                });
              }
              using uploads = new DisposableStack();
              await parameters.add(
                Object.fromEntries(
                  Object.entries(parts[0]).map(([key, array]) => [
                    key,
                    uploads.use(backend.upload(key, shapes.get(key)!, array)),
                  ]),
                ),
              );
              for (const [key, array] of Object.entries(parts[1])) {
                await parameters.addArray(key, array);
              }
              using other = backend.upload("loss", [2], Float32Array.of(step, 7));
              const report = await parameters.step({
                ...{ step, rate: learningRate, matrixRate: learningRate / 2, clip: 1 },
                alongside: [other],
              });
              allClose([report.norm], [norm], { rtol: 1e-5 });
              deepEqual(report.alongside.map((x) => [...x]), [[step, 7]]);
            }
            const found = await parameters.read(), memory = await parameters.memory();
            for (const key of shapes.keys()) {
              allClose(found[key], expected[key], { atol: 2e-6 }, key);
              allClose(await parameters.tensor(key).read(), found[key], { atol: 0 }, key);
            }
            deepEqual(Object.keys(memory.momentum).length, isMuon ? 3 : 0);
            for (const key of Object.keys(memory.first)) {
              allClose(memory.first[key], moments.first[key], { atol: 1e-6 }, key);
              allClose(memory.second[key], moments.second[key], { atol: 1e-6 }, key);
            }
          }
          equal(backend.liveBytes, before, "every tensor is freed");
        });

        await t.step(`a loaded state goes on to the same bytes: ${what}`, async () => {
          const own = { ...settings, average: 0.9 };
          const run = async (
            parameters: Awaited<ReturnType<typeof openParameters>>,
            from: number,
          ) => {
            for (let step = from; step < from + 2; step++) {
              for (const [key, array] of Object.entries(values(step))) {
                await parameters.addArray(key, array);
              }
              await parameters.step({ step, rate: 0.01, clip: 1 });
            }
            return await parameters.memory();
          };
          await using whole = await openParameters(backend, shapes, values(1), own);
          const state = structuredClone(await run(whole, 1)), end = await run(whole, 3);
          await using second = await openParameters(backend, shapes, values(2), own);
          await second.load(state);
          deepEqual(await run(second, 3), end);
        });
      }

      await t.step(
        "what has no gradient stays, its mean is kept, and other names are refused",
        async () => {
          const start = values(3);
          await using parameters = await openParameters(backend, shapes, copy(start), {
            ...adam,
            average: 0.75,
          });
          await parameters.addArray("a.bias", Float32Array.of(1, -1, 0));
          const { norm } = await parameters.step({ step: 1, rate: 0.5 });
          allClose([norm], [Math.SQRT2], { rtol: 1e-6 });
          const moved = await parameters.read();
          deepEqual(moved["a.weight"], start["a.weight"]);
          allClose(
            moved["a.bias"],
            start["a.bias"].map((x, i) => x - [0.5, -0.5, 0][i]),
            { atol: 1e-6 },
          );
          const mean = await parameters.readAverage();
          allClose(
            mean["a.bias"],
            start["a.bias"].map((x, i) => x + 0.25 * (moved["a.bias"][i] - x)),
            { atol: 1e-6 },
          );
          // Nothing is left of the gradient.
          const { norm: none } = await parameters.step({ step: 2, rate: 0.5 });
          equal(none, 0);
          await rejects(
            () => parameters.addArray("b.bias", new Float32Array(1)),
            /"b.bias" as it must be one/,
          );
          await rejects(() => parameters.addArray("alone", new Float32Array(2)), /1 elements.* 2/);
          await rejects(
            () => openParameters(backend, shapes, { alone: new Float32Array(1) }),
            /"a.weight" as it must have 15 elements: current count is none/,
          );
          const memory = await parameters.memory();
          await rejects(
            () => parameters.load({ ...memory, second: {} }),
            /second of a.weight" as it must have 15 elements/,
          );
        },
      );
    },
  });
}
