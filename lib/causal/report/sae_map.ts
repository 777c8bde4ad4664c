/** Attributions of latents at residues as a heat map with its margins. */
import { bytesScript } from "../../report/bytes.ts";
import { zoomChoice } from "../../report/choice.ts";
import { key, legend } from "../../report/legend.ts";
import { jsonScript, type Markup, markup } from "../../report/markup.ts";
import { latentLabel } from "./sae_names.ts";
import type { AttributionView, NodeView } from "./sae_types.ts";
import { scaleFor, short } from "../../report/scale.ts";

/** Latents with a row of their own; the error terms have one besides. */
const MOST_ROWS = 20;

/** Cells written into the page, those with the largest |attribution|. */
const MOST_CELLS = 4000;

const ERROR = -1;

/** Rows of the map from top to bottom. */
interface Rows {
  labels: string[];
  /** Row of a latent; latents without one share the last. */
  rowOf(latent: number): number;
}

/** Latents by the sum of |attribution|, then the error terms, then all others together. */
export function mapRows(nodes: readonly NodeView[]): Rows {
  const sums = new Map<number, number>();
  for (const { latent, attribution } of nodes) {
    sums.set(latent, (sums.get(latent) ?? 0) + Math.abs(attribution));
  }
  const ranked = [...sums.keys()].filter((latent) => latent !== ERROR)
    .sort((a, b) => sums.get(b)! - sums.get(a)!);
  const own = ranked.slice(0, MOST_ROWS);
  if (sums.has(ERROR)) own.push(ERROR);
  const others = ranked.length - Math.min(MOST_ROWS, ranked.length);
  return {
    labels: [...own.map(latentLabel), ...(others > 0 ? [`${others} others`] : [])],
    rowOf: (latent) => own.includes(latent) ? own.indexOf(latent) : own.length,
  };
}

export function attributionMap(result: AttributionView): Markup {
  const { protein, mutation, nodes, tokens, absoluteSum } = result;
  const { labels, rowOf } = mapRows(nodes);
  const columns = protein.residues.length + 2;
  const cells = new Map<number, number>();
  const places = new Float32Array(columns), latents = new Float32Array(labels.length);
  let kept = 0;
  for (const { token, latent, attribution } of nodes) {
    const row = rowOf(latent), at = row * columns + token;
    cells.set(at, (cells.get(at) ?? 0) + attribution);
    places[token] += attribution;
    latents[row] += attribution;
    kept += Math.abs(attribution);
  }
  const largest = [...cells].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, MOST_CELLS);
  const scale = scaleFor(largest.map(([, value]) => value), "diverging", 1e-6);
  const ticks = [-1, -0.5, 0, 0.5, 1].map((share) => ({
    at: (share + 1) / 2,
    label: `${share === -1 && scale.cappedBelow ? "≤ " : ""}${
      share === 1 && scale.cappedAbove ? "≥ " : ""
    }${short(share * scale.cap)}`,
  }));
  return markup`<figure class="attributions"><figcaption>Attribution of latents at residues</figcaption>
<div class="matrix-frame"><div class="matrix-width"><canvas tabindex="0" role="img" aria-label="${mutation}: attributions of ${labels.length} rows of latents at ${columns} tokens; the arrow keys move a cursor"></canvas></div></div>
${zoomChoice([1, 2, 4, 8, 16])}
<div class="matrix-notes">
${legend("Attribution", scale, ticks)}
<div class="keys">${key("site-key", "mutated")}</div>
<p class="hint">The ${nodes.length} nodes written hold ${
    short(100 * kept / absoluteSum)
  } % of the sum of |attribution|; sums at the margins are over these. Where a pixel covers several residues it shows the attribution farthest from zero.</p>
<noscript><p>The map itself is drawn by a script, which is switched off; attributions.csv has the numbers.</p></noscript>
</div>
${
    jsonScript("matrix-facts", {
      labels,
      residues: protein.residues,
      offset: protein.offset,
      cap: scale.cap,
      changed: tokens,
    })
  }${
    bytesScript(
      "cells",
      Float32Array.from(
        largest.flatMap(([at, value]) => [Math.floor(at / columns), at % columns, value]),
      ),
    )
  }${bytesScript("places", places)}${bytesScript("latents", latents)}</figure>
`;
}
