/** What the cpu backend should use, measured: threads and spinning, padding, batches of short ones. */
import type { Backend } from "../backend/mod.ts";
import { openCpu } from "../backend/cpu.ts";
import { PAD } from "../esm2/alphabet.ts";
import { Esm2, type PlannedBatch } from "../esm2/mod.ts";
import { openTunedCpu } from "./backends.ts";
import { BusyCore } from "./busy.ts";
import { interleave, type Variant } from "./interleave.ts";
import { enginePass } from "./passes.ts";
import { randomCheckpoint, type ShapeName, SHAPES } from "./random_checkpoint.ts";
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

/** Answers every question with the machine as it is, and threads also with one core busy. */
export async function settingRows(options: SettingOptions): Promise<SettingRow[]> {
  const rows: SettingRow[] = [];
  const add = async (question: string, busy: boolean, variants: readonly Variant[]) => {
    const { signal, budgetMs } = options;
    const ms = await interleave(variants, { budgetMs, warmup: 2, least: 5, most: 60, signal });
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

/** The engine with every setting, and the whole graph with onnxruntime's own defaults. */
async function threadVariants(shape: ShapeName, tokens: number): Promise<Owned> {
  const owned = new AsyncDisposableStack();
  const batch = randomBatch(tokens - 2, 1), variants: Variant[] = [];
  const cores = navigator.hardwareConcurrency;
  for (const threads of new Set([1, Math.ceil(cores / 2), cores])) {
    for (const spinning of threads === 1 ? [false] : [false, true]) {
      const name = `${threads} thread${threads === 1 ? "" : "s"}${spinning ? ", spinning" : ""}`;
      const backend = owned.use(
        await openTunedCpu(name, {
          intraOpNumThreads: threads,
          interOpNumThreads: 1,
          enableMemPattern: false,
          extra: { session: { intra_op: { allow_spinning: spinning ? "1" : "0" } } },
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
