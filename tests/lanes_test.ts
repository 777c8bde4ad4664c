/** Threads that run graphs beside each other. */
import { openCpu } from "../lib/backend/cpu.ts";
import type { Lanes } from "../lib/backend/lanes.ts";
import { randomCheckpoint } from "../lib/checkpoint/random.ts";
import { randomBatch } from "../lib/bench/sequences.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { PART_TOKENS, partsOf } from "../lib/esm2/segments.ts";
import { Graph } from "../lib/onnx/graph.ts";
import * as op from "../lib/onnx/ops.ts";
import { deepEqual, equal, ok, rejects } from "./assert.ts";

const CONFIG = { layers: 2, dModel: 80, heads: 5, headDim: 16, ffn: 320, tokenDropout: true };

/** x f32[N] → y = 2 x. */
function doubling(): Graph {
  const g = new Graph("doubling");
  g.output("y", op.mul(g, g.input("x", "float32", ["N"]), g.scalar(2)));
  return g;
}

const numbers = (...values: number[]) => ({
  shape: [values.length],
  data: Float32Array.from(values),
});

Deno.test("lanes give every request its own answer, more requests than lanes", async () => {
  await using backend = await openCpu({ threads: 2 });
  using lanes = backend.openLanes(4)!;
  equal(lanes.count, 2);
  await using program = await lanes.compile(doubling());
  const asked = Array.from({ length: 9 }, (_, i) => numbers(i, i + 0.5, -i));
  const expected = asked.map(({ data }) => data.map((value) => 2 * value));
  const found = await Promise.all(asked.map((x) => program.run({ x }, { y: [3] })));
  deepEqual(found.map(({ y }) => y), expected);
});

Deno.test("what fails in a lane is told, and the lane goes on", async () => {
  await using backend = await openCpu({ threads: 2 });
  using lanes = backend.openLanes(4)!;
  await using program = await lanes.compile(doubling());
  const failing = Array.from({ length: 4 }, () => program.run({ z: numbers(1) }, { y: [1] }));
  for (const { status } of await Promise.allSettled(failing)) equal(status, "rejected");
  deepEqual((await program.run({ x: numbers(21) }, { y: [1] })).y, Float32Array.of(42));
  const bad = new Graph("bad");
  const x = bad.input("x", "float32", ["N"]);
  bad.output("y", bad.node({ op: "NoSuchOperator", inputs: [x], dtype: "float32", shape: ["N"] }));
  await rejects(() => lanes.compile(bad), /NoSuchOperator/);
});

Deno.test("who waits for lanes that are closed hears of it", async () => {
  await using backend = await openCpu({ threads: 2 });
  const lanes = backend.openLanes(4)!;
  const program = await lanes.compile(doubling());
  lanes[Symbol.dispose]();
  await rejects(() => program.run({ x: numbers(1) }, { y: [1] }), /closed/);
});

Deno.test("there are no lanes on one thread, nor where their weights would take too much", async () => {
  await using one = await openCpu({ threads: 1 });
  equal(one.openLanes(4), undefined);
  await using two = await openCpu({ threads: 2 });
  equal(two.openLanes(1), undefined);
});

Deno.test("batches in parts run in lanes, and where no thread can be started one after another", async () => {
  const logits: Float32Array[] = [];
  for (const kind of ["lanes", "none", "broken"] as const) {
    await using backend = await openCpu({ threads: 2 });
    let compiled = 0;
    const own = backend.openLanes.bind(backend);
    backend.openLanes = (most: number) => {
      if (kind === "none") return undefined;
      const lanes = own(most)!, compile = lanes.compile.bind(lanes);
      lanes.compile = (graph) => {
        compiled++;
        return kind === "broken" ? Promise.reject(new Error("no thread")) : compile(graph);
      };
      return lanes as Lanes;
    };
    await using model = await Esm2.open(randomCheckpoint("lanes", CONFIG), backend, {
      prepack: {},
    });
    const single = await model.run(randomBatch(PART_TOKENS - 2, 1), { head: true });
    single[Symbol.dispose]();
    equal(compiled, 0, "a batch without parts needs no lanes");
    using result = await model.run(randomBatch(190, 7), { head: true });
    logits.push(await result.logits!.read());
    equal(compiled, kind === "none" ? 0 : 1);
    result[Symbol.dispose]();
  }
  ok(logits[0].every(Number.isFinite));
  deepEqual(logits[1], logits[0]);
  deepEqual(logits[2], logits[0]);
});

Deno.test("parts are equal, as large as runs best, and even in number", () => {
  const sizes = (size: number, width: number) =>
    partsOf({ size, width }).map((p) => p.end - p.begin);
  deepEqual(sizes(31, 66), [5, 5, 5, 5, 5, 6]);
  deepEqual(sizes(7, 66), [7]);
  deepEqual(sizes(8, 66), [4, 4]);
  deepEqual(sizes(3, 600), [1, 1, 1]);
  deepEqual(sizes(1, 3000), [1]);
  for (let size = 1; size <= 40; size++) {
    const parts = partsOf({ size, width: 100 });
    equal(parts.at(-1)!.end, size);
    ok(parts.every(({ begin, end }, i) => end > begin && begin === (parts[i - 1]?.end ?? 0)));
    ok(parts.every(({ begin, end }) => (end - begin) * 100 <= PART_TOKENS), `${size}`);
  }
});
