/** How sequences' attention differs from that of the first of their batch, without reading it back. */
import type { Program, Tensor } from "../backend/types.ts";
import { type AttentionPiece, type Esm2, padBatch, type TokenBatch } from "../esm2/mod.ts";
import type { GpuTensor } from "../gpu/mod.ts";
import { Graph, type Value } from "../onnx/graph.ts";
import * as op from "../onnx/ops.ts";
import type { PatternReduction } from "../onnx/reduction.ts";

/** Differences of a batch of B sequences of one length: B − 1 sequences against the first. */
export interface AttentionChange {
  /** f32[B − 1, G, T]: Σ over the rows of the attention's change, heads layer-major. */
  readonly change: Float32Array;
  /** f32[B − 1, G, T]: Σ over the rows of its size. */
  readonly moved: Float32Array;
}

/**
 * Sums over rows of a − a₀ and of its size, a₀ being the attention of the batch's first sequence, so
 * that both are of one block at once.
 *
 * pattern f32[B, h, T, T]
 * rows    f32[1, 1, 1, T]      1 for rows that count, 0 for the others
 * change  f32[B − 1, h, 1, T]  Σ over the rows of a − a₀
 * moved   f32[B − 1, h, 1, T]  Σ over the rows of |a − a₀|
 */
function changeGraph(g: Graph, pattern: Value, rows: Value): { change: Value; moved: Value } {
  const first = op.slice(g, pattern, 0, 0, 1, "first");
  const others = op.slice(g, pattern, 0, 1, pattern.shape[0] as number, "others");
  return sumsOfChange(g, others, first, rows);
}

/** Sums over rows of a − a₀ and of its size. */
function sumsOfChange(g: Graph, after: Value, before: Value, rows: Value) {
  return g.scope("attention_change", () => {
    const difference = op.sub(g, after, before, "difference");
    return {
      change: op.matmul(g, rows, difference, "change"),
      moved: op.matmul(g, rows, op.abs(g, difference, "amount"), "moved"),
    };
  });
}

function changeReduction(size: number, rows: Float32Array): PatternReduction {
  const sums = {
    shape: (heads: number, tokens: number) => [size - 1, heads, 1, tokens],
    join: "heads" as const,
  };
  return {
    key: "change against the first",
    inputs: { rows: { shape: () => [1, 1, 1, "T"], values: () => rows } },
    outputs: { change: sums, moved: sums },
    build: (g, pattern, { rows }) => changeGraph(g, pattern, rows),
  };
}

/** Sums of heads `begin`… of a layer. */
type Store = (layer: number, begin: number, change: Float32Array, moved: Float32Array) => void;

/** Runs batches whose first sequence the others are compared with. Create one per model. */
export class AttentionChanges implements AsyncDisposable {
  /** On a GPU: what is made of attention, by the batch's size. */
  readonly #programs = new Map<number, Promise<Program>>();

  constructor(readonly model: Esm2) {}

  /**
   * Runs a batch of at least two sequences of one length.
   *
   * @param range rows of the attention that count
   * @param layers ascending
   */
  async run(
    batch: TokenBatch,
    [begin, end]: readonly [begin: number, end: number],
    layers: readonly number[],
    signal?: AbortSignal,
  ): Promise<AttentionChange> {
    const { size, width } = batch, { backend, config: { heads } } = this.model;
    const rows = new Float32Array(width).fill(1, begin, end), others = size - 1;
    const all = layers.length * heads;
    const change = new Float32Array(others * all * width), moved = change.slice();
    const store: Store = (layer, first, ...sums) => {
      const part = sums[0].length / others, at = (layers.indexOf(layer) * heads + first) * width;
      for (let s = 0; s < others; s++) {
        [change, moved].forEach((into, i) =>
          into.set(sums[i].subarray(s * part, (s + 1) * part), s * all * width + at)
        );
      }
    };
    const watch = backend.gpu
      ? this.#onDevice(batch, rows, layers, store)
      : this.#inGraph(batch, rows, layers, store);
    using _owned = watch.owned;
    using _ = await this.model.run(batch, {
      until: layers[layers.length - 1] + 1,
      attentionLast: true,
      signal,
      visitor: watch.visitor,
    });
    await watch.finish?.();
    return { change, moved };
  }

  /** On the CPU: within the block's graph, so that attention is never handed over. */
  #inGraph({ size }: TokenBatch, rows: Float32Array, layers: readonly number[], store: Store) {
    const reduction = {
      ...changeReduction(size, rows),
      wants: (layer: number) => layers.includes(layer),
      visit: ({ layer, begin, values }: {
        layer: number;
        begin: number;
        values: Readonly<Record<string, Tensor>>;
      }) => store(layer, begin, values.change.peek()!, values.moved.peek()!),
    };
    return { visitor: { reduction }, owned: new DisposableStack(), finish: undefined };
  }

  /** On a GPU from the attention there; a read-back waits about 11 ms, so all are at the end. */
  #onDevice({ size }: TokenBatch, rows: Float32Array, layers: readonly number[], store: Store) {
    const { backend } = this.model, owned = new DisposableStack();
    const rowsThere = owned.use(backend.upload("rows", [1, 1, 1, rows.length], rows));
    const kept: { layer: number; begin: number; change: Tensor; moved: Tensor }[] = [];
    return {
      owned,
      visitor: {
        wantsAttention: (layer: number) => layers.includes(layer),
        attention: async ({ layer, begin, end, pattern }: AttentionPiece) => {
          const program = await this.#program(size);
          const shape = [size - 1, end - begin, 1, rows.length];
          const { change, moved } = await program.run(
            { pattern, rows: rowsThere },
            { change: shape, moved: shape },
          );
          kept.push({ layer, begin, change: owned.use(change), moved: owned.use(moved) });
        },
      },
      finish: async () => {
        const tensors = kept.flatMap(({ change, moved }) => [change.gpu!, moved.gpu!]);
        const arrays = await backend.gpu!.readAll(tensors as GpuTensor<"f32">[]);
        kept.forEach(({ layer, begin }, i) =>
          store(layer, begin, arrays[2 * i] as Float32Array, arrays[2 * i + 1] as Float32Array)
        );
      },
    };
  }

  #program(size: number): Promise<Program> {
    const known = this.#programs.get(size);
    if (known) return known;
    const g = new Graph("attention_change");
    const pattern = g.input("pattern", "float32", [size, "H", "T", "T"]);
    const rows = g.input("rows", "float32", [1, 1, 1, "T"]);
    for (const [name, value] of Object.entries(changeGraph(g, pattern, rows))) {
      g.output(name, value);
    }
    const program = this.model.backend.compile(g);
    this.#programs.set(size, program);
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.values()) await (await program)[Symbol.asyncDispose]();
  }
}

/**
 * How the attention of one sequence differs between two models of one shape: B is 2, the first before, the
 * second after. Both run block by block, so that the attention of no more than one block is there at once.
 *
 * @param range rows of the attention that count
 * @param layers ascending
 */
export async function compareModels(
  [before, after]: readonly [before: Esm2, after: Esm2],
  row: Int32Array,
  [begin, end]: readonly [begin: number, end: number],
  layers: readonly number[],
  signal?: AbortSignal,
): Promise<AttentionChange> {
  const batch = padBatch([row]), { width } = batch, { backend, config: { heads } } = after;
  const all = layers.length * heads * width;
  const change = new Float32Array(all), moved = change.slice();
  const program = await after.compiled(pairGraph);
  using owned = new DisposableStack();
  const counted = new Float32Array(width).fill(1, begin, end);
  const rows = owned.use(backend.upload("rows", [1, 1, 1, width], counted));
  const states = new Map<Esm2, Tensor>();
  owned.defer(() => states.forEach((state) => state[Symbol.dispose]()));
  for (const model of [before, after]) states.set(model, await model.embed(batch));
  const block = async (
    model: Esm2,
    layer: number,
    see: (piece: AttentionPiece) => Promise<void>,
  ) => {
    const hidden = states.get(model)!, wanted = layers.includes(layer);
    using result = await model.run(batch, {
      from: { depth: layer, hidden },
      until: layer + 1,
      signal,
      ...(wanted && { visitor: { attention: see } }),
    });
    states.set(model, result.hidden.keep());
    hidden[Symbol.dispose]();
  };
  // A GPU's read-back waits about 11 ms, so all are at the end.
  const kept: { at: number; change: Tensor; moved: Tensor }[] = [];
  for (let layer = 0; layer <= layers[layers.length - 1]; layer++) {
    using patterns = new DisposableStack();
    const first = new Map<number, Tensor>();
    await block(before, layer, ({ begin, pattern }) => {
      first.set(begin, patterns.use(pattern.keep()));
      return Promise.resolve();
    });
    await block(after, layer, async ({ begin, end, pattern }) => {
      const shape = [1, end - begin, 1, width], before = first.get(begin)!;
      const found = await program.run({ pattern, before, rows }, { change: shape, moved: shape });
      const at = (layers.indexOf(layer) * heads + begin) * width;
      kept.push({ at, change: owned.use(found.change), moved: owned.use(found.moved) });
    });
  }
  await Promise.all(kept.map(async (sums) => {
    const [own, size] = await Promise.all([sums.change.read(), sums.moved.read()]);
    change.set(own, sums.at);
    moved.set(size, sums.at);
  }));
  return { change, moved };
}

function pairGraph(): Graph {
  const g = new Graph("attention_change_of_models");
  const pattern = g.input("pattern", "float32", [1, "H", "T", "T"]);
  const before = g.input("before", "float32", [1, "H", "T", "T"]);
  const rows = g.input("rows", "float32", [1, 1, 1, "T"]);
  for (const [name, value] of Object.entries(sumsOfChange(g, pattern, before, rows))) {
    g.output(name, value);
  }
  return g;
}
