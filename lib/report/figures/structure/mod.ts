import type { Piece } from "../../bundle.ts";
import script from "./structure.js" with { type: "text" };
import style from "./style.css" with { type: "text" };

export const structure: Piece = { name: "structure.js", script, style };
