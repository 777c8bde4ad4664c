/** The map as a table. */
import { columnsOf, type TableOf } from "../../io/columns.ts";

/** One protein of the map. */
export interface MapRow {
  protein: string;
  x: number;
  y: number;
  kept: number;
}

const { text, number } = columnsOf<MapRow>();

/** `map.csv` */
export const MAP: TableOf<MapRow> = {
  name: "map",
  rows: "one row per protein",
  when: "with --map",
  columns: [
    text("protein", "its id", "protein"),
    number("x", "on the map; of pca the first component of the vectors at length 1", "x"),
    number("y", "on the map; of pca the second component", "y"),
    number(
      "kept",
      "share of its 15 nearest proteins by cosine that are its 15 nearest on the map",
      "kept",
    ),
  ],
};
