import { allClose, deepEqual, rejects, throws } from "../../tests/assert.ts";
import { openWasm } from "../backend/wasm.ts";
import { Graph } from "./graph.ts";
import * as op from "./ops.ts";
import { serialize } from "./serialize.ts";

/** Runs a graph of float32 values in onnxruntime: it reads our bytes with its own protobuf code. */
async function run(g: Graph, feeds: Record<string, [number[], number[]]>, shape: number[]) {
  await using backend = await openWasm();
  await using program = await backend.compile(g);
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, [dims, data]]) =>
      [name, backend.upload(name, dims, Float32Array.from(data))] as const
    ),
  );
  using y = (await program.run(inputs, { y: shape })).y;
  return await y.read();
}

const heavy = { sanitizeOps: false, sanitizeResources: false };

Deno.test("serialize: layer norm, gemm, gelu give the closed form", heavy, async () => {
  const g = new Graph("g");
  const x = g.input("x", "float32", ["N", 2]);
  const one = g.initializer("one", [2], Float32Array.of(1, 1));
  const zero = g.initializer("zero", [2], Float32Array.of(0, 0));
  const w = g.initializer("w", [1, 2], Float32Array.of(3, -1));
  const b = g.initializer("b", [1], Float32Array.of(0.5));
  g.output("y", op.gelu(g, op.gemm(g, op.layerNormalization(g, x, one, zero, 0.25), w, b)));
  const y = await run(g, { x: [[2, 2], [0, 2, 5, 5]] }, [2, 1]);
  // (0, 2) has mean 1 and variance 1: normalised ∓1/√1.25. Gelu is x·Φ(x), Φ from tables.
  const u = -4 / Math.sqrt(1.25) + 0.5;
  deepEqual(u.toFixed(4), "-3.0777");
  allClose(y, [u * 0.00104296, 0.5 * 0.69146246], { atol: 1e-6 });
});

Deno.test("serialize: rotary embedding rotates halves", heavy, async () => {
  const g = new Graph("g");
  const x = g.input("x", "float32", [1, 1, "T", 4]);
  const cos = g.input("cos", "float32", [1, "T", 2]), sin = g.input("sin", "float32", [1, "T", 2]);
  g.output("y", op.rotaryEmbedding(g, x, cos, sin));
  const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
  const y = await run(g, {
    x: [[1, 1, 1, 4], [1, 2, 3, 4]],
    cos: [[1, 1, 2], [c, 1]],
    sin: [[1, 1, 2], [s, 0]],
  }, [1, 1, 1, 4]);
  allClose(y, [c - 3 * s, 2, 3 * c + s, 4], { atol: 1e-6 });
});

Deno.test("serialize: slices, concat, transpose, softmax and broadcasting", heavy, async () => {
  const g = new Graph("g");
  const x = g.input("x", "float32", [1, 2, "T"]);
  const swapped = op.concat(g, [op.slice(g, x, 1, 1, 2), op.slice(g, x, 1, 0, 1)], 1);
  const scaled = op.mul(g, swapped, g.scalar(2));
  g.output("y", op.transpose(g, op.softmax(g, scaled), [0, 2, 1]));
  const y = await run(g, { x: [[1, 2, 2], [0, Math.log(3), 0, 0]] }, [1, 2, 2]);
  allClose(y, [0.5, 0.1, 0.5, 0.9], { atol: 1e-6 });
});

Deno.test("serialize: onnxruntime's own errors carry the node's name", heavy, async () => {
  const g = new Graph("g");
  const x = g.input("x", "float32", ["N", 2]);
  g.scope(
    "layer 7",
    () => g.output("y", g.node({ op: "NoSuchOp", inputs: [x], dtype: "float32", shape: ["N", 2] })),
  );
  await rejects(run(g, { x: [[1, 2], [0, 0]] }, [1, 2]), /layer 7\/NoSuchOp|NoSuchOp/);
});

Deno.test("serialize: one value cannot be two outputs", () => {
  const g = new Graph("g");
  const y = op.gelu(g, g.input("x", "float32", [1]));
  g.output("a", y);
  g.output("b", y);
  throws(() => serialize(g), /output twice/);
});
