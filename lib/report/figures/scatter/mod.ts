import type { Piece } from "../../bundle.ts";
import script from "./scatter.js" with { type: "text" };

export const scatter: Piece = { name: "scatter.js", script };
