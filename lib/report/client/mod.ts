/** What every page's script is made of. */
import type { Piece } from "../bundle.ts";
import data from "./data.js" with { type: "text" };
import figure from "./figure.js" with { type: "text" };
import numbers from "./numbers.js" with { type: "text" };
import palette from "./palette.js" with { type: "text" };
import residueAxis from "./residue_axis.js" with { type: "text" };
import residueBar from "./residue_bar.js" with { type: "text" };
import state from "./state.js" with { type: "text" };
import svgPen from "./svg_pen.js" with { type: "text" };
import tooltip from "./tooltip.js" with { type: "text" };

/** In an order in which each finds what it imports. */
export const CORE: readonly Piece[] = [
  { name: "numbers.js", script: numbers },
  { name: "state.js", script: state },
  { name: "palette.js", script: palette },
  { name: "data.js", script: data },
  { name: "svg_pen.js", script: svgPen },
  { name: "tooltip.js", script: tooltip },
  { name: "figure.js", script: figure },
  { name: "residue_axis.js", script: residueAxis },
  { name: "residue_bar.js", script: residueBar },
];
