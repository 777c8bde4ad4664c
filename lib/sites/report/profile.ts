import { jsonScript, type Markup, markup } from "../../report/markup.ts";
import { residueTicks, roundUp, short } from "../../report/scale.ts";
import { siteMarks } from "./sites.ts";
import type { Site } from "../types.ts";

const HEIGHT = 100;
const LABEL_ROWS = 3;

/** Column sums of a row-major [length, length] map: the attention that each residue receives. */
export function attentionReceived(attention: Float32Array, length: number): Float64Array {
  const sums = new Float64Array(length);
  for (let row = 0; row < length; row++) {
    for (let column = 0; column < length; column++) {
      sums[column] += attention[row * length + column];
    }
  }
  return sums;
}

/** A bar profile along the sequence with the sites marked and labelled. */
export function profile(received: Float64Array, residues: string, sites: Site[]): Markup {
  const length = received.length;
  const top = roundUp(Math.max(1e-6, ...received));
  const mean = received.reduce((sum, x) => sum + x, 0) / length;
  const y = (value: number) => Number((HEIGHT * (1 - value / top)).toFixed(2));
  const bars = (chosen: (residue: number) => boolean) =>
    Array.from(
      received,
      (value, i) => chosen(i + 1) ? `M${i} ${HEIGHT}V${y(value)}h1V${HEIGHT}` : "",
    )
      .join("");
  const marked = new Set(sites.map(({ residue }) => residue));
  const marks = siteMarks(sites, length, 4.5, LABEL_ROWS);
  const rows = 1 + Math.max(0, ...marks.map(({ row }) => row ?? 0));
  return markup`<div class="profile" style="--rows:${rows}" data-residues="${residues}">
<div class="profile-title">Attention received by each residue <span>column sums of the map; mean ${
    short(mean)
  }</span></div>
<div class="profile-plot" tabindex="0" role="img" aria-label="Attention received by each of ${length} residues; the arrow keys move along the sequence">
<svg viewBox="0 0 ${length} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
<path class="others" d="${bars((residue) => !marked.has(residue))}"/><path class="at-sites" d="${
    bars((residue) => marked.has(residue))
  }"/><path class="mean" d="M0 ${y(mean)}H${length}"/></svg>
${
    marks.map(({ name, at, row }) =>
      markup`<i class="stem" style="left:${at}%;--row:${row ?? 0}"></i>${
        row !== null &&
        markup`<span class="site-label" style="left:${at}%;--row:${row}">${name}</span>`
      }`
    )
  }<i class="cursor" hidden></i><span class="y-max">${
    short(top)
  }</span><span class="y-min">0</span>${
    residueTicks(length, 12).map((residue) =>
      markup`<span class="x-tick" style="left:${100 * (residue - 0.5) / length}%">${residue}</span>`
    )
  }</div>
${jsonScript("received", Array.from(received, (value) => Number(value.toPrecision(5))))}</div>
`;
}
