import { allClose, deepEqual, equal, ok } from "../../tests/assert.ts";
import { gpuSkipped, runsGpuTests } from "../../tests/gpu.ts";
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { openBackend } from "../backend/mod.ts";
import { Muon } from "./muon.ts";

type Matrix = number[][];
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));
const flip = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
const combine = (a: Matrix, s: number, b: Matrix, t: number) =>
  a.map((row, i) => row.map((x, j) => s * x + t * b[i][j]));

/** Five steps in double precision, from their definition. */
function orthogonal(m: Matrix): Matrix {
  const norm = Math.hypot(...m.flat());
  let x = m.map((row) => row.map((value) => value / norm));
  for (let i = 0; i < 5; i++) {
    const gram = product(x, flip(x));
    x = combine(x, 3.4445, product(combine(gram, -4.775, product(gram, gram), 2.0315), x), 1);
  }
  return x;
}

function randomMatrix(rows: number, columns: number, seed: number): Matrix {
  const random = new PhiloxStream(seed);
  return Array.from(
    { length: rows },
    (_, i) => Array.from({ length: columns }, (_, j) => random.below(2001, i, j) / 1000 - 1),
  );
}

for (const name of ["cpu", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Muon follows its definition over two steps: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      const { backend } = await openBackend(name);
      await using _ = backend;
      for (const [rows, columns] of [[5, 9], [12, 4], [7, 7], [1, 3]]) {
        await using muon = new Muon(new Map([["w", [rows, columns]]]), backend, { decay: 0.1 });
        let w = randomMatrix(rows, columns, 1), m: Matrix = w.map((row) => row.map(() => 0));
        const weights = { w: Float32Array.from(w.flat()) }, state = muon.init(weights);
        for (const step of [1, 2]) {
          const g = randomMatrix(rows, columns, 1 + step), learningRate = 0.1 / step;
          m = combine(m, 0.95, g, 1);
          // Wide or tall, the definition is the same of the matrix and its transpose.
          const turned = rows > columns
            ? flip(orthogonal(flip(combine(g, 1, m, 0.95))))
            : orthogonal(combine(g, 1, m, 0.95));
          w = combine(
            w,
            1 - learningRate * 0.1,
            turned,
            -learningRate * Math.sqrt(Math.max(1, rows / columns)),
          );
          await muon.update(weights, { w: Float32Array.from(g.flat()) }, state, {
            step,
            learningRate,
          });
          allClose(weights.w, w.flat(), { atol: 2e-5 }, `${rows} ${columns} step ${step}`);
          allClose(state.w, m.flat(), { atol: 1e-5 });
        }
      }
    },
  });
}

Deno.test("Muon makes singular values about 1, and stands a gradient of zeros", async () => {
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  await using muon = new Muon(new Map([["w", [6, 20]]]), backend, { momentum: 0 });
  const weights = { w: new Float32Array(120) }, state = muon.init(weights);
  await muon.update(weights, { w: new Float32Array(120) }, state, { step: 1, learningRate: 1 });
  deepEqual([...weights.w], new Array(120).fill(-0).map((x) => x + 0));
  const g = Float32Array.from(randomMatrix(6, 20, 5).flat());
  await muon.update(weights, { w: g }, state, { step: 1, learningRate: 1 });
  const rows = Array.from({ length: 6 }, (_, i) => [...weights.w.subarray(20 * i, 20 * i + 20)]);
  // The trace of W Wᵀ is the sum of squared singular values, each in 0.68..1.13 by the iteration.
  const trace = rows.reduce((sum, row) => sum + row.reduce((s, x) => s + x * x, 0), 0);
  ok(trace > 6 * 0.6 ** 2 && trace < 6 * 1.25 ** 2, `${trace}`);
  equal(rows.length, 6);
});
