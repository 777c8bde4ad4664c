import { squareAxes } from "../../report/axes.ts";
import { bytesScript } from "../../report/bytes.ts";
import { zoomChoice } from "../../report/choice.ts";
import { legend, type LegendTick } from "../../report/legend.ts";
import { type Content, type Markup, markup } from "../../report/markup.ts";
import { attentionReceived, profile } from "./profile.ts";
import { short } from "../../report/scale.ts";
import { siteMarks } from "./sites.ts";
import type { HeadMap, ProteinResult } from "../types.ts";

export interface QuantisedMap {
  /** Attention at step 255. */
  max: number;
  /** Steps of √(value / max), row-major. */
  steps: Uint8Array;
}

/** Attention on 256 square-root steps: small values, the bulk of a map, keep their differences. */
export function quantise(attention: Float32Array): QuantisedMap {
  let max = 0;
  for (const value of attention) if (value > max) max = value;
  const steps = new Uint8Array(attention.length);
  if (max > 0) {
    for (let i = 0; i < steps.length; i++) {
      steps[i] = Math.round(255 * Math.sqrt(Math.max(0, attention[i]) / max));
    }
  }
  return { max, steps };
}

/** One head's L × L attention as a canvas drawn by the page's script, and its column sums. */
export function attentionMap(map: HeadMap, protein: ProteinResult, facts: Content): Markup {
  const { residues, sites } = protein;
  const length = residues.length;
  const { max, steps } = quantise(map.attention);
  const name = `Layer ${map.layer}, head ${map.head}`;
  const scale = { kind: "sequential", cap: max, cappedAbove: false, cappedBelow: false } as const;
  const ticks: LegendTick[] = [0, 0.25, 0.5, 0.75, 1].map((at) => ({
    at,
    label: short(at * at * max),
  }));
  return markup`<figure class="map" data-length="${length}" data-max="${max}" data-residues="${residues}">
<figcaption>${name}</figcaption>
<div class="map-columns">
<div class="map-frame"><div class="map-inner"><div class="plot">
<canvas tabindex="0" role="img" aria-label="${name}: attention of ${length} query residues to ${length} key residues; the arrow keys move a cursor"></canvas>
${squareAxes(length, "key residue", "query residue")}${
    siteTicks(protein)
  }<i class="cross across" hidden></i><i class="cross down" hidden></i>
</div></div></div>
<div class="map-notes">
<p class="facts">${facts}</p>
${legend("Attention, square-root scale", scale, ticks)}
<p>Each row is one residue’s attention (query) over all residues (keys). <span class="site-key"></span> marks the ${sites.length} sites. Where a pixel covers several values it shows the largest; values shown on hover are read from 256 steps.</p>
${zoomChoice([1, 2, 4, 8])}
<noscript><p>The map itself is drawn by a script, which is switched off.</p></noscript>
</div></div>
${profile(attentionReceived(map.attention, length), residues, sites)}${
    bytesScript("pixels", steps)
  }</figure>
`;
}

/** Columns above the plot, rows to its right, away from the numbers. */
function siteTicks({ residues, sites }: ProteinResult): Markup[] {
  const along = siteMarks(sites, residues.length, 9, 1);
  const down = siteMarks(sites, residues.length, 3, 1);
  const label = (row: number | null, name: string) => row === null ? null : markup`<b>${name}</b>`;
  return [
    ...along.map(({ at, name, row }) =>
      markup`<i class="site-tick top" style="left:${at}%" title="${name}">${label(row, name)}</i>`
    ),
    ...down.map(({ at, name, row }) =>
      markup`<i class="site-tick right" style="top:${at}%" title="${name}">${label(row, name)}</i>`
    ),
  ];
}
