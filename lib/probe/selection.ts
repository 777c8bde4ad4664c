/** Which rows a probe learns from: proteins, or residues that have a label. */
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { STREAMS } from "./random.ts";
import type { SetName, SplitProblem } from "./types.ts";

/** The rows of a protein: [0] for itself, or 0-based residues, ascending. */
export type RowsOf = (protein: number) => Uint32Array;

/** What is learnt from, chosen by and tested with. */
export interface Selection {
  /** Rows of each protein. */
  readonly rows: RowsOf;
  /** Proteins of each set that have rows. */
  readonly proteins: Readonly<Record<SetName, readonly number[]>>;
  /** Rows of each set. */
  readonly counts: Readonly<Record<SetName, number>>;
}

const OWN = Uint32Array.of(0);
/** Of 2^20 residues so many are drawn. */
const DRAW = 1 << 20;

/**
 * Of proteins themselves all; of residues those with a label, of the training and the validation set at most
 * so many on average, drawn by a counter-based generator, of the test set all.
 *
 * @param most residues to learn from; half as many choose
 * @param lengthOf residues of a protein that have features
 */
export function selectRows(
  problem: SplitProblem,
  most: number,
  seed: number,
  lengthOf: (protein: number) => number,
): Selection {
  const { proteins, sets, per } = problem;
  const own = { train: [], validation: [], test: [] } as Record<SetName, number[]>;
  const counts = { train: 0, validation: 0, test: 0 };
  if (per === "protein") {
    proteins.forEach((_, p) => own[sets[p]].push(p));
    for (const set of ["train", "validation", "test"] as const) counts[set] = own[set].length;
    return { rows: () => OWN, proteins: own, counts };
  }
  const labelled = { train: 0, validation: 0, test: 0 };
  const has = (p: number, i: number) => !Number.isNaN(proteins[p].labels[i]);
  proteins.forEach((_, p) => {
    for (let i = 0; i < lengthOf(p); i++) if (has(p, i)) labelled[sets[p]]++;
  });
  const limit = (set: SetName, of: number) =>
    Math.ceil(Math.min(1, of / Math.max(1, labelled[set])) * DRAW);
  const limits = {
    train: limit("train", most),
    validation: limit("validation", most / 2),
    test: DRAW,
  };
  const draws = new PhiloxStream(seed, STREAMS.rows);
  const rows = proteins.map((_, p) => {
    const found: number[] = [], below = limits[sets[p]];
    for (let i = 0; i < lengthOf(p); i++) {
      if (has(p, i) && (below === DRAW || draws.below(DRAW, p, i) < below)) found.push(i);
    }
    return Uint32Array.from(found);
  });
  proteins.forEach((_, p) => {
    if (rows[p].length === 0) return;
    own[sets[p]].push(p);
    counts[sets[p]] += rows[p].length;
  });
  return { rows: (p) => rows[p], proteins: own, counts };
}

/** Labels of the rows of some proteins, one after another. */
export function labelsOf(
  { proteins }: Pick<SplitProblem, "proteins">,
  { rows }: Selection,
  of: readonly number[],
): Float64Array {
  return Float64Array.from(of.flatMap((p) => Array.from(rows(p), (i) => proteins[p].labels[i])));
}
