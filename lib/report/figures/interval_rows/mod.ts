import type { Piece } from "../../bundle.ts";
import script from "./interval_rows.js" with { type: "text" };

export const intervalRows: Piece = { name: "interval_rows.js", script };
