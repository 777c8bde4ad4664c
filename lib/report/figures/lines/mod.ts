import type { Piece } from "../../bundle.ts";
import script from "./lines.js" with { type: "text" };

export const lines: Piece = { name: "lines.js", script };
