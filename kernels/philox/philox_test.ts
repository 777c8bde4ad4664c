import { deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { paramFieldsOf, ParamLayout } from "../../lib/gpu/mod.ts";
import { philox4x32, PHILOX_WGSL, philoxKey, PhiloxStream } from "./mod.ts";
import { multiplyHigh } from "./philox.ts";
import { belowReference, philoxReference } from "./reference.ts";

/** Known answers of Random123 (kat_vectors, philox4x32 10): counter, key, words. */
const KNOWN = [
  [
    "00000000 00000000 00000000 00000000",
    "00000000 00000000",
    "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
  ],
  [
    "ffffffff ffffffff ffffffff ffffffff",
    "ffffffff ffffffff",
    "408f276d 41c83b0e a20bc7c6 6d5451fd",
  ],
  [
    "243f6a88 85a308d3 13198a2e 03707344",
    "a4093822 299f31d0",
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  ],
].map((row) => row.map((text) => text.split(" ").map((word) => parseInt(word, 16))));

const BIG_SEED = 0xfedc_ba98_7654_3210n;
// Bounds just above 2^31 reject almost every second word; powers of two reject none.
const BOUNDS = [1, 2, 3, 7, 408, 1100, 65536, 0x8000_0000, 0x8000_0001, 0xc000_0000, 0xffff_ffff];

function words(counter: number[], [k0, k1]: number[]): number[] {
  const out = new Uint32Array(4);
  philox4x32(out, counter[0], counter[1], counter[2], counter[3], [k0, k1]);
  return [...out];
}

Deno.test("philox4x32() gives the known answers of Random123", () => {
  for (const [counter, key, expected] of KNOWN) {
    deepEqual(words(counter, key), expected);
    deepEqual(philoxReference(counter.map(BigInt), key.map(BigInt)).map(Number), expected);
  }
});

Deno.test("multiplyHigh() is exact on the edges of 32 bits and on random words", () => {
  const random = new Uint32Array(64);
  philox4x32(random, 1, 2, 3, 4, [5, 6]);
  for (let i = 4; i < 64; i++) random[i] = Math.imul(random[i - 4], 0x9e3779b9) ^ i;
  const edges = [0, 1, 2, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_0000, 0xffff_ffff];
  for (const a of [...edges, ...random]) {
    for (const b of [...edges, ...random]) {
      equal(multiplyHigh(a, b), Number(BigInt(a) * BigInt(b) >> 32n), `${a} * ${b}`);
    }
  }
});

Deno.test("philoxKey() splits 64-bit seeds and refuses others", () => {
  deepEqual(philoxKey(BIG_SEED), [0x7654_3210, 0xfedc_ba98]);
  deepEqual(philoxKey(2 ** 40 + 3), [3, 256]);
  for (const seed of [-1, 1.5, NaN, 2 ** 53, -1n, 1n << 64n]) {
    throws(() => philoxKey(seed), /seed must be an integer in 0\.\.2\^64 - 1/);
  }
});

Deno.test("PhiloxStream.below() equals the 64-bit reference, rejections included", () => {
  let most = 0;
  for (const seed of [0n, 42n, BIG_SEED]) {
    const stream = new PhiloxStream(seed, 3);
    for (const bound of BOUNDS) {
      for (let trial = 0; trial < 20; trial++) {
        const { value, attempts } = belowReference(BigInt(bound), BigInt(trial), 7n, 3n, seed);
        equal(stream.below(bound, trial, 7), Number(value), `below ${bound}, trial ${trial}`);
        most = Math.max(most, attempts);
      }
    }
  }
  ok(most >= 4, "the bounds must provoke rejections");
});

Deno.test("PhiloxStream.below() hits every value equally often", () => {
  const stream = new PhiloxStream(1), bound = 10, draws = 20_000;
  const counts = new Float64Array(bound);
  for (let trial = 0; trial < draws; trial++) counts[stream.below(bound, trial, 0)]++;
  const expected = draws / bound;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 9 degrees of freedom: exceeded by chance once in 10,000 seeds; the seed is fixed.
  ok(chiSquare < 33.7, `chi-square ${chiSquare}`);
});

Deno.test("PhiloxStream draws differ by seed half, stream, trial and draw", () => {
  const draw = (seed: bigint, stream: number, trial: number, k: number) =>
    new PhiloxStream(seed, stream).below(0xffff_ffff, trial, k);
  const base = draw(5n, 0, 0, 0);
  equal(draw(5n, 0, 0, 0), base);
  for (
    const other of [
      draw(6n, 0, 0, 0),
      draw(5n + (1n << 32n), 0, 0, 0),
      draw(5n, 1, 0, 0),
      draw(5n, 0, 1, 0),
      draw(5n, 0, 0, 1),
    ]
  ) ok(other !== base);
});

const probe = `
struct Params { length: u32, bound: u32, seed_low: u32, seed_high: u32, stream: u32 }
@group(0) @binding(0) var<storage, read> counters: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> words: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> bounded: array<u32>;
@group(1) @binding(0) var<uniform> params: Params;
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.length) { return; }
  let key = vec2u(params.seed_low, params.seed_high);
  words[id.x] = philox4x32(counters[id.x], key);
  bounded[id.x] = philox_below(params.bound, id.x, 9u, params.stream, key);
}`;
const layout = new ParamLayout({
  length: "u32",
  bound: "u32",
  seedLow: "u32",
  seedHigh: "u32",
  stream: "u32",
});

gpuTest("philox.wgsl gives the known answers and the bounded draws of philox.ts", async (ctx) => {
  deepEqual(paramFieldsOf(probe), layout.fields);
  const kernel = await ctx.kernel({
    label: "philox probe",
    source: PHILOX_WGSL + probe,
    bindings: ["read", "readWrite", "readWrite"],
    params: layout,
  });
  const length = 64;
  using counters = ctx.alloc("counters", [length, 4], "u32");
  using out = ctx.alloc("words", [length, 4], "u32");
  using bounded = ctx.alloc("bounded", [length], "u32");
  const tensors = [counters, out, bounded];
  const run = (key: readonly number[], bound: number) =>
    ctx.submit("philox probe", (encoder) =>
      kernel.dispatch(encoder, {
        tensors,
        params: { length, bound, seedLow: key[0], seedHigh: key[1], stream: 3 },
        grid: [2, 1, 1],
      }));
  for (const [counter, key, expected] of KNOWN) {
    ctx.device.queue.writeBuffer(counters.buffer, 0, new Uint32Array(counter));
    await run(key, 1);
    deepEqual([...(await ctx.read(out)).subarray(0, 4)], expected);
  }
  const stream = new PhiloxStream(BIG_SEED, 3);
  for (const bound of BOUNDS) {
    await run(philoxKey(BIG_SEED), bound);
    const expected = Array.from({ length }, (_, trial) => stream.below(bound, trial, 9));
    deepEqual([...await ctx.read(bounded)], expected, `bound ${bound}`);
  }
});
