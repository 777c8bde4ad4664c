import { colourVariable } from "./colour.ts";
import { key, legend, type LegendTick } from "./legend.ts";
import { type Content, type Markup, markup } from "./markup.ts";
import { levelOf, type Scale, short } from "./scale.ts";

export interface HeatCell {
  layer: number;
  head: number;
  value: number;
  /** The value as the CSV file has it. */
  text: string;
  significant: boolean;
}

export interface HeatMapInput {
  /** Column of the CSV file that the colours show. */
  column: string;
  title: string;
  /** What the colour bar measures, with its unit. */
  unit: Content;
  /** Rows from top to bottom. */
  layers: number[];
  heads: number;
  /** Layer-major over `layers`. */
  cells: HeatCell[];
  scale: Scale;
  ticks: LegendTick[];
  /** What the outline means; without it nothing is outlined. */
  outlined?: string;
  /** What a missing number means. */
  undefinedMeaning: string;
}

/** A layer × head table whose cells are coloured by value; it reads without scripts. */
export function heatMap(input: HeatMapInput): Markup {
  const { title, layers, heads, cells, scale, ticks, unit, outlined, undefinedMeaning } = input;
  const anyUndefined = cells.some(({ value }) => Number.isNaN(value));
  const height = Math.min(30, Math.max(14, Math.round(480 / layers.length)));
  const labelled = every(heads, 24);
  return markup`<figure class="heatmap" style="--heads:${heads};--cell:${height}px">
<figcaption>${title}</figcaption>
<table role="grid" aria-label="${title}, layer by head" data-column="${input.column}">
<thead><tr><th scope="col" class="corner"><span class="axis">layer</span></th>${
    Array.from({ length: heads }, (_, head) =>
      markup`<th scope="col">${
        labelled(head) ? head : markup`<span class="unseen">${head}</span>`
      }</th>`)
  }</tr></thead>
<tbody>${layers.map((layer, i) => row(input, layer, cells.slice(i * heads, (i + 1) * heads)))}
</tbody></table>
<div class="axis">head</div>
${legend(unit, scale, ticks)}<div class="keys">${outlined && key("outlined", outlined)}${
    anyUndefined && key("undefined", undefinedMeaning)
  }</div></figure>
`;
}

function row({ column, scale }: HeatMapInput, layer: number, cells: HeatCell[]): Markup {
  return markup`
<tr><th scope="row">${layer}</th>${
    cells.map((cell) => {
      const level = levelOf(cell.value, scale);
      const names = [level === null && "undefined", cell.significant && "outlined"].filter(Boolean);
      const colour = level === null ? "" : `--c:${colourVariable(scale.kind, level)}`;
      const label = `layer ${cell.layer} head ${cell.head}: ${column} ${short(cell.value)}` +
        (cell.significant ? ", above both thresholds" : "");
      return markup`<td role="gridcell" tabindex="-1" class="${
        names.join(" ")
      }" style="${colour}" data-layer="${cell.layer}" data-head="${cell.head}" data-value="${cell.text}" aria-label="${label}"></td>`;
    })
  }</tr>`;
}

/** Which of `count` labels to show so that at most `room` stand side by side. */
function every(count: number, room: number): (i: number) => boolean {
  const step = count <= room ? 1 : Math.ceil(count / room / 5) * 5;
  return (i) => i % step === 0;
}
