import type { Tensor } from "../backend/types.ts";
import {
  type AttentionPiece,
  type Esm2,
  type HiddenState,
  padBatch,
  type TokenBatch,
} from "../esm2/mod.ts";
import { binOf, quantise } from "../report/quantise.ts";
import type { HeadMap } from "./types.ts";

/** Layer and head, both from 0. */
export interface HeadName {
  layer: number;
  head: number;
}

/** What states may be kept in whatever the model: those of 650M for 570 tokens. */
const LEAST_KEPT = 96 * 2 ** 20;

/** States of a batch that maps are made from may take this part of what the model itself takes. */
const KEPT_SHARE = 1 / 8;

/** How many bytes of states a model's maps may be made from. */
export const keptBytesOf = ({ backend }: Esm2): number =>
  Math.max(LEAST_KEPT, KEPT_SHARE * backend.liveBytes);

/** States before the blocks of a batch, kept as they go by, so that chosen heads need no second pass. */
export class KeptStates implements Disposable {
  readonly #states = new Map<number, Tensor>();

  private constructor(
    readonly model: Esm2,
    readonly batch: TokenBatch,
    readonly layers: readonly number[],
  ) {}

  /** For these blocks, if the model can make maps of states and these take at most `bytes`. */
  static for(
    model: Esm2,
    batch: TokenBatch,
    layers: readonly number[],
    bytes: number,
  ): KeptStates | undefined {
    const each = 4 * batch.size * batch.width * model.config.dModel;
    if (layers.length * each > bytes) return undefined;
    if (!layers.every((layer) => model.hasHeadAttention(layer))) return undefined;
    return new KeptStates(model, batch, layers);
  }

  /** Takes the state before a block. */
  keep({ depth, hidden }: HiddenState): void {
    if (this.layers.includes(depth)) this.#states.set(depth, hidden.keep());
  }

  /** Attention maps of chosen heads of a member among residues, in the order asked for. */
  async maps(member: number, heads: readonly HeadName[]): Promise<HeadMap[]> {
    using owned = new DisposableStack();
    const patterns: Tensor[] = [];
    for (const { layer, head } of heads) {
      const hidden = this.#states.get(layer)!, one = { layer, head, member };
      patterns.push(owned.use(await this.model.headAttention(this.batch, hidden, one)));
    }
    const width = this.batch.lengths[member];
    // A GPU's read-back waits about 11 ms, so all are at the end.
    const all = await Promise.all(patterns.map((pattern) => pattern.peek() ?? pattern.read()));
    // Without <cls> and <eos>, where the attention lies: copies of it cost more than the map.
    return heads.map((name, i) => headMap(name, all[i].subarray(width + 1), width - 2, width));
  }

  [Symbol.dispose](): void {
    this.#states.forEach((state) => state[Symbol.dispose]());
    this.#states.clear();
  }
}

/**
 * The same by a second run.
 *
 * @param row token ids of the protein
 */
export const collectMaps = (
  model: Esm2,
  row: Int32Array,
  heads: readonly HeadName[],
  signal?: AbortSignal,
): Promise<HeadMap[]> =>
  collectHeads(
    model,
    row,
    heads,
    ({ layer, begin, batch: { width, lengths } }, data, head) =>
      headMap(
        { layer, head },
        data.subarray((head - begin) * width * width + width + 1),
        lengths[0] - 2,
        width,
      ),
    signal,
  );

/**
 * A map as it is drawn.
 *
 * @param attention f32[length, length] among residues, or with rows that are `stride` apart
 */
export function headMap(
  { layer, head }: HeadName,
  attention: Float32Array,
  length: number,
  stride = length,
): HeadMap {
  const bin = binOf(length), received = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    const at = i * stride;
    for (let j = 0; j < length; j++) received[j] += attention[at + j];
  }
  return { layer, head, bin, ...quantise(attention, length, bin, stride), received };
}

/** Which heads of which batch some attention is of. */
type PieceExtents = Pick<AttentionPiece, "begin" | "end"> & { batch: Pick<TokenBatch, "width"> };

/**
 * What `take` makes of the attention of each chosen head, in the order asked for. The model runs once
 * more, up to the last layer needed, because keeping every layer's attention would need the memory of
 * all.
 */
export async function collectHeads<T>(
  model: Esm2,
  row: Int32Array,
  heads: readonly HeadName[],
  take: (piece: AttentionPiece, data: Float32Array, head: number) => T,
  signal?: AbortSignal,
): Promise<T[]> {
  if (heads.length === 0) return [];
  const last = Math.max(...heads.map(({ layer }) => layer));
  const taken = new Map<string, T>();
  using _ = await model.run(padBatch([row]), {
    until: last + 1,
    attentionLast: true,
    signal,
    visitor: {
      wantsAttention: (layer) => heads.some((h) => h.layer === layer),
      async attention(piece) {
        const wanted = heads.filter(({ layer, head }) =>
          layer === piece.layer && head >= piece.begin && head < piece.end
        );
        if (wanted.length === 0) return;
        const data = piece.pattern.peek() ?? await piece.pattern.read();
        for (const { layer, head } of wanted) {
          taken.set(`${layer} ${head}`, take(piece, data, head));
        }
      },
    },
  });
  return heads.map(({ layer, head }) => taken.get(`${layer} ${head}`)!);
}

/** One head's attention of batch member `b` without `<cls>`, `<eos>` and `<pad>`: f32[L, L]. */
export function residueAttention(
  piece: AttentionPiece,
  data: Float32Array,
  b: number,
  head: number,
): Float32Array {
  return attentionOf(piece, data, b, head, 1, piece.batch.lengths[b] - 1);
}

/** One head's attention of batch member `b` among tokens `from` to `to` (exclusive), row = query. */
export function attentionOf(
  { begin, end, batch: { width } }: PieceExtents,
  data: Float32Array,
  b: number,
  head: number,
  from: number,
  to: number,
): Float32Array {
  const size = to - from, base = (b * (end - begin) + head - begin) * width * width;
  const out = new Float32Array(size * size);
  for (let i = 0; i < size; i++) {
    const at = base + (from + i) * width + from;
    out.set(data.subarray(at, at + size), i * size);
  }
  return out;
}
