/** How well a contact head does on proteins that it has not seen. */
import { evaluate } from "../evaluate.ts";
import type { RangeScores } from "../types.ts";
import { mapOf, type PairFeatures } from "./features.ts";
import { fitSparseLogistic, type SparseFit, type SparseOptions } from "./sparse_logistic.ts";

/** The pairs of several proteins, one after another. */
export function stack(
  proteins: readonly PairFeatures[],
): { columns: Float32Array[]; labels: Uint8Array } {
  const rows = proteins.reduce((sum, { labels }) => sum + labels.length, 0);
  const labels = new Uint8Array(rows);
  const columns = proteins[0].columns.map(() => new Float32Array(rows));
  let at = 0;
  for (const own of proteins) {
    labels.set(own.labels, at);
    own.columns.forEach((column, j) => columns[j].set(column, at));
    at += own.labels.length;
  }
  return { columns, labels };
}

/** Fits to all pairs of these proteins. */
export function fitHead(
  proteins: readonly PairFeatures[],
  c: number,
  options: SparseOptions = {},
): SparseFit {
  const { columns, labels } = stack(proteins);
  return fitSparseLogistic(columns, labels, c, options);
}

/** A protein's scores by the head of the others, and by nearness in the sequence alone. */
export interface HeldOutProtein {
  readonly id: string;
  readonly length: number;
  readonly fold: number;
  readonly scores: readonly RangeScores[];
  readonly nearest: readonly RangeScores[];
}

/** Every protein under a head that was fitted without its fold; protein p is in fold p mod `folds`. */
export async function crossValidate(
  proteins: readonly PairFeatures[],
  { c, folds, signal, onFold }: {
    c: number;
    folds: number;
    signal?: AbortSignal;
    onFold?: () => void;
  },
): Promise<HeldOutProtein[]> {
  const found: HeldOutProtein[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const trained = fitHead(proteins.filter((_, p) => p % folds !== fold), c, { signal });
    for (let p = fold; p < proteins.length; p += folds) {
      const own = proteins[p], length = own.truth.known.length;
      found[p] = {
        ...{ id: own.id, length, fold },
        scores: evaluate(mapOf(own, trained.weights, trained.intercept), own.truth),
        nearest: evaluate(nearness(own), own.truth),
      };
    }
    onFold?.();
    // Ctrl-C is heard only when the event loop turns.
    await new Promise((resolve) => setTimeout(resolve));
  }
  return found;
}

function nearness({ truth, pairs }: PairFeatures): Float32Array {
  const length = truth.known.length, map = new Float32Array(length ** 2).fill(NaN);
  for (const pair of pairs) map[pair] = Math.floor(pair / length) - pair % length;
  return map;
}
