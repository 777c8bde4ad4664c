/** The figures that pages are made of. */
import type { Piece } from "../bundle.ts";
import cellMapScript from "./cell_map/cell_map.js" with { type: "text" };
import featureRowsScript from "./feature_rows/feature_rows.js" with { type: "text" };
import headGridScript from "./head_grid/head_grid.js" with { type: "text" };
import histogramScript from "./histogram/histogram.js" with { type: "text" };
import intervalRowsScript from "./interval_rows/interval_rows.js" with { type: "text" };
import letterBarsScript from "./letter_bars/letter_bars.js" with { type: "text" };
import letterHeightsScript from "./letter_heights/letter_heights.js" with { type: "text" };
import lettersMapScript from "./letters_map/letters_map.js" with { type: "text" };
import linesScript from "./lines/lines.js" with { type: "text" };
import pairMapScript from "./pair_map/pair_map.js" with { type: "text" };
import pointMapScript from "./point_map/point_map.js" with { type: "text" };
import rowMapScript from "./row_map/row_map.js" with { type: "text" };
import scatterScript from "./scatter/scatter.js" with { type: "text" };
import stripsScript from "./strips/strips.js" with { type: "text" };
import structureScript from "./structure/structure.js" with { type: "text" };
import trackScript from "./track/track.js" with { type: "text" };
import lettersMapStyle from "./letters_map/style.css" with { type: "text" };
import structureStyle from "./structure/style.css" with { type: "text" };

export const cellMap: Piece = { name: "cell_map.js", script: cellMapScript };
export const featureRows: Piece = { name: "feature_rows.js", script: featureRowsScript };
export const headGrid: Piece = { name: "head_grid.js", script: headGridScript };
export const histogram: Piece = { name: "histogram.js", script: histogramScript };
export const intervalRows: Piece = { name: "interval_rows.js", script: intervalRowsScript };
export const letterBars: Piece = { name: "letter_bars.js", script: letterBarsScript };
export const letterHeights: Piece = { name: "letter_heights.js", script: letterHeightsScript };
export const lettersMap: Piece = {
  name: "letters_map.js",
  script: lettersMapScript,
  style: lettersMapStyle,
};
export const lines: Piece = { name: "lines.js", script: linesScript };
export const pairMap: Piece = { name: "pair_map.js", script: pairMapScript };
export const pointMap: Piece = { name: "point_map.js", script: pointMapScript };
export const rowMap: Piece = { name: "row_map.js", script: rowMapScript };
export const scatter: Piece = { name: "scatter.js", script: scatterScript };
export const strips: Piece = { name: "strips.js", script: stripsScript };
export const structure: Piece = {
  name: "structure.js",
  script: structureScript,
  style: structureStyle,
};
export const track: Piece = { name: "track.js", script: trackScript };
