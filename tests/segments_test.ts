/** Blocks with their weights inside, against blocks that are fed theirs. */
import { openCpu } from "../lib/backend/cpu.ts";
import type { HostBackend } from "../lib/backend/host.ts";
import { paddingBias, rotaryTables } from "../lib/esm2/inputs.ts";
import { openCheckpoint } from "../lib/checkpoint/mod.ts";
import { randomCheckpoint } from "../lib/checkpoint/random.ts";
import { writeRandomCheckpoint } from "../lib/bench/random_folder.ts";
import { randomProtein } from "../lib/bench/sequences.ts";
import { Esm2, type PrepackOptions, type TokenBatch } from "../lib/esm2/mod.ts";
import { padBatch, tokenize } from "../lib/esm2/mod.ts";
import { cutSegments, Segments, WORTH_PREPACKING } from "../lib/esm2/segments.ts";
import { allClose, deepEqual, equal, ok, rejects } from "./assert.ts";

const CONFIG = { layers: 4, dModel: 160, heads: 10, headDim: 16, ffn: 640, tokenDropout: true };
const checkpoint = randomCheckpoint("segments", CONFIG);
/** The order of additions differs. */
const ROUNDED = { atol: 2e-5, rtol: 2e-5 };

const batchOf = (...lengths: number[]): TokenBatch =>
  padBatch(
    lengths.map((length, i) =>
      tokenize({ id: `${i}`, residues: randomProtein(length, i) }, { maxLength: length })
    ),
  );

const BATCHES = {
  one: batchOf(30),
  alike: batchOf(24, 24, 24),
  padded: batchOf(12, 40, 33),
};

/** More than run best at a time. */
const IN_PARTS = {
  alike: batchOf(200, 200, 200, 200, 200),
  padded: batchOf(100, 310, 280, 310),
};

async function withModels(
  prepack: PrepackOptions,
  test: (packed: Esm2, plain: Esm2, backend: HostBackend) => Promise<void>,
): Promise<void> {
  await using backend = await openCpu({ threads: 1 });
  await using packed = await Esm2.open(checkpoint, backend, { prepack });
  await using plain = await Esm2.open(checkpoint, backend);
  await test(packed, plain, backend);
}

/** Values of tokens alone: rows of padding have no meaning. */
function ofTokens({ size, width, lengths }: TokenBatch, values: Float32Array): Float32Array {
  const columns = values.length / (size * width);
  return Float32Array.from(
    lengths.flatMap((length, b) => [
      ...values.subarray(b * width * columns, (b * width + length) * columns),
    ]),
  );
}

async function read(model: Esm2, batch: TokenBatch) {
  using result = await model.run(batch, { head: true });
  const [hidden, logits, normalised] = await Promise.all(
    [result.hidden, result.logits!, result.normalised!].map((tensor) => tensor.read()),
  );
  return { hidden, logits, normalised };
}

Deno.test("segments give what blocks give, for every kind of batch", () =>
  withModels({}, async (packed, plain) => {
    const inParts = Object.entries(IN_PARTS).map(([name, batch]) =>
      [`${name} in parts`, batch] as const
    );
    for (const [name, batch] of [...Object.entries(BATCHES), ...inParts]) {
      const [found, expected] = [await read(packed, batch), await read(plain, batch)];
      for (const key of ["hidden", "logits", "normalised"] as const) {
        const [a, e] = [found, expected].map((one) => ofTokens(batch, one[key]));
        allClose(a, e, ROUNDED, `${name}: ${key}`);
        // A segment that was not taken would pass unnoticed.
        ok(a.some((value, i) => value !== e[i]), `${name}: ${key} has the bytes of blocks`);
      }
    }
  }));

Deno.test("a segment's numbers depend neither on how many heads attend at a time nor on what ran before", async () => {
  await using backend = await openCpu({ threads: 1 });
  const expected = new Map<string, Float32Array>();
  const { fastAttentionBytes } = backend.tensorLimit;
  // All heads, four of them, one.
  for (const bytes of [fastAttentionBytes, 4 * 4 * 32 ** 2, 4]) {
    backend.tensorLimit.fastAttentionBytes = bytes;
    await using model = await Esm2.open(checkpoint, backend, { prepack: {} });
    for (const [name, batch] of [...Object.entries(BATCHES), ...Object.entries(BATCHES)]) {
      const { logits } = await read(model, batch);
      if (!expected.has(name)) expected.set(name, logits);
      deepEqual(logits, expected.get(name), `${name} at ${bytes}`);
    }
  }
});

Deno.test("a segment's numbers do not depend on the threads", async () => {
  const results = await Promise.all([1, 2].map(async (threads) => {
    await using backend = await openCpu({ threads });
    await using model = await Esm2.open(checkpoint, backend, { prepack: {} });
    const found = [];
    for (const batch of [...Object.values(BATCHES), batchOf(300), ...Object.values(IN_PARTS)]) {
      found.push((await read(model, batch)).logits);
      const rows = [batch.size * batch.width - 2, 3, 1];
      using result = await model.run(batch, { head: { rows, alone: true } });
      found.push(await result.logits!.read(), await result.hidden.read());
    }
    return found;
  }));
  deepEqual(results[0], results[1]);
});

Deno.test("a large model has one graph a segment, which gives plain batches the numbers that it gave before", async () => {
  await using backend = await openCpu({ threads: 1 });
  let open = 0, most = 0;
  const counted = new Proxy(backend, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (key !== "compile") return typeof value === "function" ? value.bind(target) : value;
      return async (...args: Parameters<HostBackend["compile"]>) => {
        const program = await target.compile(...args);
        most = Math.max(most, ++open);
        return {
          run: program.run.bind(program),
          async [Symbol.asyncDispose]() {
            open--;
            await program[Symbol.asyncDispose]();
          },
        };
      };
    },
  });
  const invFreq = await checkpoint.read("layers.0.self_attn.rot_emb.inv_freq");
  const results: Record<string, Float32Array[]> = {};
  for (const [kind, smallBytes] of [["small", 2 ** 30], ["large", 0]] as const) {
    open = most = 0;
    await using segments = new Segments(checkpoint, counted, {}, "f32", smallBytes);
    const run = async (batch: TokenBatch) => {
      const { size, width } = batch, { dModel, headDim } = CONFIG;
      const x = Float32Array.from({ length: size * width * dModel }, (_, i) => Math.sin(i));
      const tables = rotaryTables(invFreq, size, width);
      const upload = (data: Float32Array) =>
        backend.upload("table", [size, width, headDim / 2], data);
      const result = await segments.run(
        segments.from(0)!,
        batch,
        backend.upload("x", [size * width, dModel], x),
        {
          ...{ query_cos: upload(tables.queryCos), query_sin: upload(tables.querySin) },
          ...{ key_cos: upload(tables.keyCos), key_sin: upload(tables.keySin) },
          ...(batch === BATCHES.padded &&
            { bias: backend.upload("bias", [size, 1, 1, width], paddingBias(batch)) }),
        },
      );
      return await result.head!.logits.read();
    };
    results[kind] = [];
    for (const name of ["alike", "padded", "alike"] as const) {
      results[kind].push(await run(BATCHES[name]));
    }
    equal(most, kind === "small" ? 2 : 1, kind);
  }
  deepEqual(results.large, results.small);
  deepEqual(results.large[2], results.large[0]);
});

Deno.test("rows that are alone are those of the whole, whatever segment ends there", () =>
  withModels({ head: false, depths: [4] }, async (packed) => {
    const batch = BATCHES.alike, rows = [3, 3 + batch.width];
    const whole = await read(packed, batch);
    using alone = await packed.run(batch, { head: { rows, alone: true } });
    deepEqual(alone.hidden.shape, [rows.length, CONFIG.dModel]);
    const expected = rows.flatMap((row) => [...whole.logits.subarray(row * 33, (row + 1) * 33)]);
    allClose(await alone.logits!.read(), expected, ROUNDED);
  }));

Deno.test("weights that could not be loaded are tried again", async () => {
  await using backend = await openCpu({ threads: 1 });
  let isBroken = true;
  const read: typeof checkpoint.read = (name, into) =>
    isBroken && name.startsWith("layers.") && !name.includes("inv_freq")
      ? Promise.reject(new Error("not there now"))
      : checkpoint.read(name, into);
  await using model = await Esm2.open({ ...checkpoint, read }, backend, { prepack: {} });
  const lookInside = () =>
    model.run(BATCHES.one, { visitor: { attention() {} } }).then((result) => {
      result[Symbol.dispose]();
    });
  await rejects(lookInside, /not there now/);
  isBroken = false;
  await lookInside();
});

Deno.test("rows that are alone are those of the whole, with segments and without", () =>
  withModels({}, async (packed, plain) => {
    const batch = BATCHES.padded, rows = [3, 3 + batch.width, 5, 2 * batch.width];
    for (const model of [packed, plain]) {
      const whole = await read(model, batch);
      using alone = await model.run(batch, { head: { rows, alone: true } });
      using chosen = await model.run(batch, { head: { rows } });
      deepEqual(alone.hidden.shape, [rows.length, CONFIG.dModel]);
      deepEqual(chosen.hidden.shape, [batch.size * batch.width, CONFIG.dModel]);
      for (const [key, columns] of [["logits", 33], ["normalised", CONFIG.dModel]] as const) {
        const expected = rows.flatMap((row) => [
          ...whole[key].subarray(row * columns, (row + 1) * columns),
        ]);
        allClose(await alone[key]!.read(), expected, ROUNDED, `alone: ${key}`);
        allClose(await chosen[key]!.read(), expected, ROUNDED, `chosen: ${key}`);
      }
      await rejects(model.run(batch, { head: { rows: [1e6], alone: true } }), /rows must be in/);
    }
  }));

Deno.test("what looks inside a segment sees blocks; what looks at its ends sees segments", () =>
  withModels({ depths: [2] }, async (packed, plain) => {
    const batch = BATCHES.one;
    const statesOf = async (model: Esm2, depths: readonly number[]) => {
      const states: Float32Array[] = [];
      const attention = new Set<number>();
      using _ = await model.run(batch, {
        visitor: {
          wantsHidden: (depth) => depths.includes(depth),
          hidden: ({ hidden }) => void states.push(hidden.peek()!.slice()),
          wantsAttention: (layer) => layer === 3,
          attention: ({ layer }) => void attention.add(layer),
        },
      });
      deepEqual([...attention], [3]);
      return states;
    };
    for (const depths of [[0, 2], [1, 2, 4], [3]]) {
      const [found, expected] = [await statesOf(packed, depths), await statesOf(plain, depths)];
      equal(found.length, depths.length);
      found.forEach((state, i) => allClose(state, expected[i], ROUNDED, `depth ${depths[i]}`));
      // Depth 1 lies inside the first segment, so that its blocks run, with their bytes.
      if (depths.includes(1)) deepEqual(found, expected);
    }
    // A state that replaces one is what the next segment reads.
    const zeroed = async (model: Esm2) => {
      using result = await model.run(batch, {
        head: true,
        visitor: {
          wantsHidden: (depth) => depth === 2,
          hidden({ hidden, replace }) {
            const values = hidden.peek()!.map((value) => value / 2);
            replace(model.backend.upload("half", hidden.shape, values));
          },
        },
      });
      return await result.logits!.read();
    };
    allClose(await zeroed(packed), await zeroed(plain), ROUNDED, "replaced");
  }));

Deno.test("a last block that ends with its attention shows the same attention", () =>
  withModels({}, async (_, plain) => {
    for (const batch of Object.values(BATCHES)) {
      const seen = async (attentionLast: boolean) => {
        const patterns: Float32Array[] = [];
        using result = await plain.run(batch, {
          until: 3,
          attentionLast,
          head: true,
          visitor: { attention: ({ pattern }) => void patterns.push(pattern.peek()!.slice()) },
        });
        equal(result.depth, attentionLast ? 2 : 3);
        equal(result.logits, undefined);
        return patterns;
      };
      deepEqual(await seen(true), await seen(false));
    }
  }));

Deno.test("weights that a file holds as they are give the bytes of weights that are read", async () => {
  const folder = await Deno.makeTempDir();
  await using _ = { [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
  await writeRandomCheckpoint(folder, CONFIG);
  using stored = await openCheckpoint(folder);
  ok(stored.locate?.("layers.0.fc1.weight"));
  await using backend = await openCpu({ threads: 1 });
  await using mapped = await Esm2.open(stored, backend, { prepack: {} });
  await using inside = await Esm2.open({ ...stored, locate: undefined }, backend, { prepack: {} });
  deepEqual(await read(mapped, BATCHES.padded), await read(inside, BATCHES.padded));
});

Deno.test("few tokens, --low-memory and other backends open no segments", async () => {
  await using backend = await openCpu({ threads: 1 });
  await using plain = await Esm2.open(checkpoint, backend);
  const expected = await read(plain, BATCHES.one);
  const few = { prepack: { tokens: WORTH_PREPACKING - 1 } };
  for (const options of [few, { prepack: {}, lowMemory: true }]) {
    await using model = await Esm2.open(checkpoint, backend, options);
    deepEqual(await read(model, BATCHES.one), expected);
  }
});

Deno.test("segments end where the stream is looked at, and at so many blocks", () => {
  const cut = (...args: Parameters<typeof cutSegments>) =>
    cutSegments(...args).map(({ begin, end, head }) => `${begin}-${end}${head ? " head" : ""}`);
  deepEqual(cut(6, 100, {}), ["0-6 head"]);
  deepEqual(cut(6, 100, { head: false }), []);
  deepEqual(cut(6, 100, { depths: [0, 4, 2], head: false }), ["0-2", "2-4"]);
  deepEqual(cut(6, 100, { depths: [3] }), ["0-3", "3-6 head"]);
  deepEqual(cut(6, 2, { depths: [3] }), ["0-1", "1-3", "3-4", "4-6 head"]);
  deepEqual(cut(6, 100, { depths: [6] }), ["0-6 head"]);
});
