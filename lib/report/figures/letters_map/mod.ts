import type { Piece } from "../../bundle.ts";
import script from "./letters_map.js" with { type: "text" };

export const lettersMap: Piece = { name: "letters_map.js", script };
