import type { Piece } from "../../bundle.ts";
import script from "./histogram.js" with { type: "text" };

export const histogram: Piece = { name: "histogram.js", script };
