/**
 * Models whose linear maps compute in 8-bit integers or from weights in half precision: what stays, what changes,
 * and what is refused.
 */
import { ephb2 } from "../data/ephb2.ts";
import { openCpu } from "../lib/backend/cpu.ts";
import { Replay } from "../lib/backend/replay/replay.ts";
import type { Backend } from "../lib/backend/types.ts";
import { openWasm } from "../lib/backend/wasm.ts";
import { openWebGpu, type WebGpuOptions } from "../lib/backend/webgpu.ts";
import { type Checkpoint, openCheckpoint } from "../lib/checkpoint/mod.ts";
import { execute } from "../lib/cli/main.ts";
import {
  Esm2,
  type ModelOptions,
  padBatch,
  type Precision,
  tokenize,
  type Visitor,
} from "../lib/esm2/mod.ts";
import { openModel } from "../lib/hub/open_model.ts";
import { parseTable } from "../lib/io/csv.ts";
import { spearman } from "../lib/stats/correlation.ts";
import { sorted } from "../lib/stats/sorted.ts";
import { loadAll } from "../tasks/commands.ts";
import { command as embed } from "../tasks/embed.ts";
import { command as score } from "../tasks/score.ts";
import { allClose, deepEqual, equal, match, maxAbsDiff, ok, rejects } from "./assert.ts";
import { tinyPath } from "./fixtures.ts";
import { gpuSkipped, runsGpuTests } from "./gpu.ts";

const batch = padBatch([tokenize(ephb2)]);

async function withModel(
  precision: Precision,
  look: (esm: Esm2) => Promise<void>,
  options: ModelOptions = {},
): Promise<void> {
  await using backend = await openCpu({ threads: 1 });
  using model = await openModel(undefined);
  await using esm = await Esm2.open(model.checkpoint, backend, { precision, ...options });
  await look(esm);
}

async function hiddenOf(esm: Esm2, sequences: readonly string[]): Promise<Float32Array> {
  const rows = sequences.map((residues) => tokenize({ id: "a protein", residues }));
  using result = await esm.run(padBatch(rows));
  return await result.hidden.read();
}

Deno.test("in 8-bit integers a state is another, and the same whether weights are kept or read", async () => {
  const states: Float32Array[] = [];
  await withModel("f32", async (esm) => void states.push(await hiddenOf(esm, [ephb2.residues])));
  for (const lowMemory of [false, true]) {
    await withModel(
      "int8",
      async (esm) => void states.push(await hiddenOf(esm, [ephb2.residues])),
      { lowMemory },
    );
  }
  const [exact, kept, read] = states, size = exact.reduce((most, x) => Math.max(most, x), 0);
  const difference = maxAbsDiff(kept, exact);
  ok(difference > 1e-4 && difference < 0.05 * size, `${difference} of ${size}`);
  deepEqual(read, kept);
});

Deno.test("in 8-bit integers blocks that hold their weights give what those give that are fed them", async () => {
  const proteins = [[ephb2.residues], [ephb2.residues, ephb2.residues.slice(9)]];
  const states: Float32Array[][] = [[], []];
  for (const [i, prepack] of [undefined, {}].entries()) {
    await withModel("int8", async (esm) => {
      for (const sequences of proteins) {
        const batch = padBatch(
          sequences.map((residues) => tokenize({ id: "a protein", residues })),
        );
        using result = await esm.run(batch, { head: true });
        states[i].push(await result.logits!.read());
      }
      // Of all blocks' weights none is fed.
      if (prepack) ok(esm.backend.liveBytes < 1e5, `${esm.backend.liveBytes}`);
    }, { prepack });
  }
  states[0].forEach((fed, i) => allClose(states[1][i], fed, { rtol: 1e-2, atol: 0.05 }));
});

Deno.test("in 8-bit integers a protein does not depend on what runs beside it", () =>
  withModel("int8", async (esm) => {
    const alone = await hiddenOf(esm, [ephb2.residues]);
    const beside = await hiddenOf(esm, [ephb2.residues, "W".repeat(ephb2.residues.length)]);
    // Attention is in single precision; what it rounds otherwise may cross a step of a byte now and then.
    allClose(beside.subarray(0, alone.length), alone, { rtol: 1e-2, atol: 0.05 });
  }));

Deno.test("in 8-bit integers nothing is replaced or differentiated, and weights are a quarter", async () => {
  let bytes = 0;
  await withModel("f32", (esm) => Promise.resolve(void (bytes = esm.backend.liveBytes)));
  await withModel("int8", async (esm) => {
    ok(esm.backend.liveBytes < 0.35 * bytes, `${esm.backend.liveBytes} of ${bytes}`);
    const refusal = /Cannot .+ as the precision must be f32: current value is int8/;
    const visitors = [
      { hidden: ({ hidden, replace }) => replace(hidden.keep()) },
      {
        wantsPart: (name) => name === "mlp",
        part: ({ tensor, replace }) => replace(tensor.keep()),
      },
    ] satisfies Visitor[];
    for (const visitor of visitors) await rejects(() => esm.run(batch, { visitor }), refusal);
    const rows = [1], cotangent = () => Promise.resolve(new Float32Array());
    await rejects(
      // deno-lint-ignore require-await -- throws by rejecting
      async () => esm.gradient(batch, { rows, wrt: 0, cotangent } as never),
      refusal,
    );
  });
});

Deno.test("8-bit integers are refused on other backends", async () => {
  await using backend = await openWasm();
  using model = await openModel(undefined);
  await rejects(
    () => Esm2.open(model.checkpoint, backend, { precision: "int8" }),
    /Cannot compute in int8 as the backend must be cpu: current value is wasm/,
  );
});

function halfTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `in half precision ${name}${gpuSkipped}`,
    ignore: !runsGpuTests,
    // onnxruntime keeps its timers for the life of the process.
    sanitizeResources: false,
    sanitizeOps: false,
    fn,
  });
}

/** Logits of two runs of a model on a backend of its own, and what was given again of the second. */
async function logitsOf(
  checkpoint: Checkpoint,
  precision: Precision,
  options: WebGpuOptions = {},
  more: ModelOptions = {},
) {
  await using backend = await openWebGpu(options);
  await using esm = await Esm2.open(checkpoint, backend, { precision, ...more });
  const { run } = Replay.prototype, dispatches: number[] = [], logits: Float32Array[] = [];
  const bytes = backend.liveBytes;
  for (let round = 0; round < 2; round++) {
    if (round === 1) {
      Replay.prototype.run = function (args) {
        dispatches.push(this.recording.steps.length);
        return run.call(this, args);
      };
    }
    try {
      using result = await esm.run(batch, { head: true });
      logits.push(await result.logits!.read());
    } finally {
      Replay.prototype.run = run;
    }
  }
  return { logits, dispatches, bytes };
}

/** The same checkpoint with its matrices rounded to half precision. */
const rounded = (checkpoint: Checkpoint): Checkpoint =>
  new Proxy(checkpoint, {
    get(target, key) {
      if (key !== "read") return Reflect.get(target, key, target);
      return async (name: string, into?: Float32Array) => {
        const data = await target.read(name as "lm_head.weight", into);
        return /proj\.weight|fc[12]\.weight/.test(name) ? data.map(Math.f16round) : data;
      };
    },
  });

halfTest(
  "a model is that of the rounded weights, by our own products and by onnxruntime's",
  async () => {
    using checkpoint = await openCheckpoint(tinyPath);
    const exact = await logitsOf(checkpoint, "f32");
    const expected = await logitsOf(rounded(checkpoint), "f32");
    ok(maxAbsDiff(expected.logits[0], exact.logits[0]) > 1e-3, "rounding changes something");
    for (const ownProducts of [true, false]) {
      const found = await logitsOf(checkpoint, "f16", { ownProducts });
      for (const one of found.logits) {
        // Sums of up to 512 products in single precision, in another order.
        allClose(one, expected.logits[0], { atol: 1e-4 }, `own products: ${ownProducts}`);
      }
    }
    const plain = await logitsOf(checkpoint, "f16", { replay: false });
    allClose(plain.logits[0], expected.logits[0], { atol: 1e-4 });
  },
);

halfTest("products read weights as they are stored", async () => {
  using checkpoint = await openCheckpoint(tinyPath);
  const own = { ownProducts: true };
  const exact = await logitsOf(checkpoint, "f32", own),
    half = await logitsOf(checkpoint, "f16", own);
  // Nothing is widened.
  deepEqual(half.dispatches, exact.dispatches);
  ok(half.dispatches.length > 0);
  ok(half.bytes < 0.6 * exact.bytes, `${half.bytes} of ${exact.bytes}`);
  deepEqual(half.logits[1], half.logits[0], "whether a shape was seen before does not matter");
  const read = await logitsOf(checkpoint, "f16", own, { lowMemory: true });
  deepEqual(read.logits[0], half.logits[0], "nor whether weights are kept");
});

halfTest("nothing is replaced or differentiated, and no weight is infinite", async () => {
  await using backend = await openWebGpu();
  using checkpoint = await openCheckpoint(tinyPath);
  await using esm = await Esm2.open(checkpoint, backend, { precision: "f16" });
  const refusal = /Cannot .+ as the precision must be f32: current value is f16/;
  const visitor: Visitor = { hidden: ({ hidden, replace }) => replace(hidden.keep()) };
  await rejects(() => esm.run(batch, { visitor }), refusal);
  const rows = [1], cotangent = () => Promise.resolve(new Float32Array());
  await rejects(
    // deno-lint-ignore require-await -- throws by rejecting
    async () => esm.gradient(batch, { rows, wrt: 0, cotangent } as never),
    refusal,
  );
  const large: Checkpoint = new Proxy(checkpoint, {
    get(target, key) {
      if (key !== "read") return Reflect.get(target, key, target);
      return async (name: "lm_head.weight") => {
        const data = await target.read(name);
        if (name.includes("1.fc1.weight")) data[5] = 70000;
        return data;
      };
    },
  });
  const live = backend.liveBytes;
  await rejects(
    () => Esm2.open(large, backend, { precision: "f16" }),
    /Cannot compute in f16 as weights must be below 65520 in it: layers\.1\.fc1\.weight has 70000/,
  );
  equal(backend.liveBytes, live);
});

Deno.test("half precision is refused on other backends, and on adapters without", async () => {
  await using backend = await openWasm();
  using model = await openModel(undefined);
  await rejects(
    () => Esm2.open(model.checkpoint, backend, { precision: "f16" }),
    /Cannot compute in f16 as the backend must be webgpu: current value is wasm/,
  );
  const without = { name: "webgpu", gpu: { hasHalf: false } } as Backend;
  await rejects(
    () => Esm2.open(model.checkpoint, without, { precision: "f16" }),
    /Cannot compute in f16 as the adapter must have shader-f16: it has not; leave --precision out/,
  );
});

halfTest("a command shows and records what changes", async () => {
  const args = ["--backend", "webgpu", "--precision", "f16", "--no-report", "--out", "out"];
  const { code, err } = await runIn(embed, args, async (dir) => {
    const { precision } = JSON.parse(await Deno.readTextFile(`${dir}/out/run.json`));
    equal(precision.precision, "f16");
    equal(precision.panel.length, 4);
    const { logProbability, attention, contact } = precision.largest;
    for (const value of [logProbability, attention, contact]) ok(value >= 0 && value < 0.05);
  });
  equal(code, 0, err);
  match(err, /In f16 the largest differences to f32 on 4 proteins are [\d.e-]+ of log-prob/);
});

/** Runs a command in a folder of its own; gives its exit code, what it said, and what the folder holds. */
async function runIn(
  command: Parameters<typeof execute>[0],
  args: string[],
  look: (dir: string) => Promise<void> = () => Promise.resolve(),
): Promise<{ code: number; err: string; files: string[] }> {
  const dir = await Deno.makeTempDir(), before = Deno.cwd(), err: string[] = [];
  try {
    Deno.chdir(dir);
    const output = { out: () => {}, err: (line: string) => void err.push(line) };
    const code = await execute(command, args, { output });
    await look(dir);
    return { code, err: err.join("\n"), files: [...Deno.readDirSync(dir)].map(({ name }) => name) };
  } finally {
    Deno.chdir(before);
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("score --precision int8 ranks mutations as f32 does, and records what it changes", async () => {
  const found: number[][] = [];
  for (const more of [[], ["--precision", "int8"]]) {
    const args = ["--backend", "cpu", "--no-report", "--out", "out", ...more];
    const { code, err } = await runIn(score, args, async (dir) => {
      const path = `${dir}/out/scores.csv`,
        { rows } = parseTable(await Deno.readTextFile(path), path);
      found.push(rows.map(({ fields }) => Number(fields.esm2_t6_1M_PF20)));
      const { precision } = JSON.parse(await Deno.readTextFile(`${dir}/out/run.json`));
      if (more.length === 0) return equal(precision, undefined);
      equal(precision.precision, "int8");
      deepEqual(precision.panel, ["EPHB2_HUMAN", "UBIQUITIN_HUMAN", "GB1", "LYSC_CHICK"]);
      const { logProbability, attention, contact } = precision.largest;
      for (const value of [logProbability, attention, contact]) ok(value > 0 && value < 0.5);
    });
    equal(code, 0, err);
    const said = /In int8 the largest differences to f32 on 4 proteins are [\d.]+ of log-prob/;
    equal(said.test(err), more.length > 0);
  }
  const [exact, rounded] = found.map(sorted);
  ok(exact.values.length > 1000);
  const rho = spearman(exact, rounded);
  ok(rho > 0.999 && rho < 1, `${rho}`);
});

/** Commands that replace states, differentiate or train, with what they cannot do without. */
const REFUSING: Readonly<Record<string, string[]>> = {
  "sae patch": [],
  "sae ig": [],
  "sae circuit": [],
  "sae steer": ["--set", "1=2"],
  "sae train": ["--fasta", "a.fasta", "--validation", "0"],
  "lens train": ["--fasta", "a.fasta", "--validation", "0"],
  "contacts fit": ["--table", "a.csv", "--folds", "2"],
  "finetune": ["--table", "a.csv"],
  "mlm": ["--tokens", "100", "--fasta", "a.fasta"],
};

const all = new Map((await loadAll()).map(({ path, command }) => [path, command]));

for (const [name, args] of Object.entries(REFUSING)) {
  for (const precision of ["int8", "f16"]) {
    Deno.test(`${name} refuses --precision ${precision} before it reads or writes anything`, async () => {
      const { code, err, files } = await runIn(all.get(name)!, [...args, "--precision", precision]);
      equal(code, 2, err);
      match(err, /^error: Cannot .+ as the precision must be f32: current value is /);
      equal(err.endsWith(` ${precision}`), true);
      deepEqual(files, []);
    });
  }
}
