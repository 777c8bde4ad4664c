import { type Markup, markup } from "./markup.ts";
import { residueTicks } from "./scale.ts";

/** Residue numbers on both axes of a square map, and what the axes are. */
export function squareAxes(length: number, across: string, down: string): Markup {
  const ticks = residueTicks(length).map((residue) => {
    const at = 100 * (residue - 0.5) / length;
    return markup`<span class="x-tick" style="left:${at}%">${residue}</span><span class="y-tick" style="top:${at}%">${residue}</span>`;
  });
  return markup`${ticks}<span class="x-name">${across}</span><span class="y-name">${down}</span>`;
}
