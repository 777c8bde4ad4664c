/** Sums the attention that every token receives, block by block, wherever the attention lives. */
import { AttentionColumnMass, columnMass } from "../../kernels/attention_column_mass/mod.ts";
import { columnMassReduction } from "../../kernels/attention_column_mass/graph.ts";
import type {
  AttentionPiece,
  Esm2,
  HiddenState,
  PlannedBatch,
  ReducedPiece,
  Visitor,
} from "../esm2/mod.ts";
import type { GpuTensor } from "../gpu/mod.ts";

export interface CollectOptions {
  /** Entries at or below are not counted; 0 takes all. */
  threshold: number;
  /** Whether `<cls>` and `<eos>` are rows and columns like residues. */
  specials: boolean;
  /** Layers to analyse, ascending. */
  layers: readonly number[];
  /** Also sees each piece, before its attention is gone. */
  onAttention?(piece: AttentionPiece): Promise<void>;
  /** Hears of each layer done. */
  onLayer?(): void;
  /** Sees each state before a block, valid until it returns. */
  onState?(state: HiddenState): void;
}

/** Sums of one protein's heads, layer-major over the layers analysed. */
export interface CollectedSums {
  /** f32[G, L], L residues (or tokens, with specials). */
  mass: Float32Array;
  /** u32[G, L] */
  count: Uint32Array;
}

/** Rows, and columns kept, of a sequence of `length` tokens: all, or without `<cls>` and `<eos>`. */
function tokenRange(length: number, specials: boolean): [begin: number, end: number] {
  return specials ? [0, length] : [1, length - 1];
}

/** The attention of one batch on its way to sums. */
export interface AttentionSums extends AsyncDisposable {
  /** Is shown the run. */
  readonly visitor: Pick<Visitor, "attention" | "wantsAttention" | "reduction">;
  /** Blocks that must run. */
  readonly depth: number;
  /** The sums of each member, when the batch has run. */
  finish(): Promise<CollectedSums[]>;
}

/** Runs a batch once and gives each member's sums. */
export async function collectSums(
  model: Esm2,
  batch: PlannedBatch,
  options: CollectOptions & { signal?: AbortSignal },
): Promise<CollectedSums[]> {
  await using sums = await sumAttention(model, batch, options);
  const { visitor, depth: until } = sums;
  using _ = await model.run(batch, {
    until,
    attentionLast: true,
    signal: options.signal,
    visitor: options.onState ? { ...visitor, hidden: (state) => options.onState!(state) } : visitor,
  });
  return await sums.finish();
}

/** What goes along with a run of a batch that somebody else makes. */
export async function sumAttention(
  model: Esm2,
  batch: PlannedBatch,
  options: CollectOptions,
): Promise<AttentionSums> {
  const { layers, specials, threshold } = options;
  const { heads } = model.config;
  const ranges = batch.lengths.map((length) => tokenRange(length, specials));
  const sums = ranges.map(([begin, end]) => ({
    mass: new Float32Array(layers.length * heads * (end - begin)),
    count: new Uint32Array(layers.length * heads * (end - begin)),
  }));
  /** Spreads [B, h, T] sums of heads `first`… over the members' arrays. */
  const store = (layer: number, first: number, mass: Float32Array, count: Uint32Array) => {
    const rows = mass.length / (batch.size * batch.width);
    ranges.forEach(([begin, end], b) => {
      for (let h = 0; h < rows; h++) {
        const from = (b * rows + h) * batch.width;
        const to = (layers.indexOf(layer) * heads + first + h) * (end - begin);
        sums[b].mass.set(mass.subarray(from + begin, from + end), to);
        sums[b].count.set(count.subarray(from + begin, from + end), to);
      }
    });
  };
  const summer = model.backend.gpu
    ? await deviceSummer(model, ranges, threshold, store)
    : options.onAttention
    ? arraySummer(ranges, threshold, store)
    : graphSummer(ranges, batch, store);
  const wants = (layer: number) => layers.includes(layer);
  const done = (end: number) => end === heads && options.onLayer?.();
  return {
    depth: layers[layers.length - 1] + 1,
    visitor: summer.request
      ? {
        reduction: {
          ...columnMassReduction(batch, { threshold, rows: summer.request.rows }),
          wants,
          visit(sums) {
            summer.request!.visit(sums);
            done(sums.end);
          },
        },
      }
      : {
        wantsAttention: wants,
        async attention(piece) {
          await summer.add!(piece);
          await options.onAttention?.(piece);
          done(piece.end);
        },
      },
    async finish() {
      await summer.finish?.();
      return sums;
    },
    [Symbol.asyncDispose]: () => summer[Symbol.asyncDispose](),
  };
}

type Store = (layer: number, first: number, mass: Float32Array, count: Uint32Array) => void;

type Range = readonly [begin: number, end: number];

/** Sums attention that it is shown, or asks the model's graph for the sums. */
interface Summer extends AsyncDisposable {
  add?(piece: AttentionPiece): Promise<void>;
  request?: { rows: Float32Array; visit(sums: ReducedPiece): void };
  finish?(): Promise<void>;
}

const nothing = () => Promise.resolve();

/** On the CPU: within the block's graph, so that attention is never handed over. */
function graphSummer(
  ranges: readonly Range[],
  { size, width }: PlannedBatch,
  store: Store,
): Summer {
  const rows = new Float32Array(size * width);
  ranges.forEach(([begin, end], b) => rows.fill(1, b * width + begin, b * width + end));
  return {
    request: {
      rows,
      visit({ layer, begin, values: { mass, count } }) {
        store(layer, begin, mass.peek()!, Uint32Array.from(count.peek()!));
      },
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** On the CPU where the attention is handed over anyway. */
function arraySummer(ranges: readonly Range[], theta: number, store: Store): Summer {
  const rows = Uint32Array.from(ranges.flat());
  return {
    add({ layer, begin, end, pattern, batch }) {
      const shape = { batch: batch.size, heads: end - begin, tokens: batch.width };
      const { mass, count } = columnMass({ ...shape, data: pattern.peek()! }, rows, theta);
      store(layer, begin, mass, count);
      return nothing();
    },
    [Symbol.asyncDispose]: nothing,
  };
}

/** On the GPU; sums stay there until the end, because each read-back waits about 11 ms. */
async function deviceSummer(
  { backend }: Esm2,
  ranges: readonly Range[],
  theta: number,
  store: Store,
): Promise<Summer> {
  const gpu = backend.gpu!;
  const kernel = await AttentionColumnMass.create(gpu);
  const rows = gpu.upload("rows", [ranges.length, 2], Uint32Array.from(ranges.flat()));
  const kept: { layer: number; begin: number; mass: GpuTensor<"f32">; count: GpuTensor<"u32"> }[] =
    [];
  return {
    async add({ layer, begin, pattern }) {
      const input = pattern.gpu as GpuTensor<"f32">;
      const outputs = kernel.alloc(input);
      kept.push({ layer, begin, ...outputs });
      await gpu.submit(
        `column mass of layer ${layer}`,
        (encoder) => kernel.encode(encoder, input, rows, outputs, { theta }),
      );
    },
    async finish() {
      const arrays = await gpu.readAll(kept.flatMap(({ mass, count }) => [mass, count]));
      kept.forEach(({ layer, begin }, i) =>
        store(layer, begin, arrays[2 * i] as Float32Array, arrays[2 * i + 1] as Uint32Array)
      );
    },
    [Symbol.asyncDispose]() {
      for (const { mass, count } of kept) {
        mass[Symbol.dispose]();
        count[Symbol.dispose]();
      }
      rows[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
