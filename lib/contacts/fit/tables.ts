/** What a fit of the contact head is written down as. */
import { columnsOf, type TableOf } from "../../io/columns.ts";
import { RANGES, type RangeScores } from "../types.ts";
import type { HeldOutProtein } from "./cross_validate.ts";

/** A protein in one range. */
export interface HeldOutRow extends Pick<HeldOutProtein, "id" | "length" | "fold"> {
  readonly scores: RangeScores;
  readonly nearest: RangeScores;
}

const { text, integer, number } = columnsOf<HeldOutRow>();

/** Precision on proteins left out of the fit. */
export const HELD_OUT: TableOf<HeldOutRow> = {
  name: "held_out",
  rows: "one row per protein and range, under the head of the other folds",
  when: "of contacts fit",
  columns: [
    text("protein", "name of the protein", "id"),
    integer("length", "residues", "length"),
    integer("fold", "the proteins left out together, from 0", "fold"),
    text("range", "short, medium or long", ({ scores }) => scores.range),
    integer("pairs", "pairs of the range whose distance is known", ({ scores }) => scores.pairs),
    integer("contacts", "of these, in contact", ({ scores }) => scores.contacts),
    number("precision_l", "of the L highest", ({ scores }) => scores.precisionL),
    number("precision_l5", "of the L/5 highest", ({ scores }) => scores.precisionL5),
    number(
      "nearest_precision_l",
      "of the L nearest in the sequence",
      ({ nearest }) => nearest.precisionL,
    ),
  ],
};

export const heldOutRows = (proteins: readonly HeldOutProtein[]): HeldOutRow[] =>
  proteins.flatMap(({ scores, nearest, ...own }) =>
    RANGES.map((_, r) => ({ ...own, scores: scores[r], nearest: nearest[r] }))
  );

/** A head's weight. */
export interface WeightRow {
  readonly layer: number;
  readonly head: number;
  readonly weight: number;
}

const weightColumns = columnsOf<WeightRow>();

/** The fitted regression. */
export const WEIGHTS: TableOf<WeightRow> = {
  name: "weights",
  rows: "one row per attention head",
  when: "of contacts fit",
  columns: [
    weightColumns.integer("layer", "from 0", "layer"),
    weightColumns.integer("head", "from 0", "head"),
    weightColumns.number("weight", "of its corrected attention in the sum", "weight"),
  ],
};
