/** What the page of a protein's contacts shows of an adapter. */
import type { Piece } from "../../report/bundle.ts";
import { pairMap } from "../../report/figures/mod.ts";
import { type Markup, markup } from "../../report/markup.ts";
import { frame, packedPicture, panel, ramp } from "../../report/page.ts";
import { short } from "../../report/scale.ts";
import { changedPairs, largestChange, ruleOf } from "../change.ts";
import type { ContactResult, Method } from "../types.ts";
import script from "./change.js" with { type: "text" };

export const CHANGE_PIECE: Piece = { name: "change.js", script, uses: [pairMap] };

/** Pairs that the table has. */
const LISTED = 12;

/** What the page's module draws; undefined without an adapter. */
export function changeData(result: ContactResult, method: Method) {
  const { before } = result;
  if (!before) return undefined;
  return {
    adapter: before.adapter,
    most: largestChange(result) || 1,
    pairs: changedPairs(result, method).map(({ i, j, before, after, what, contact }) => [
      ...[i, j, before, after, Number(what === "appeared")],
      contact === undefined ? null : Number(contact),
    ]),
  };
}

/** Change of each pixel, that of its pair with the largest: steps 1 to 255 about 128; 0 is not predicted. */
export function changeSteps(result: ContactResult, bin: number): Markup | undefined {
  const { map, before, residues: { length } } = result;
  if (!before) return undefined;
  const most = largestChange(result) || 1, side = Math.ceil(length / bin);
  const found = new Uint8Array(side * side), largest = new Float32Array(side * side).fill(-1);
  for (let i = 0; i < length; i++) {
    for (let j = i; j < length; j++) {
      const change = map[i * length + j] - before.map[i * length + j];
      const at = Math.floor(i / bin) * side + Math.floor(j / bin);
      if (!(Math.abs(change) > largest[at])) continue;
      largest[at] = Math.abs(change);
      found[at] = 128 + Math.round(127 * Math.max(-1, Math.min(1, change / most)));
    }
  }
  return packedPicture("changes", found);
}

/** The panels, where there is an adapter. */
export function changePanels(result: ContactResult, method: Method, value: string): Markup[] {
  const { before, residues, truth } = result;
  if (!before) return [];
  const pairs = changedPairs(result, method), end = short(largestChange(result));
  const head = ["Pair", "Before", "After", "", ...(truth ? ["Contact"] : [])];
  return [
    panel({
      span: 7,
      title: markup`What <b>${before.adapter}</b> changes`,
      body: markup`${frame("change", "square")}<div class="beneath">${
        ramp("d", `change of ${value}`, `≤ −${end} less`, `more ≥ ${end}`)
      }<div class="key"><span><i class="ring" style="--c:var(--ink)"></i>appeared</span><span><i class="ring" style="--c:var(--grey)"></i>vanished</span></div></div>`,
      caption: "With the adapter minus without; neighbours change most and go beyond the colours.",
    }),
    panel({
      span: 5,
      title: markup`Contacts that appear or vanish <span>— ${
        pairs.length > LISTED ? `${LISTED} of ${pairs.length}` : String(pairs.length)
      }, ${ruleOf(method)}</span>`,
      body: pairs.length === 0
        ? markup`<p class="caption">None does.</p>`
        : markup`<div class="scroll"><table data-table="changed"><thead><tr>${
          head.map((text) => markup`<th scope="col">${text}</th>`)
        }</tr></thead><tbody>${
          pairs.slice(0, LISTED).map(({ i, j, before, after, what, contact }) =>
            markup`
<tr data-residue="${i}" data-partner="${j}"><td><button type="button">${residues[i - 1]}${i} – ${
              residues[j - 1]
            }${j}</button></td><td>${short(before, true)}</td><td>${
              short(after, true)
            }</td><td class="text">${what}</td>${
              truth &&
              markup`<td class="text">${
                contact === undefined ? "not known" : contact ? "yes" : "no"
              }</td>`
            }</tr>`
          )
        }</tbody></table></div>`,
      caption: "The largest change first; changed_contacts.csv has all.",
    }),
  ];
}
