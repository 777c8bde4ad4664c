/** Sums the attention that every token receives, block by block, wherever the attention lives. */
import { AttentionColumnMass, columnMass } from "../../kernels/attention_column_mass/mod.ts";
import type { AttentionPiece, Esm2, PlannedBatch, Visitor } from "../esm2/mod.ts";
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
  signal?: AbortSignal;
}

/** Sums of one protein's heads, layer-major over the layers analysed. */
export interface CollectedSums {
  /** f32[G, L], L residues (or tokens, with specials). */
  mass: Float32Array;
  /** u32[G, L] */
  count: Uint32Array;
}

/** Rows, and columns kept, of a sequence of `length` tokens: all, or without `<cls>` and `<eos>`. */
export function tokenRange(length: number, specials: boolean): [begin: number, end: number] {
  return specials ? [0, length] : [1, length - 1];
}

/** Runs a batch once and gives each member's sums. */
export async function collectSums(
  model: Esm2,
  batch: PlannedBatch,
  options: CollectOptions,
): Promise<CollectedSums[]> {
  const { layers, specials, threshold, signal } = options;
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
  const rows = Uint32Array.from(ranges.flat());
  await using sum = model.backend.gpu
    ? await deviceSummer(model, rows, threshold, store)
    : hostSummer(rows, threshold, store);
  const last = layers[layers.length - 1];
  const visitor: Visitor = {
    wantsAttention: (layer) => layers.includes(layer),
    async attention(piece) {
      await sum.add(piece);
      await options.onAttention?.(piece);
      if (piece.end === heads) options.onLayer?.();
    },
    hidden(state) {
      if (state.depth > last) state.stop();
    },
  };
  using _ = await model.run(batch, { visitor, signal });
  await sum.finish();
  return sums;
}

type Store = (layer: number, first: number, mass: Float32Array, count: Uint32Array) => void;

interface Summer extends AsyncDisposable {
  add(piece: AttentionPiece): Promise<void>;
  finish(): Promise<void>;
}

function hostSummer(rows: Uint32Array, theta: number, store: Store): Summer {
  return {
    add({ layer, begin, end, pattern, batch }) {
      const shape = { batch: batch.size, heads: end - begin, tokens: batch.width };
      const { mass, count } = columnMass({ ...shape, data: pattern.data! }, rows, theta);
      store(layer, begin, mass, count);
      return Promise.resolve();
    },
    finish: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** Sums stay on the device until the end, because each read-back waits about 11 ms. */
async function deviceSummer(
  { backend }: Esm2,
  rows: Uint32Array,
  theta: number,
  store: Store,
): Promise<Summer> {
  const gpu = backend.gpu!;
  const kernel = await AttentionColumnMass.create(gpu);
  const rowTensor = gpu.upload("rows", [rows.length / 2, 2], rows);
  const kept: { layer: number; begin: number; mass: GpuTensor<"f32">; count: GpuTensor<"u32"> }[] =
    [];
  return {
    async add({ layer, begin, pattern }) {
      const input = pattern.gpu as GpuTensor<"f32">;
      const outputs = kernel.alloc(input);
      kept.push({ layer, begin, ...outputs });
      await gpu.submit(
        `column mass of layer ${layer}`,
        (encoder) => kernel.encode(encoder, input, rowTensor, outputs, { theta }),
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
      rowTensor[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}
