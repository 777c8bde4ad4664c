/** What a contact head learns from: for each pair of residues, the corrected attention of every head. */
import type { Esm2 } from "../../esm2/mod.ts";
import { visitHeadMaps } from "../rank_heads.ts";
import type { ContactInput, Truth } from "../types.ts";

/** Pairs of one protein, and the heads' values at them. */
export interface PairFeatures {
  readonly id: string;
  readonly truth: Truth;
  /** Number i · L + j of each pair, i < j. */
  readonly pairs: Uint32Array;
  /** 1 where the pair is in contact. */
  readonly labels: Uint8Array;
  /** f32[pairs] of each head, layer-major. */
  readonly columns: readonly Float32Array[];
}

/** Features of all pairs at least `least` apart whose distance the structure has. */
export async function pairFeatures(
  model: Esm2,
  protein: ContactInput & { truth: Truth },
  { least, signal, onLayer }: { least: number; signal?: AbortSignal; onLayer?: () => void },
): Promise<PairFeatures> {
  const { id, truth } = protein, { known, contacts } = truth, length = known.length;
  const found: number[] = [];
  for (let i = 0; i < length; i++) {
    for (let j = i + least; j < length; j++) {
      if (known[i] && known[j]) found.push(i * length + j);
    }
  }
  const pairs = Uint32Array.from(found), columns: Float32Array[] = [];
  await visitHeadMaps(model, protein, (map, layer, head) => {
    columns[layer * model.config.heads + head] = Float32Array.from(pairs, (pair) => map[pair]);
  }, { signal, onLayer });
  return { id, truth, pairs, columns, labels: Uint8Array.from(pairs, (pair) => contacts[pair]) };
}

/** The map f32[L, L] of a head with these weights: NaN where there is no pair. */
export function mapOf(
  { truth, pairs, columns }: PairFeatures,
  weights: ArrayLike<number>,
  intercept: number,
): Float32Array {
  const map = new Float32Array(truth.known.length ** 2).fill(NaN);
  pairs.forEach((pair, i) => {
    let z = intercept;
    columns.forEach((column, j) => z += weights[j] * column[i]);
    map[pair] = 1 / (1 + Math.exp(-z));
  });
  return map;
}
