/** Results of an evaluation as tables. */
import { columnsOf, type TableOf } from "../io/columns.ts";
import type { LossSum } from "./evaluate.ts";

/** Sums of a protein or a letter, with what they are of. */
export interface LossRow extends Readonly<Record<LossSum, number>> {
  readonly name: string;
  /** Residues of the protein, or of the letter. */
  readonly residues: number;
}

const { text, integer, number } = columnsOf<LossRow>();

const mean = (sum: LossSum) => (row: LossRow) => row[sum] / row.asked;
/** A perplexity as people read it, of a mean loss in nats. */
export const perplexityText = (loss: number, places = 2): string => Math.exp(loss).toFixed(places);

const perplexity = (sum: LossSum) => (row: LossRow) => Math.exp(row[sum] / row.asked);

const losses = [
  integer("asked", "residues that were hidden", "asked"),
  number("loss", "mean −log p of them", mean("loss"), { unit: "nats" }),
  number("perplexity", "exp(loss): as good as a guess among so many letters", perplexity("loss")),
  number("accuracy", "share for which the likeliest token is the true one", mean("right")),
  number(
    "unigram",
    "perplexity of the letters' frequencies in the other proteins",
    perplexity("unigram"),
  ),
  number(
    "neighbours",
    "perplexity by the letters beside the residue, of the other proteins",
    perplexity("neighbours"),
    { short: "neighb." },
  ),
  number(
    "composition",
    "perplexity by the frequencies in the rest of the same protein",
    perplexity("composition"),
    { short: "compos." },
  ),
];

/** `proteins.csv` */
export const PROTEINS: TableOf<LossRow> = {
  name: "proteins",
  rows: "one row per protein",
  when: "of an evaluation",
  columns: [
    text("protein", "its id", "name"),
    integer("length", "its residues", "residues"),
    ...losses,
  ],
};

/** `letters.csv` */
export const LETTERS: TableOf<LossRow> = {
  name: "letters",
  rows: "one row per amino acid",
  when: "of an evaluation",
  columns: [text("letter", "the true one; other: B, J, O, U, X, Z", "name"), ...losses],
};

/** Of all residues. */
export const ALL: TableOf<LossRow> = {
  name: "all",
  rows: "of all residues together",
  when: "of an evaluation",
  isPrinted: true,
  columns: losses,
};
