import type { Piece } from "../../bundle.ts";
import script from "./head_grid.js" with { type: "text" };

export const headGrid: Piece = { name: "head_grid.js", script };
