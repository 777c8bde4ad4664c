import type { Piece } from "../../bundle.ts";
import script from "./track.js" with { type: "text" };

export const track: Piece = { name: "track.js", script };
