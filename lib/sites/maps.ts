import { type AttentionPiece, type Esm2, padBatch } from "../esm2/mod.ts";
import type { HeadMap } from "./types.ts";

/**
 * Attention maps of chosen heads among residues, in the order asked for. The model runs once more, up
 * to the last layer needed, because keeping every layer's attention would need the memory of all.
 *
 * @param row token ids of the protein
 */
export async function collectMaps(
  model: Esm2,
  row: Int32Array,
  heads: readonly { layer: number; head: number }[],
  signal?: AbortSignal,
): Promise<HeadMap[]> {
  if (heads.length === 0) return [];
  const last = Math.max(...heads.map(({ layer }) => layer));
  const maps = new Map<string, HeadMap>();
  using _ = await model.run(padBatch([row]), {
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
          const attention = residueAttention(piece, data, 0, head);
          maps.set(`${layer} ${head}`, { layer, head, attention });
        }
      },
      hidden(state) {
        if (state.depth > last) state.stop();
      },
    },
  });
  return heads.map(({ layer, head }) => maps.get(`${layer} ${head}`)!);
}

/** One head's attention of batch member `b` without `<cls>`, `<eos>` and `<pad>`: f32[L, L]. */
export function residueAttention(
  { begin, end, batch }: AttentionPiece,
  data: Float32Array,
  b: number,
  head: number,
): Float32Array {
  const { width, lengths } = batch;
  const residues = lengths[b] - 2;
  const base = (b * (end - begin) + head - begin) * width * width;
  const out = new Float32Array(residues * residues);
  for (let i = 0; i < residues; i++) {
    const from = base + (i + 1) * width + 1;
    out.set(data.subarray(from, from + residues), i * residues);
  }
  return out;
}
