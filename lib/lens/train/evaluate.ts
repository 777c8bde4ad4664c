/** How far each layer is from the last on sequences that a lens was not trained on. */
import { logSoftmax } from "../../stats/log_softmax.ts";
import { FIRST_LETTER, LETTERS, VOCABULARY } from "../../../kernels/token_log_probs/types.ts";
import type { Esm2 } from "../../esm2/mod.ts";
import { LensReader } from "../reader.ts";
import type { LensName } from "../types.ts";
import type { TunedLens } from "../tuned.ts";
import type { HiddenCrop } from "./states.ts";

/** Means over hidden residues at a lens and layer. */
export interface HeldOutFigure {
  readonly lens: LensName;
  readonly layer: number;
  /** KL(last ‖ lens) over all 33 tokens, which training minimises, nats. */
  readonly loss: number;
  /** The same among the 20 amino acids, as lens.csv has it. */
  readonly kl: number;
}

/** Figures of every layer, without and with the maps. */
export async function heldOutFigures(
  esm: Esm2,
  tuned: TunedLens,
  crops: readonly HiddenCrop[],
  { tokenBudget, signal }: { tokenBudget: number; signal?: AbortSignal },
): Promise<{ figures: HeldOutFigure[]; residues: number }> {
  using reader = new LensReader(esm, { tuned, tokenBudget, signal });
  const { layers } = esm.config, { places } = reader;
  const sums = places.map(() => ({ loss: 0, kl: 0 }));
  let residues = 0;
  const ids = crops.map((crop) => crop.ids);
  for (const batch of esm.planBatches(ids, tokenBudget)) {
    signal?.throwIfAborted();
    const rows = batch.members.flatMap((member, b) =>
      crops[member].tokens.map((token) => b * batch.width + token)
    );
    const logits = await reader.logits(batch, rows);
    const last = logits[places.findIndex(({ layer }) => layer === layers)];
    places.forEach((_, p) => {
      for (let r = 0; r < rows.length; r++) {
        const at = r * VOCABULARY, letter = at + FIRST_LETTER;
        sums[p].loss += divergence(last, logits[p], at, at + VOCABULARY);
        sums[p].kl += divergence(last, logits[p], letter, letter + LETTERS);
      }
    });
    residues += rows.length;
  }
  return {
    residues,
    figures: places.map((place, p) => ({
      ...place,
      loss: sums[p].loss / residues,
      kl: sums[p].kl / residues,
    })).filter(({ layer }) => layer < layers),
  };
}

/** KL of the softmaxes over a stretch of logits. */
function divergence(p: Float32Array, q: Float32Array, begin: number, end: number): number {
  const logP = logSoftmax(p.subarray(begin, end)), logQ = logSoftmax(q.subarray(begin, end));
  return logP.reduce((sum, x, i) => sum + Math.exp(x) * (x - logQ[i]), 0);
}
