/** Random graphs on a replaying backend against the interpreter in double precision. */
import { openWebGpu, type WebGpuBackend } from "../lib/backend/webgpu.ts";
import { Graph, type Value } from "../lib/onnx/graph.ts";
import * as op from "../lib/onnx/ops.ts";
import { type Array64, evaluate } from "../lib/onnx/testing/evaluate.ts";
import { allClose, ok } from "./assert.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { fc } from "./property.ts";

const WIDTH = 8, HEADS = 2, ROWS = 3;

/** One node or a few of them on rows x [N, 8], with a second operand y of that shape. */
type Move = (g: Graph, x: Value, y: Value) => Value;

const input = (g: Graph, shape: (number | string)[], kind = "input") =>
  g.input(`${kind} ${g.inputs.length}`, "float32", shape);

const MOVES: Record<string, Move> = {
  add: (g, x, y) => op.add(g, x, y),
  mul: (g, x, y) => op.mul(g, x, y),
  gelu: (g, x) => op.gelu(g, x),
  softmax: (g, x) => op.softmax(g, x),
  layerNormalization: (g, x) =>
    op.layerNormalization(g, x, input(g, [WIDTH]), input(g, [WIDTH]), 0.1),
  gemm: (g, x) => op.gemm(g, x, input(g, [WIDTH, WIDTH]), input(g, [WIDTH])),
  matmul: (g, x) => {
    const weights = Float32Array.from({ length: WIDTH ** 2 }, (_, i) => Math.sin(i));
    return op.matmul(g, x, g.initializer(`stored ${g.constants.length}`, [WIDTH, WIDTH], weights));
  },
  swap: (g, x) =>
    op.concat(g, [op.slice(g, x, 1, 5, WIDTH, "end"), op.slice(g, x, 1, 0, 5, "begin")], 1),
  attention: (g, x, y) => {
    const heads = (v: Value) =>
      op.transpose(g, op.reshape(g, v, [1, "N", HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);
    const table = () => input(g, [1, "N", WIDTH / HEADS / 2]);
    const q = op.rotaryEmbedding(g, heads(x), table(), table());
    const weights = op.softmax(g, op.matmul(g, q, op.transpose(g, heads(y), [0, 1, 3, 2])));
    return op.reshape(g, op.transpose(g, op.matmul(g, weights, heads(x)), [0, 2, 1, 3]), x.shape);
  },
  scatter: (g, x, y) => {
    const rows = op.gatherRows(g, y, input(g, [ROWS], "rows"), `gather ${g.nodes.length}`);
    const [, numbers] = rows.producer!.inputs;
    return op.scatterAddRows(g, x, numbers, rows, `scatter ${g.nodes.length}`);
  },
  reshape: (g, x) => op.reshape(g, op.reshape(g, x, ["N", 2, 4], "apart"), x.shape, "together"),
};

/** Values by their place, counted from the last; each may be an output beside its other uses. */
interface Plan {
  steps: { move: string; x: number; y: number; isOutput: boolean }[];
  lengths: number[];
}

const plans: fc.Arbitrary<Plan> = fc.record({
  steps: fc.array(
    fc.record({
      move: fc.constantFrom(...Object.keys(MOVES)),
      x: fc.nat({ max: 2 }),
      y: fc.nat({ max: 5 }),
      isOutput: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  // Two of the three come back often enough to be logged and replayed.
  lengths: fc.tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 }))
    .map(([a, b]) => [a, a, a, b, a, b, b, 1, a, b]),
});

function graphOf({ steps }: Plan): Graph {
  const g = new Graph("random");
  const values = [input(g, ["N", WIDTH])];
  const at = (place: number) => values[Math.max(0, values.length - 1 - place)];
  steps.forEach(({ move, x, y, isOutput }, i) => {
    const value = MOVES[move](g, at(x), at(y));
    values.push(value);
    if (isOutput || i === steps.length - 1) g.output(`output ${i}`, value);
  });
  return g;
}

async function check(backend: WebGpuBackend, plan: Plan): Promise<void> {
  const g = graphOf(plan);
  await using program = await backend.compile(g);
  for (const [round, length] of plan.lengths.entries()) {
    using owned = new DisposableStack();
    const fed: Record<string, ReturnType<typeof backend.upload>> = {};
    const known: Record<string, Array64> = {};
    for (const { name, shape } of g.inputs) {
      const extents = shape.map((d) => d === "N" ? length : d as number);
      const values = Float32Array.from(
        { length: extents.reduce((a, b) => a * b) },
        (_, i) =>
          name.startsWith("rows") ? (i + round) % length : Math.sin(i + 7 * round + name.length),
      );
      fed[name] = owned.use(backend.upload(name, extents, values));
      known[name] = { shape: extents, data: Float64Array.from(values) };
    }
    const expected = evaluate(g, known, g.outputs.map(({ value }) => value));
    const shapes = g.outputs.map(({ name }, i) => [name, expected[i].shape]);
    const found = await program.run(fed, Object.fromEntries(shapes));
    for (const [i, { name }] of g.outputs.entries()) {
      const tensor = owned.use(found[name]);
      // Single precision through eight steps, of which a product can square what is large.
      allClose(await tensor.read(), expected[i].data, { rtol: 1e-3, atol: 1e-3 });
    }
    for (const buffer of backend.replays!.scratch.buffers) {
      backend.gpu.device.queue.writeBuffer(buffer, 0, new Uint8Array(buffer.size).fill(0xff));
    }
  }
}

Deno.test({
  name:
    "replay computes random graphs as they are defined, whatever lengths come after each other" +
    gpuSkipped,
  ignore: !runsGpuTests,
  // onnxruntime keeps its timers for the life of the process.
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await using backend = await openWebGpu();
    await fc.assert(fc.asyncProperty(plans, (plan) => check(backend, plan)), { numRuns: 12 });
    ok(backend.replays!.scratch.buffers.length > 0, "something was replayed");
  },
});
