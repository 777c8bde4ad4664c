/** Forward passes of the engine against the whole graph, in turn. */
import type { Backend } from "../backend/mod.ts";
import { Esm2 } from "../esm2/mod.ts";
import { plainBackend } from "./backends.ts";
import { interleave, type Variant } from "./interleave.ts";
import { enginePass, relativeDifference } from "./passes.ts";
import { Products } from "./products.ts";
import { randomCheckpoint, type ShapeName, SHAPES } from "../checkpoint/random.ts";
import { randomBatch } from "./sequences.ts";
import { median, pairedRatio, spreadOf } from "./statistics.ts";
import type { AttentionUse, ModelRow } from "./types.ts";
import { fitsOneGraph, WholeModel } from "./whole_model.ts";

export interface ModelCase {
  shape: ShapeName;
  residues: number;
  batch: number;
}

export interface ModelRowOptions {
  backend: Backend;
  /** CPU threads that `backend` uses, for the rows. */
  threads?: number;
  cases: readonly ModelCase[];
  /** Time for each case. */
  budgetMs: number;
  signal?: AbortSignal;
  /** A case is measured: its rows, before the next begins. */
  onRows?(rows: readonly ModelRow[], done: ModelCase): void;
}

/** All attention of a pass as outputs at once: beyond this the yardstick would measure memory. */
const LARGEST_ATTENTION = 2 ** 29;

const USES: readonly AttentionUse[] = ["none", "reduced", "all"];

/** Three rows per case, one for each use of attention. Each shape's weights are loaded once. */
export async function modelRows(options: ModelRowOptions): Promise<ModelRow[]> {
  const { backend, cases, signal, onRows } = options;
  const rows: ModelRow[] = [];
  await using owned = new AsyncDisposableStack();
  const plain = await plainBackend(backend, owned);
  for (const name of new Set(cases.map(({ shape }) => shape))) {
    signal?.throwIfAborted();
    using checkpoint = randomCheckpoint(name, SHAPES[name]);
    await using engine = await Esm2.open(checkpoint, backend, { prepack: {} });
    for (const one of cases.filter(({ shape }) => shape === name)) {
      signal?.throwIfAborted();
      const found = await rowsOf(engine, plain, one, options);
      rows.push(...found);
      onRows?.(found, one);
    }
  }
  return rows;
}

async function rowsOf(
  engine: Esm2,
  plain: Backend,
  { shape, residues, batch: size }: ModelCase,
  { backend, threads, budgetMs, signal }: ModelRowOptions,
): Promise<ModelRow[]> {
  const batch = randomBatch(residues, size), { layers, heads } = engine.config;
  await using owned = new AsyncDisposableStack();
  using checkpoint = randomCheckpoint(shape, SHAPES[shape]);
  const attentionBytes = 4 * layers * heads * size * batch.width ** 2;
  const wholes: Partial<Record<AttentionUse, WholeModel>> = {};
  if (fitsOneGraph(checkpoint)) {
    const open = async (all: boolean) =>
      owned.use(await WholeModel.open(checkpoint, plain, size, all));
    wholes.none = await open(false);
    if (attentionBytes <= LARGEST_ATTENTION) wholes.all = await open(true);
  }
  const products = owned.use(await Products.open(plain, engine.config, size * batch.width));
  const variants: Variant[] = [{ name: "products", run: () => products.run() }];
  for (const use of USES) {
    const whole = wholes[use];
    variants.push({
      name: `engine ${use}`,
      run: async () => void await enginePass(engine, batch, use),
    });
    if (whole) {
      variants.push({
        name: `whole ${use}`,
        run: async () => void await whole.run(batch),
      });
    }
    // A wrong result has no speed.
    if (whole) {
      const ours = await enginePass(engine, batch, use);
      const difference = relativeDifference(ours!, await whole.run(batch));
      if (!(difference < 1e-3)) {
        throw new Error(
          `Cannot time ${shape} on ${backend.name} as its logits must be the whole graph's: ` +
            `they differ by ${difference}`,
        );
      }
    }
  }
  const ms = await interleave(variants, { budgetMs, signal });
  return USES.map((use): ModelRow => {
    const engineMs = ms[`engine ${use}`];
    // The sums need what logits need, no more: their yardstick is the pass without attention.
    const wholeMs = ms[`whole ${use === "reduced" ? "none" : use}`];
    return {
      shape,
      backend: backend.name,
      ...(threads !== undefined && { threads }),
      residues,
      batch: size,
      attention: use,
      engineMs: spreadOf(engineMs),
      ...(wholeMs && { wholeMs: spreadOf(wholeMs), ratio: pairedRatio(engineMs, wholeMs) }),
      overProducts: pairedRatio(engineMs, ms.products),
      ...(use !== "none" && { overPlain: pairedRatio(engineMs, ms["engine none"]) }),
      tokensPerSecond: 1000 * size * batch.width / median(engineMs),
      msPerBlock: median(engineMs) / layers,
    };
  });
}
