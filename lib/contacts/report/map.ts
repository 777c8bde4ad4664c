import { squareAxes } from "../../report/axes.ts";
import { bytesScript } from "../../report/bytes.ts";
import { legend } from "../../report/legend.ts";
import { jsonScript, type Markup, markup } from "../../report/markup.ts";
import { short } from "../../report/scale.ts";
import { chainName } from "../../structure/structure.ts";
import { countPredicted } from "../evaluate.ts";
import { contactRows } from "../tables.ts";
import { authorLabel, type ContactResult, type Method, type Truth } from "../types.ts";

/** Marks of a pair, as bits. */
const CONTACT = 1, TOP = 2, UNKNOWN = 4;

/** Residues up to which the page has every score beside the picture. */
const MOST_EXACT = 600;

/** Pixels of a side of the picture; of a longer protein each stands for several residues. */
const MOST_PIXELS = 1500;

/**
 * The picture with `bin` residues a pixel, square.
 *
 * @param merge of the values of a pixel, the first of which comes alone
 */
function binned(
  values: Uint8Array,
  length: number,
  bin: number,
  merge: (a: number, b: number) => number,
): Uint8Array {
  if (bin === 1) return values;
  const side = Math.ceil(length / bin), out = new Uint8Array(side * side);
  const seen = new Uint8Array(side * side);
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++) {
      const at = Math.floor(i / bin) * side + Math.floor(j / bin), value = values[i * length + j];
      out[at] = seen[at] ? merge(out[at], value) : value;
      seen[at] = 1;
    }
  }
  return out;
}

/** Marks of several pairs: what any of them is, but unknown only where all are. */
const mergeMarks = (a: number, b: number): number => (a | b) & ~UNKNOWN | (a & b & UNKNOWN);

/** The upper triangle with the diagonal, row by row. */
function pairsOf(map: Float32Array, length: number): Float32Array {
  const pairs = new Float32Array(length * (length + 1) / 2);
  for (let i = 0, at = 0; i < length; at += length - i, i++) {
    pairs.set(map.subarray(i * length + i, (i + 1) * length), at);
  }
  return pairs;
}

/**
 * The predicted map above the diagonal; below it the true contacts with the L best pairs on them, or
 * the map once more where no contacts are known.
 */
export function contactMap(result: ContactResult, method: Method): Markup {
  const { id, residues, map, truth, baseline } = result, length = residues.length;
  const value = method === "head" ? "probability" : "score";
  const max = largestApart(map, length), { missing } = countPredicted(map);
  const steps = quantised(map, max);
  const below = truth
    ? marks(result)
    : baseline && quantised(baseline.map, largestApart(baseline.map, length));
  const kind = truth ? "truth" : baseline ? "baseline" : "none";
  const scale = { kind: "sequential", cap: max, cappedAbove: false, cappedBelow: false } as const;
  const bin = Math.ceil(length / MOST_PIXELS), side = Math.ceil(length / bin);
  const belowMerge = truth ? mergeMarks : Math.max;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, label: short(at * max) }));
  return markup`<figure class="map contact-map" data-length="${length}" data-side="${side}" data-bin="${bin}" data-max="${max}" data-residues="${residues}" data-value="${value}" data-below="${kind}">
<div class="map-columns">
<div class="map-frame"><div class="map-inner"><div class="plot">
<canvas tabindex="0" role="img" aria-label="${id}: contact map of ${length} residues; the arrow keys move a cursor"></canvas>
${
    squareAxes(length, "residue", "residue")
  }<i class="cross across" hidden></i><i class="cross down" hidden></i>
</div></div></div>
<div class="map-notes">
${legend(`Predicted ${value}`, scale, ticks)}
<p>Above the diagonal: the predicted map. Pairs fewer than 6 apart set no colours.</p>
${
    bin > 1 &&
    markup`<p>A pixel stands for ${bin} × ${bin} pairs and shows the highest; map.npz has all.</p>
`
  }${
    missing > 0 &&
    markup`<p class="contact-keys"><span class="key"><i class="is-unknown"></i>not predicted (${missing} pairs are in no window together)</span></p>
`
  }${belowNote(kind)}
<noscript><p>The map itself is drawn by a script, which is switched off.</p></noscript>
</div></div>
${bytesScript("pixels", binned(steps, length, bin, Math.max))}${
    below && bytesScript("below", binned(below, length, bin, belowMerge))
  }${length <= MOST_EXACT && bytesScript("scores", pairsOf(map, length))}${
    bin === 1 && truth?.chain && inStructure(truth)
  }</figure>
`;
}

/** The residues' names in the structure and their places, for names and distances in the tooltip. */
function inStructure(truth: Truth): Markup {
  const points = truth.points!, places = new Float32Array(3 * points.length).fill(NaN);
  points.forEach((point, i) => point && places.set(point, 3 * i));
  const labels = points.map((_, i) => authorLabel(truth, i) ?? "");
  return markup`${jsonScript("authors", { chain: chainName(truth.chain!), labels })}${
    bytesScript("places", places)
  }`;
}

function belowNote(kind: string): Markup | false {
  if (kind === "baseline") return markup`<p>Below the diagonal: the covariance baseline.</p>`;
  if (kind === "none") return false;
  return markup`<p>Below the diagonal: the true contacts, and on them the L highest pairs.</p>
<p class="contact-keys"><span class="key"><i class="is-contact"></i>contact</span> <span class="key"><i class="is-hit"></i>predicted, contact</span> <span class="key"><i class="is-miss"></i>predicted, no contact</span> <span class="key"><i class="is-unknown"></i>not known</span></p>`;
}

/** Largest score of residues at least 6 apart: neighbours would take up the whole scale. */
function largestApart(map: Float32Array, length: number): number {
  let max = 0;
  for (let i = 0; i < length; i++) {
    for (let j = i + 6; j < length; j++) {
      if (map[i * length + j] > max) max = map[i * length + j];
    }
  }
  return max;
}

/** Steps 1 to 255 up to the largest, 1 for what is negative; 0 is not predicted. */
function quantised(map: Float32Array, max: number): Uint8Array {
  return Uint8Array.from(map, (value) => {
    if (Number.isNaN(value)) return 0;
    return max > 0 && value > 0 ? 1 + Math.round(254 * Math.min(1, value / max)) : 1;
  });
}

function marks(result: ContactResult): Uint8Array {
  const { truth, residues } = result, length = residues.length;
  const { contacts, known } = truth!;
  const bytes = Uint8Array.from(contacts, (contact) => contact ? CONTACT : 0);
  for (const { i, j } of contactRows(result, 1)) {
    bytes[(i - 1) * length + j - 1] |= TOP;
    bytes[(j - 1) * length + i - 1] |= TOP;
  }
  known.forEach((flag, i) => {
    if (flag) return;
    for (let j = 0; j < length; j++) {
      bytes[i * length + j] |= UNKNOWN;
      bytes[j * length + i] |= UNKNOWN;
    }
  });
  return bytes;
}
