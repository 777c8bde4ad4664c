/** What the cpu backend should use, measured: threads and spinning, padding, batches of short ones. */
import type { Backend } from "../backend/mod.ts";
import { openCpu } from "../backend/cpu.ts";
import { PAD } from "../esm2/alphabet.ts";
import { Esm2, type PlannedBatch } from "../esm2/mod.ts";
import { openTunedCpu } from "./backends.ts";
import { BusyCore } from "./busy.ts";
import { interleave, type Variant } from "./interleave.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, type ShapeName, SHAPES } from "../checkpoint/random.ts";
import { randomBatch } from "./sequences.ts";
import { pairedRatio, spreadOf } from "./statistics.ts";
import type { SettingRow } from "./types.ts";
import { WholeModel } from "./whole_model.ts";

export interface SettingOptions {
  shape: ShapeName;
  /** Time for each question. */
  budgetMs: number;
  signal?: AbortSignal;
  onQuestion?(question: string): void;
}

/** Spinning threads of one setting would slow down the next. */
const PAUSE_MS = 30;

/** Answers every question with the machine as it is, and threads also with one core busy. */
export async function settingRows(options: SettingOptions): Promise<SettingRow[]> {
  const rows: SettingRow[] = [];
  const add = async (question: string, busy: boolean, variants: readonly Variant[]) => {
    const { signal, budgetMs } = options;
    const limits = { budgetMs, warmup: 2, least: 5, most: 60, pauseMs: PAUSE_MS };
    const ms = await interleave(variants, { ...limits, signal });
    const first = ms[variants[0].name];
    for (const [setting, times] of Object.entries(ms)) {
      rows.push({ question, setting, busy, ms: spreadOf(times), ratio: pairedRatio(times, first) });
    }
    options.onQuestion?.(question);
  };
  for (const tokens of [66, 414]) {
    await using threads = await threadVariants(options.shape, tokens);
    await add(`threads, T = ${tokens}`, false, threads.variants);
    await using _busy = await BusyCore.start();
    await add(`threads, T = ${tokens}`, true, threads.variants);
  }
  for (const threads of new Set([1, navigator.hardwareConcurrency])) {
    for (const [residues, size] of [[412, 1], [256, 8], [1022, 1]]) {
      await using groups = await groupVariants(options.shape, threads, residues, size);
      const question = `attention at a time, ${size} × ${residues} residues, threads: ${threads}`;
      await add(question, false, groups.variants);
    }
  }
  await using prepacking = await prepackingVariants(options.shape);
  await add("whole graph's weights prepacked, T = 66", false, prepacking.variants);
  await using backend = await openCpu();
  await using engine = await open(options.shape, backend);
  await add("padding, T = 409", false, paddingVariants(engine, 409));
  await add("padding, T = 1001", false, paddingVariants(engine, 1001));
  await add("time per sequence, T = 66", false, batchVariants(engine));
  return rows;
}

async function open(shape: ShapeName, backend: Backend): Promise<Esm2> {
  return await Esm2.open(randomCheckpoint(shape, SHAPES[shape]), backend);
}

interface Owned extends AsyncDisposable {
  variants: Variant[];
}

/** How long threads that wait for work stay awake. */
const SPINNING = [
  ["", { allow_spinning: "0" }],
  [", spinning for 200 µs", { allow_spinning: "1", spin_duration_us: "200" }],
  [", spinning", { allow_spinning: "1" }],
] as const;

/** The engine with every setting, and the whole graph with onnxruntime's own defaults. */
async function threadVariants(shape: ShapeName, tokens: number): Promise<Owned> {
  const owned = new AsyncDisposableStack();
  const batch = randomBatch(tokens - 2, 1), variants: Variant[] = [];
  const cores = navigator.hardwareConcurrency;
  for (const threads of new Set([1, Math.ceil(cores / 2), cores])) {
    for (const [spinning, intra_op] of threads === 1 ? SPINNING.slice(0, 1) : SPINNING) {
      const name = `${threads} thread${threads === 1 ? "" : "s"}${spinning}`;
      const backend = owned.use(
        await openTunedCpu(name, {
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          enableMemPattern: false,
          extra: { session: { intra_op } },
        }),
      );
      const engine = owned.use(await open(shape, backend));
      variants.push({ name, run: async () => void await enginePass(engine, batch, "none") });
    }
  }
  const plain = owned.use(await openTunedCpu("defaults", {}));
  const whole = owned.use(
    await WholeModel.open(randomCheckpoint(shape, SHAPES[shape]), plain, 1, false),
  );
  variants.push({
    name: "whole graph, default session options",
    run: async () => void await whole.run(batch),
  });
  return { variants, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** How much attention a graph computes at a time, in the order of the last-level cache. */
async function groupVariants(
  shape: ShapeName,
  threads: number,
  residues: number,
  size: number,
): Promise<Owned> {
  const owned = new AsyncDisposableStack();
  const batch = randomBatch(residues, size), variants: Variant[] = [];
  for (const mebibytes of [4, 8, 16, 32]) {
    const backend = owned.use(await openCpu({ threads }));
    backend.tensorLimit.fastAttentionBytes = mebibytes * 2 ** 20;
    const engine = owned.use(await open(shape, backend));
    variants.push({
      name: `${mebibytes} MiB`,
      run: async () => void await enginePass(engine, batch, "none"),
    });
  }
  return { variants, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** What weights as constants of a graph gain over weights as its inputs. */
async function prepackingVariants(shape: ShapeName): Promise<Owned> {
  const owned = new AsyncDisposableStack();
  const batch = randomBatch(64, 1), variants: Variant[] = [];
  for (const name of ["prepacked", "as they are"]) {
    const disable_prepacking = name === "prepacked" ? "0" : "1";
    const backend = owned.use(
      await openTunedCpu(name, {
        enableMemPattern: false,
        intraOpNumThreads: 1,
        extra: { session: { disable_prepacking } },
      }),
    );
    const checkpoint = randomCheckpoint(shape, SHAPES[shape]);
    const whole = owned.use(await WholeModel.open(checkpoint, backend, 1, false));
    variants.push({ name, run: async () => void await whole.run(batch) });
  }
  return { variants, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** One sequence of `tokens`, as it is and padded to multiples. */
function paddingVariants(engine: Esm2, tokens: number): Variant[] {
  const batch = randomBatch(tokens - 2, 1);
  return [1, 8, 16, 64].map((multiple) => {
    const padded = padTo(batch, Math.ceil(tokens / multiple) * multiple);
    const name = multiple === 1 ? "as it is" : `to a multiple of ${multiple}: ${padded.width}`;
    return { name, run: async () => void await enginePass(engine, padded, "none") };
  });
}

function padTo(batch: PlannedBatch, width: number): PlannedBatch {
  const ids = new Int32Array(width).fill(PAD);
  ids.set(batch.ids);
  return { ...batch, ids, width };
}

/** The same 32 short sequences in batches of different sizes; the time is that of all 32. */
function batchVariants(engine: Esm2): Variant[] {
  return [1, 8, 32].map((size) => {
    const batch = randomBatch(64, size);
    return {
      name: `32 sequences in batches of ${size}`,
      async run() {
        for (let done = 0; done < 32; done += size) await enginePass(engine, batch, "none");
      },
    };
  });
}
