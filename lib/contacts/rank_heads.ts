/** Which heads see the contacts: every head's own map against the truth. */
import { apcContacts } from "../../kernels/apc_contacts/mod.ts";
import { type Esm2, padBatch, tokenize } from "../esm2/mod.ts";
import { residueAttention } from "../sites/maps.ts";
import { headScore } from "./evaluate.ts";
import type { ContactInput, HeadScore } from "./types.ts";

/**
 * Every head's own map f32[L, L], APC(a + aᵀ) of its attention between residues, layer by layer; the model
 * runs once, and each head's attention is handed over.
 */
export async function visitHeadMaps(
  model: Esm2,
  { id, residues }: Pick<ContactInput, "id" | "residues">,
  visit: (map: Float32Array, layer: number, head: number) => void,
  { onLayer, signal }: { onLayer?: () => void; signal?: AbortSignal } = {},
): Promise<void> {
  const row = tokenize({ id, residues }, { maxLength: Infinity });
  const length = row.length - 2;
  using _ = await model.run(padBatch([row]), {
    attentionLast: true,
    signal,
    visitor: {
      async attention(piece) {
        const data = piece.pattern.peek() ?? await piece.pattern.read();
        for (let head = piece.begin; head < piece.end; head++) {
          const pattern = { batch: 1, heads: 1, tokens: length };
          const map = new Float32Array(length * length);
          const attention = residueAttention(piece, data, 0, head);
          apcContacts({ ...pattern, data: attention }, new Uint32Array([0, length]), [1], map);
          visit(map, piece.layer, head);
        }
        if (piece.end === model.config.heads) onLayer?.();
      },
    },
  });
}

/** Precision at L of each head's map, layer-major. */
export async function rankHeads(
  model: Esm2,
  protein: ContactInput,
  options: { onLayer?: () => void; signal?: AbortSignal } = {},
): Promise<HeadScore[]> {
  const scores: HeadScore[] = [];
  await visitHeadMaps(
    model,
    protein,
    (map, layer, head) => scores.push(headScore(map, protein.truth!, { layer, head })),
    options,
  );
  return scores;
}

/** Best long-range heads first; where there is no long range, by the next shorter one. */
export function bestHeads(scores: readonly HeadScore[]): HeadScore[] {
  const value = ({ precisionL }: HeadScore) => precisionL.findLast((x) => !Number.isNaN(x)) ?? -1;
  return [...scores].sort((a, b) => value(b) - value(a) || a.layer - b.layer || a.head - b.head);
}
