/** Replayed runs against onnxruntime's own, bit by bit. */
import { Replay } from "../lib/backend/replay/replay.ts";
import type { DeviceProgram } from "../lib/backend/device_program.ts";
import { openWebGpu, type WebGpuBackend } from "../lib/backend/webgpu.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { Esm2 } from "../lib/esm2/mod.ts";
import { Graph } from "../lib/onnx/graph.ts";
import * as op from "../lib/onnx/ops.ts";
import { collectSums } from "../lib/sites/collect.ts";
import { allClose, deepEqual, equal, ok, rejects } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf, record } from "./parity.ts";

const TRP_CAGE = "NLYIQWLKDGGPSSGRPPPS";
const VILLIN = "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF";
const BATCHES = {
  "one sequence": [TRP_CAGE],
  "a padded batch": [TRP_CAGE, VILLIN, "MK"],
  "another sequence of the same length": [[...TRP_CAGE].reverse().join("")],
};

function replayTest(name: string, fn: (backend: WebGpuBackend) => Promise<void>): void {
  Deno.test({
    name: name + gpuSkipped,
    ignore: !runsGpuTests,
    // onnxruntime keeps its timers for the life of the process.
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      // Bits are compared: no products of our own, which round differently.
      await using backend = await openWebGpu({ ownProducts: false });
      await fn(backend);
      equal(backend.liveBytes, 0, "every tensor is freed");
    },
  });
}

function sumGraph(): Graph {
  const g = new Graph("sum");
  const x = g.input("x", "float32", ["N", 4]), y = g.input("y", "float32", ["N", 4]);
  g.output("sum", op.add(g, x, y, "both"));
  return g;
}

/** Everything that a forward pass, a reduction and a gradient give, of a fresh model. */
async function everything(model: Esm2, sequences: readonly string[]) {
  const batch = batchOf(sequences);
  const { hidden, attention, normalised, logits } = await record(model, batch);
  const layers = hidden.slice(1).map((_, layer) => layer);
  const [id] = sequences;
  const planned = { ...batch, sequences: sequences.map((residues) => ({ id, residues })) };
  const sums = await collectSums(model, planned as never, {
    threshold: 0.1,
    specials: false,
    layers,
  });
  using found = await model.gradient(batch, {
    rows: [1, 2],
    wrt: [0, 2],
    cotangent: ({ shape }) =>
      Promise.resolve(model.backend.upload("cotangent", shape, new Float32Array(66).fill(0.5))),
  });
  const gradients = [await found.gradients.get(0)!.read(), await found.gradients.get(2)!.read()];
  return { hidden, attention, normalised, logits, sums, gradients };
}

replayTest("replay gives what onnxruntime gives, whatever scratch held before", async (backend) => {
  using checkpoint = await openCheckpoint(tinyPath);
  await using plain = await openWebGpu({ replay: false });
  await using expected = await Esm2.open(checkpoint, plain);
  await using model = await Esm2.open(checkpoint, backend);
  const { gpu, replays } = backend;
  for (let round = 0; round < 3; round++) {
    for (const [name, sequences] of Object.entries(BATCHES)) {
      const found = await everything(model, sequences);
      deepEqual(found, await everything(expected, sequences), `${name}, round ${round}`);
      for (const buffer of replays!.scratch.buffers) {
        // Every word a NaN: what is read before it is written spoils the result.
        gpu.device.queue.writeBuffer(buffer, 0, new Uint8Array(buffer.size).fill(0xff));
      }
    }
  }
  ok(replays!.scratch.buffers.length > 0, "something was replayed");
});

replayTest("replay serves runs that are awaited together", async (backend) => {
  const g = new Graph("sum");
  const x = g.input("x", "float32", ["N", 4]), y = g.input("y", "float32", ["N", 4]);
  g.output("sum", op.add(g, op.softmax(g, op.add(g, x, y, "inner"), "softmax"), y, "outer"));
  await using program = await backend.compile(g);
  const run = async (rows: number, value: number) => {
    const upload = (label: string, data: Float32Array) => backend.upload(label, [rows, 4], data);
    using x = upload("x", new Float32Array(4 * rows));
    using y = upload("y", new Float32Array(4 * rows).fill(value));
    const { sum } = await program.run({ x, y }, { sum: [rows, 4] });
    using _ = sum;
    return await sum.read();
  };
  for (let round = 0; round < 3; round++) {
    // More shapes than are kept, so some recordings are dropped and made again.
    const rows = Array.from({ length: 96 }, (_, i) => 1 + i % 48);
    const found = await Promise.all(rows.map((n, i) => run(n, i)));
    rows.forEach((n, i) => deepEqual(found[i], new Float32Array(4 * n).fill(i + 0.25)));
  }
  deepEqual((program as DeviceProgram).obstacles, [], "nothing kept a run from being replayed");
});

replayTest(
  "replay that went wrong fails the next read-back, and names a way out",
  async (backend) => {
    const { run } = Replay.prototype;
    // Nothing is computed: the outputs stay as they were.
    Replay.prototype.run = () => {};
    try {
      await using program = await backend.compile(sumGraph());
      using one = backend.upload("one", [2, 4], new Float32Array(8).fill(1));
      using ten = backend.upload("ten", [2, 4], new Float32Array(8).fill(10));
      for (let round = 0; round < 2; round++) {
        const { sum } = await program.run({ x: one, y: ten }, { sum: [2, 4] });
        using _ = sum;
        if (round === 0) equal((await sum.read())[0], 11);
        else await rejects(() => sum.read(), /they differ; set ESMSCOPE_REPLAY=0.*--backend cpu/);
      }
      await rejects(() => one.read(), /replayed runs/, "nothing is read from then on");
    } finally {
      Replay.prototype.run = run;
    }
  },
);

Deno.test({
  name: "ESMSCOPE_REPLAY=0 leaves every run to onnxruntime" +
    gpuSkipped,
  ignore: !runsGpuTests,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    Deno.env.set("ESMSCOPE_REPLAY", "0");
    try {
      await using backend = await openWebGpu();
      equal(backend.replays, undefined);
    } finally {
      Deno.env.delete("ESMSCOPE_REPLAY");
    }
  },
});

replayTest("replay keeps inputs apart that were one tensor at first", async (backend) => {
  await using program = await backend.compile(sumGraph());
  using one = backend.upload("one", [2, 4], new Float32Array(8).fill(1));
  using ten = backend.upload("ten", [2, 4], new Float32Array(8).fill(10));
  const pairs = [[one, one], [one, ten], [ten, one], [ten, ten]];
  for (const [x, y] of [...pairs, ...pairs, ...pairs]) {
    const { sum } = await program.run({ x, y }, { sum: [2, 4] });
    using _ = sum;
    const [value] = await x.read(), [other] = await y.read();
    deepEqual(await sum.read(), new Float32Array(8).fill(value + other));
  }
});

replayTest("replay goes by names, whatever order or choice they come in", async (backend) => {
  const g = new Graph("two outputs");
  const x = g.input("x", "float32", ["N", 4]), y = g.input("y", "float32", ["N", 4]);
  g.output("difference", op.sub(g, x, y, "sub"));
  g.output("sum", op.add(g, x, y, "add"));
  await using program = await backend.compile(g);
  using one = backend.upload("one", [2, 4], new Float32Array(8).fill(1));
  using ten = backend.upload("ten", [2, 4], new Float32Array(8).fill(10));
  const orders = [{ x: ten, y: one }, { y: one, x: ten }];
  const choices = [["difference"], ["sum"], ["difference", "sum"], ["sum", "difference"]];
  for (let round = 0; round < 4; round++) {
    for (const inputs of orders) {
      for (const names of choices) {
        const found = await program.run(
          inputs,
          Object.fromEntries(names.map((name) => [name, [2, 4]])),
        );
        for (const name of names) {
          using tensor = found[name];
          equal((await tensor.read())[7], name === "sum" ? 11 : 9, `${names}, round ${round}`);
        }
      }
    }
  }
});

replayTest("replay serves a graph that only moves its input", async (backend) => {
  const g = new Graph("copy");
  g.output("y", op.reshape(g, g.input("x", "float32", ["N", 4]), ["N", 2, 2], "apart"));
  await using program = await backend.compile(g);
  for (let round = 0; round < 4; round++) {
    const values = Float32Array.from({ length: 8 }, (_, i) => i + round);
    using x = backend.upload("x", [2, 4], values);
    const { y } = await program.run({ x }, { y: [2, 2, 2] });
    using _ = y;
    deepEqual(await y.read(), values);
  }
  deepEqual((program as DeviceProgram).obstacles, []);
});

replayTest("replay logs shapes once, when they come again", async (backend) => {
  const tap = backend.replays!.tap, record = tap.record.bind(tap);
  let logged = 0;
  tap.record = (work) => {
    logged++;
    return record(work);
  };
  await using program = await backend.compile(sumGraph());
  const run = async (rows: number) => {
    using x = backend.upload("x", [rows, 4], new Float32Array(4 * rows).fill(rows));
    const { sum } = await program.run({ x, y: x }, { sum: [rows, 4] });
    using _ = sum;
    deepEqual(await sum.read(), new Float32Array(4 * rows).fill(2 * rows));
  };
  const shapes = Array.from({ length: 24 }, (_, i) => i + 1);
  for (const rows of shapes) await run(rows);
  equal(logged, 0, "many shapes never come again");
  for (const rows of shapes) await Promise.all([run(rows), run(rows), run(rows)]);
  for (const rows of shapes) await run(rows);
  equal(logged, shapes.length);
});

replayTest("backends of one process take turns", async (backend) => {
  await using other = await openWebGpu({ ownProducts: false });
  const run = async (backend: WebGpuBackend, value: number) => {
    await using program = await backend.compile(sumGraph());
    using x = backend.upload("x", [2, 4], new Float32Array(8).fill(value));
    for (let round = 0; round < 4; round++) {
      const { sum } = await program.run({ x, y: x }, { sum: [2, 4] });
      using _ = sum;
      deepEqual(await sum.read(), new Float32Array(8).fill(2 * value));
    }
  };
  await Promise.all([run(backend, 1), run(other, 2), run(backend, 3), run(other, 4)]);
});

Deno.test({
  name: "replay with products of our own gives what onnxruntime gives, from the first run on" +
    gpuSkipped,
  ignore: !runsGpuTests,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn() {
    await using backend = await openWebGpu({ ownProducts: true });
    await using plain = await openWebGpu({ replay: false });
    using checkpoint = await openCheckpoint(tinyPath);
    await using expected = await Esm2.open(checkpoint, plain);
    await using model = await Esm2.open(checkpoint, backend);
    const { run } = Replay.prototype;
    let own = 0, ofThree = 0;
    Replay.prototype.run = function (...args) {
      const steps = this.recording.steps.filter((step) => step.kind === "dispatch");
      own += steps.filter(({ params }) => params).length;
      // One factor, and three times weights, bias and result.
      ofThree += steps.filter(({ params, bindings }) => params && bindings.length === 10).length;
      return run.apply(this, args);
    };
    try {
      const first = new Map<string, unknown>();
      for (let round = 0; round < 2; round++) {
        for (const [name, sequences] of Object.entries(BATCHES)) {
          const found = await everything(model, sequences);
          if (round === 0) {
            first.set(name, found);
            const { hidden, logits } = await everything(expected, sequences);
            // Sums of up to 512 products in another order, of values up to 95.
            hidden.forEach((h, i) =>
              allClose(found.hidden[i], h, { atol: 1e-4, rtol: 1e-5 }, name)
            );
            allClose(found.logits, logits, { atol: 1e-4 }, name);
          } else deepEqual(found, first.get(name), `${name} when it comes again`);
        }
      }
    } finally {
      Replay.prototype.run = run;
    }
    ok(own > 0, "products of our own were used");
    ok(ofThree > 0, "queries, keys and values were one product");
  },
});
