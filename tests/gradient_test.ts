import { type Backend, openBackend, type Tensor } from "../lib/backend/mod.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { TOKENS } from "../lib/esm2/alphabet.ts";
import { Esm2, type GradientResult } from "../lib/esm2/mod.ts";
import { RotaryCache } from "../lib/esm2/inputs.ts";
import { Pass } from "../lib/esm2/pass.ts";
import { ProgramCache } from "../lib/esm2/programs.ts";
import { loadResident } from "../lib/esm2/weights.ts";
import { BLOCK_WEIGHTS } from "../lib/esm2/block.ts";
import type { TokenBatch } from "../lib/esm2/tokenize.ts";
import { allClose, deepEqual, equal, match, ok, rejects } from "./assert.ts";
import { fixtureIndex, readFixture, tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";
import { batchOf } from "./parity.ts";
import { limitedBackend } from "./limited_backend.ts";

const TRP_CAGE = "NLYIQWLKDGGPSSGRPPPS";
const VILLIN = "MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF";

/** float32 rounding through the blocks: 1e-5 of the largest value is what the forward pass allows. */
const within = (expected: ArrayLike<number>, share = 1e-5) => ({
  atol: share * Math.max(...Array.from(expected, Math.abs)),
});

for (const name of ["cpu", "wasm", "webgpu"] as const) {
  const skip = name === "webgpu" && !runsGpuTests;
  Deno.test({
    name: `Esm2.gradient: ${name}${skip ? gpuSkipped : ""}`,
    ignore: skip,
    // The native library keeps its thread pool and timers for the life of the process.
    sanitizeResources: false,
    sanitizeOps: false,
    async fn(t) {
      const { backend } = await openBackend(name);
      await using _ = backend;
      using checkpoint = await openCheckpoint(tinyPath);
      {
        await using model = await Esm2.open(checkpoint, backend);
        const before = backend.liveBytes;
        const step = (what: string, check: (model: Esm2) => Promise<void>) =>
          t.step(what, async () => {
            await check(model);
            equal(backend.liveBytes, before, "every tensor is freed");
          });
        await step("equals fair-esm's at every depth", golden);
        await step("of a padded batch equals that of each sequence", padding);
        await step("in pieces equals whole", pieces);
        await step("starts at the caller's hidden state", fromHidden);
        await step("adds up rows that repeat; all rows without a choice", rows);
        await step("of masked tokens predicts a small step", masked);
        await step("with streamed weights equals resident", streamed);
        await step("refuses what does not fit and frees what it held", refusals);
      }
      await t.step("the block's own product equals fair-esm's", () => block(backend));
      equal(backend.liveBytes, 0, "every tensor is freed");
    },
  });
}

const { position0, wt, mut, metric } = fixtureIndex.tiny_grad_hp36 as unknown as {
  position0: number;
  wt: string;
  mut: string;
  metric: number;
};

/** dS/d(logits) for S = log p(mutant) − log p(wild type), one row. */
function contrast(backend: Backend, mutant = mut, wild = wt): Tensor {
  const cotangent = new Float32Array(33);
  cotangent[TOKENS.indexOf(mutant)] = 1;
  cotangent[TOKENS.indexOf(wild)] = -1;
  return backend.upload("cotangent", [1, 33], cotangent);
}

async function golden(model: Esm2): Promise<void> {
  const arrays = readFixture("tiny_grad_hp36");
  const depths = [0, 1, 2, 3, 4];
  let seen: Float32Array | undefined;
  using found = await model.gradient(batchOf([VILLIN]), {
    rows: [position0 + 1],
    wrt: depths,
    keepHidden: true,
    async cotangent(logits) {
      seen = await logits.read();
      return contrast(model.backend);
    },
  });
  const difference = seen![TOKENS.indexOf(mut)] - seen![TOKENS.indexOf(wt)];
  allClose([difference], [metric], { atol: 5e-5 }, "metric");
  deepEqual(await found.logits.read(), seen);
  for (const depth of depths) {
    const { data: hidden } = arrays[`h${depth}`], { data } = arrays[`grad_h${depth}`];
    allClose(await found.hidden.get(depth)!.read(), hidden, within(hidden), `hidden ${depth}`);
    allClose(await found.gradients.get(depth)!.read(), data, within(data, 3e-5), `depth ${depth}`);
  }
}

/** A cotangent without pattern for every row of a batch that is a token, and the rows. */
function everyToken({ size, width, lengths }: TokenBatch): number[] {
  return Array.from({ length: size * width }, (_, row) => row)
    .filter((row) => row % width < lengths[Math.floor(row / width)]);
}

const uneven = (n: number, seed = 0) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * seed));

async function padding(model: Esm2): Promise<void> {
  const sequences = [TRP_CAGE, "M", VILLIN];
  const batch = batchOf(sequences), { width } = batch, { dModel } = model.config;
  const rows = everyToken(batch);
  using cotangent = model.backend.upload("c", [rows.length, 33], uneven(rows.length * 33));
  using together = await model.gradient(batch, { rows, cotangent, wrt: [0, 2] });
  let read = 0;
  for (const [b, sequence] of sequences.entries()) {
    const alone = batchOf([sequence]), n = alone.width;
    const own = uneven(rows.length * 33).slice(read * 33, (read += n) * 33);
    using cotangent = model.backend.upload("c", [n, 33], own);
    using single = await model.gradient(alone, { cotangent, wrt: [0, 2] });
    for (const depth of [0, 2]) {
      const expected = await single.gradients.get(depth)!.read();
      const all = await together.gradients.get(depth)!.read();
      const rowsOf = all.subarray(b * width * dModel, (b + 1) * width * dModel);
      const label = `${sequence} at depth ${depth}`;
      allClose(rowsOf.subarray(0, n * dModel), expected, within(expected, 3e-5), label);
      ok(rowsOf.subarray(n * dModel).every((x) => x === 0), "padding has no gradient");
    }
  }
}

async function pieces(model: Esm2): Promise<void> {
  const { backend } = model, batch = batchOf([VILLIN, TRP_CAGE]);
  const rows = everyToken(batch);
  using cotangent = backend.upload("c", [rows.length, 33], uneven(rows.length * 33));
  using owned = new DisposableStack();
  const collect = (into: Record<string, Tensor>) => ({
    wants: (layer: number) => layer % 3 === 0 ? BLOCK_WEIGHTS : [],
    visit(layer: number | "head", found: Readonly<Record<string, Tensor>>) {
      for (const [name, t] of Object.entries(found)) into[`${layer} ${name}`] = owned.use(t.keep());
    },
  });
  const weights: Record<string, Tensor> = {};
  using whole = await model.gradient(batch, {
    ...{ rows, cotangent, wrt: [0, 3], weights: collect(weights) },
  });
  // Room for three of the eight heads: groups of 3, 3 and 2.
  const headBytes = batch.size * batch.width ** 2 * 4;
  for (
    const limit of [
      { bytes: 3 * headBytes, hard: false, fastAttentionBytes: 3 * headBytes },
      { bytes: 3 * headBytes, hard: false, fastAttentionBytes: headBytes },
      // Too little for one graph even where matrices are trained.
      { bytes: headBytes, hard: false, fastAttentionBytes: headBytes },
      { bytes: 8 * headBytes, hard: false, fastAttentionBytes: 3 * headBytes },
    ]
  ) {
    const small = limitedBackend(backend, limit);
    using checkpoint = await openCheckpoint(tinyPath);
    await using cut = await Esm2.open(checkpoint, small);
    const own: Record<string, Tensor> = {};
    using found = await cut.gradient(batch, {
      ...{ rows, cotangent, wrt: [0, 3], weights: collect(own) },
    });
    deepEqual(Object.keys(own), Object.keys(weights));
    for (const [name, tensor] of Object.entries(own)) {
      const expected = await weights[name].read();
      allClose(await tensor.read(), expected, within(expected, 2e-5), name);
    }
    using bare = await cut.gradient(batch, { rows, cotangent, wrt: [0, 3] });
    for (const depth of [0, 3]) {
      const expected = await whole.gradients.get(depth)!.read();
      for (const { gradients } of [found, bare]) {
        const actual = await gradients.get(depth)!.read();
        allClose(actual, expected, within(expected), `depth ${depth}`);
      }
    }
  }
}

async function fromHidden(model: Esm2): Promise<void> {
  const batch = batchOf([TRP_CAGE]), { layers } = model.config;
  using cotangent = contrast(model.backend, "A", "W");
  using all = await model.gradient(batch, {
    rows: [6],
    cotangent,
    wrt: [2, layers],
    keepHidden: true,
  });
  deepEqual([...all.hidden.keys()].sort(), [2, layers]);
  for (const depth of [2, layers]) {
    const hidden = all.hidden.get(depth)!;
    using own = model.backend.upload("own", hidden.shape, await hidden.read());
    {
      using found = await model.gradient(batch, {
        from: { depth, hidden: own },
        rows: [6],
        cotangent,
        wrt: depth,
        keepHidden: true,
      });
      equal(found.hidden.get(depth), own);
      deepEqual(await found.logits.read(), await all.logits.read());
      deepEqual(
        await found.gradients.get(depth)!.read(),
        await all.gradients.get(depth)!.read(),
      );
    }
    deepEqual(await own.read(), await hidden.read(), "the caller's state is not freed");
  }
}

async function rows(model: Esm2): Promise<void> {
  const batch = batchOf([TRP_CAGE]), { width } = batch;
  const one = uneven(33, 1), other = uneven(33, 2), third = uneven(33, 3);
  const gradient = async (rows: number[] | undefined, values: Float32Array[]) => {
    const flat = Float32Array.from(values.flatMap((v) => [...v]));
    using cotangent = model.backend.upload("c", [values.length, 33], flat);
    using found = await model.gradient(batch, { rows, cotangent, wrt: 1 });
    return await found.gradients.get(1)!.read();
  };
  const sum = one.map((x, i) => x + other[i]), zero = new Float32Array(33);
  const expected = await gradient([4, 9], [sum, third]);
  allClose(await gradient([4, 9, 4], [one, third, other]), expected, within(expected), "repeated");
  const every = Array.from({ length: width }, (_, t) => t === 4 ? sum : t === 9 ? third : zero);
  allClose(await gradient(undefined, every), expected, within(expected), "all rows");
}

async function masked(model: Esm2): Promise<void> {
  const batch = batchOf(["NLYIQ<mask>LKDGGPSSG<mask>PPPS"]),
    { backend, config: { dModel } } = model;
  using cotangent = contrast(backend, "W", "A");
  using found = await model.gradient(batch, {
    rows: [6],
    cotangent,
    wrt: 0,
    keepHidden: true,
  });
  const hidden = await found.hidden.get(0)!.read();
  ok(hidden.subarray(6 * dModel, 7 * dModel).every((x) => x === 0), "masks enter as zeros");
  const gradient = await found.gradients.get(0)!.read();
  const score = async (step: number, along: Float32Array) => {
    using moved = backend.upload(
      "moved",
      found.hidden.get(0)!.shape,
      hidden.map((x, i) => x + step * along[i]),
    );
    using run = await model.run(batch, {
      from: { depth: 0, hidden: moved },
      head: { rows: [6] },
    });
    const logits = await run.logits!.read();
    return logits[TOKENS.indexOf("W")] - logits[TOKENS.indexOf("A")];
  };
  // Central differences of float32 logits (error 1e-5) over a step along which they change by 0.02:
  // rounding allows 1e-3, curvature adds the square of the step.
  const along = gradient.map((x, i) => x + 0.1 * uneven(gradient.length)[i] * Math.abs(x));
  const slope = gradient.reduce((s, x, i) => s + x * along[i], 0);
  const step = 0.01 / slope;
  const measured = (await score(step, along) - await score(-step, along)) / (2 * step);
  allClose([measured / slope], [1], { atol: 3e-3 });
}

async function streamed(model: Esm2): Promise<void> {
  const batch = batchOf([TRP_CAGE]);
  using checkpoint = await openCheckpoint(tinyPath);
  await using low = await Esm2.open(checkpoint, model.backend, { lowMemory: true });
  using cotangent = contrast(model.backend, "A", "W");
  const before = model.backend.liveBytes;
  const read = async (some: Esm2) => {
    using found: GradientResult = await some.gradient(batch, { rows: [6], cotangent, wrt: 0 });
    return await found.gradients.get(0)!.read();
  };
  deepEqual(await read(low), await read(model));
  equal(model.backend.liveBytes, before, "nothing of the streamed weights stays");
}

async function refusals(model: Esm2): Promise<void> {
  const batch = batchOf([TRP_CAGE]), { backend, config: { layers, dModel } } = model;
  using cotangent = contrast(backend);
  const rows = [1];
  await rejects(model.gradient(batch, { rows, cotangent, wrt: layers + 1 }), RangeError);
  await rejects(model.gradient(batch, { rows, cotangent, wrt: 1.5 }), /in 0\.\.4.* 1\.5/);
  await rejects(model.gradient(batch, { rows, cotangent, wrt: [] }), /none/);
  await rejects(model.gradient(batch, { rows: [batch.width], cotangent, wrt: 0 }), /rows must be/);
  await rejects(model.gradient(batch, { cotangent, wrt: 0 }), /cotangent .* must be \[22,33\]/);
  using hidden = backend.upload("h", [3, dModel], new Float32Array(3 * dModel));
  const from = { depth: 2, hidden };
  await rejects(model.gradient(batch, { rows, cotangent, wrt: 2, from }), /must be \[22,128\]/);
  const failing = model.gradient(batch, {
    rows,
    wrt: 0,
    cotangent() {
      throw new Error("no idea");
    },
  });
  await failing.then(() => ok(false), (error) => match(error.message, /no idea/));
  const signal = AbortSignal.abort(new Error("stopped"));
  await rejects(model.gradient(batch, { rows, cotangent, wrt: 0, signal }), /stopped/);
}

async function block(backend: Backend): Promise<void> {
  const { x, y, cotangent, vjp, tangent, jvp } = readFixture("tiny_vjp_layer");
  const { layer_index: layer } = fixtureIndex.tiny_vjp_layer as unknown as { layer_index: number };
  using checkpoint = await openCheckpoint(tinyPath);
  const { config } = checkpoint;
  using weights = await loadResident(checkpoint, backend);
  await using programs = new ProgramCache(backend);
  const embedding = await checkpoint.read("embed_tokens.weight");
  const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
  using rotary = new RotaryCache(invFreq, backend);
  const engine = { config, backend, embedding, invFreq, rotary, weights, programs };
  using pass = new Pass(engine, batchOf([VILLIN]));
  const upload = ({ shape, data }: typeof x) => backend.upload("u", shape, data as Float32Array);
  using input = upload(x);
  using u = upload(cotangent);
  using out = await pass.block(layer, input);
  allClose(await out.read(), y.data, within(y.data), "block");
  const { x: moved } = await pass.blockBackward(layer, input, u, ["x"]);
  using back = moved;
  const found = await back.read();
  allClose(found, vjp.data, within(vjp.data), "vjp");
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((s, v, i) => s + v * b[i], 0);
  // <Jᵀu, v> = <u, Jv>: 4864 rounded terms of size 1 that add up to 103.
  allClose([dot(found, tangent.data)], [dot(cotangent.data, jvp.data)], { atol: 2e-3 });
}
