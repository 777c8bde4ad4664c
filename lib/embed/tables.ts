/** Results as tables. */
import type { TableLines } from "../run/results.ts";
import { columnsOf, type TableOf } from "../io/columns.ts";
import { csvField, csvValue } from "../io/csv.ts";
import { shortest } from "../report/client/numbers.js";
import { MAP } from "./map/tables.ts";
import { NEIGHBOURS } from "./search.ts";

/** A protein that was embedded. */
export interface ProteinRow {
  id: string;
  /** Residues of the input. */
  length: number;
  /** Residues that were embedded. */
  embedded: number;
  windows: number;
  /** What a table says of it. */
  fields: readonly string[];
}

const one = columnsOf<ProteinRow>();

export const PROTEINS: TableOf<ProteinRow> = {
  name: "proteins",
  rows: "one row per protein, in the order of the input and of the arrays",
  columns: [
    one.text("protein", "its id", "id"),
    one.integer("length", "its residues", "length"),
    one.integer("embedded", "residues that were embedded; fewer with --long truncate", "embedded"),
    one.integer("windows", "windows that it ran in; 1 is whole", "windows"),
  ],
};

/** With the input table's own columns, but those of our names. */
export const proteinsTable = (own: readonly string[]): TableOf<ProteinRow> => ({
  ...PROTEINS,
  columns: [
    ...PROTEINS.columns,
    ...own.map((name, i) => ({ name, i }))
      .filter(({ name }) => PROTEINS.columns.every((column) => column.name !== name))
      .map(({ name, i }) => one.text(name, "the input's own", ({ fields }) => fields[i])),
  ],
});

/** A protein's vector. */
export interface VectorRow {
  id: string;
  length: number;
  vector: Float32Array;
}

const pooled = columnsOf<VectorRow>();

/** Columns of the numbers; a run has as many as the model's width. */
const numbers = (count: number) =>
  Array.from(
    { length: count },
    (_, d) => pooled.number(`e${d}`, "number of the vector", ({ vector }) => shortest(vector[d])),
  );

/** @param name of the file: `embeddings` where there is one place and pool */
export const vectorsTable = (name: string, dModel: number): TableOf<VectorRow> => ({
  name,
  rows: "one row per protein",
  columns: [
    pooled.text("id", "of the protein", "id"),
    pooled.integer("length", "residues that were embedded", "length"),
    ...numbers(dModel),
  ],
});

/** The same as text: a thousand numbers a row are not worth a cell each. */
export const vectorLines = ({ columns }: TableOf<VectorRow>): TableLines<VectorRow> => ({
  header: columns.map(({ name }) => name).join(),
  of: ({ id, length, vector }) => `${csvField(id)},${length},${Array.from(vector, textOf).join()}`,
});

const textOf = (value: number) => csvValue(shortest(value));

/** As help and README show it. */
export const EMBEDDINGS: TableOf<VectorRow> = {
  ...vectorsTable("embeddings", 0),
  when: "of a pool; of several layers and pools a file each, mean_representations.last.csv …",
  columns: [
    ...vectorsTable("embeddings", 0).columns,
    pooled.number("e0 …", "the vector, as many numbers as the model is wide", () => undefined),
  ],
};

export const TABLES = [PROTEINS, EMBEDDINGS, MAP, NEIGHBOURS] as readonly TableOf<never>[];
