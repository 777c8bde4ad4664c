import type { Piece } from "../../bundle.ts";
import script from "./pair_map.js" with { type: "text" };

export const pairMap: Piece = { name: "pair_map.js", script };
