import { deepEqual, ok } from "../../tests/assert.ts";
import { openCpu } from "../backend/cpu.ts";
import { Graph } from "./graph.ts";
import { quantizedLinear, quantizeWeight } from "./quantized.ts";

const K = 40, O = 24;
/** Numbers that look random, between −1 and 1. */
const wave = (count: number, at: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(at + 12.9898 * i + 0.001 * i * i));

async function product(x: Float32Array, least?: number): Promise<Float32Array> {
  const rows = x.length / K, { bytes, scales } = quantizeWeight(wave(O * K, 1), [O, K]);
  const g = new Graph("quantized");
  const input = g.input("x", "float32", ["N", K]);
  const parts = {
    weight: g.input("weight", "int8", [K, O]),
    scale: g.input("scale", "float32", [O]),
    bias: g.input("bias", "float32", [O]),
  };
  g.output("y", quantizedLinear(g, input, { ...parts, least }, "linear"));
  await using backend = await openCpu({ threads: 1 });
  await using program = await backend.compile(g);
  const { y } = await program.run({
    x: backend.upload("x", [rows, K], x),
    weight: backend.uploadBytes("weight", [K, O], bytes),
    scale: backend.upload("scale", [O], scales),
    bias: backend.upload("bias", [O], wave(O, 2)),
  }, { y: [rows, O] });
  return await y.read();
}

/** The same in double precision without rounding. */
function exact(x: Float32Array): Float64Array {
  const w = wave(O * K, 1), b = wave(O, 2);
  return Float64Array.from({ length: x.length / K * O }, (_, i) => {
    const row = Math.floor(i / O), unit = i % O;
    let sum = b[unit];
    for (let k = 0; k < K; k++) sum += x[row * K + k] * w[unit * K + k];
    return sum;
  });
}

/** Largest difference over the root mean square of what is right. */
function error(found: Float32Array, right: Float64Array): number {
  const size = Math.sqrt(right.reduce((sum, value) => sum + value * value, 0) / right.length);
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i])), 0) / size;
}

Deno.test("a product in bytes is the product but for the rounding of both sides", async () => {
  const x = wave(7 * K, 3);
  // Steps of 1/127 on both sides, 40 products: about 0.6 % of a value's size, thrice at worst.
  ok(error(await product(x), exact(x)) < 0.03);
  const positive = x.map((value) => value < 0 ? 0.17 * value : 9 * value);
  const narrow = error(await product(positive, -0.17), exact(positive));
  const plain = error(await product(positive), exact(positive));
  ok(narrow < plain, `${narrow} of values known to be hardly negative, ${plain} of any`);
});

Deno.test("a row's product in bytes depends on no other row, and zeros give the bias", async () => {
  const x = wave(3 * K, 3);
  x.fill(0, K, 2 * K);
  const alone = await product(x);
  const beside = new Float32Array(5 * K).fill(1000);
  beside.set(x);
  deepEqual((await product(beside)).subarray(0, 3 * O), alone);
  deepEqual(alone.subarray(O, 2 * O), wave(O, 2));
});

Deno.test("quantizeWeight() gives each unit's largest weight as ±127, transposed", () => {
  const { bytes, scales } = quantizeWeight(Float32Array.of(1, -2, 0.5, 0, 0, 0), [2, 3]);
  deepEqual([...bytes], [64, 0, -127, 0, 32, 0]);
  deepEqual([...scales], [Math.fround(2 / 127), 1]);
});
