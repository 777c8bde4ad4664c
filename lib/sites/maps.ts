import { type AttentionPiece, type Esm2, padBatch } from "../esm2/mod.ts";
import type { HeadMap } from "./types.ts";

/** Layer and head, both from 0. */
export interface HeadName {
  layer: number;
  head: number;
}

/**
 * Attention maps of chosen heads among residues, in the order asked for.
 *
 * @param row token ids of the protein
 */
export async function collectMaps(
  model: Esm2,
  row: Int32Array,
  heads: readonly HeadName[],
  signal?: AbortSignal,
): Promise<HeadMap[]> {
  const maps = await collectHeads(
    model,
    row,
    heads,
    (piece, data, head) => residueAttention(piece, data, 0, head),
    signal,
  );
  return heads.map((name, i) => ({ layer: name.layer, head: name.head, attention: maps[i] }));
}

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
  { begin, end, batch: { width } }: AttentionPiece,
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
