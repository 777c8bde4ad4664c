// @ts-check
/// <reference lib="dom" />
/** How an adapter changes a protein's contact map. */
import { bytesOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { short } from "../../report/client/numbers.js";
import { shade } from "../../report/client/palette.js";
import { pairMap } from "../../report/figures/pair_map/pair_map.js";

/** @typedef {import("../../report/client/figure.js").View} View */

/**
 * `pairs` are those that appear or vanish, the largest change first; `side` and `bin` those of the map.
 * @typedef {{
 *   adapter: string, most: number,
 *   pairs: [i: number, j: number, before: number, after: number, appeared: 0 | 1, contact: 0 | 1 | null][],
 * }} ChangeData
 */

/** Steps of the map: 0 where nothing is known, 128 where nothing changes. */
const SAME = 128;

/** @param {View} view @param {ChangeData} data @param {{ side: number, bin: number, value: string }} shape */
export async function drawChange(view, data, { side, bin, value }) {
  const { protein } = view, steps = await bytesOf(view.root, "changes");
  const step = (/** @type {number} */ i, /** @type {number} */ j) =>
    steps
      ?.[Math.floor((Math.min(i, j) - 1) / bin) * side + Math.floor((Math.max(i, j) - 1) / bin)] ??
      0;
  const change = (/** @type {number} */ i, /** @type {number} */ j) =>
    (step(i, j) - SAME) / (SAME - 1) * data.most;
  const known = new Map(data.pairs.map((pair) => [`${pair[0]} ${pair[1]}`, pair]));
  pairMap(view, view.frame("change"), {
    ...{ rows: "residue", columns: "residue" },
    label: () => `What ${data.adapter} changes of the contact map of ${protein.id}`,
    version: () => "change",
    colour: (row, column, palette) =>
      step(row, column) === 0
        ? undefined
        : shade(palette.d, 0.5 + (step(row, column) - SAME) / (SAME - 1) / 2),
    facts(i, j) {
      const pair = known.get(`${Math.min(i, j)} ${Math.max(i, j)}`);
      if (pair) {
        const [, , before, after, appeared] = pair;
        return [
          ["without the adapter", short(before), String(before)],
          ["with it", short(after), String(after)],
          ["contact", appeared ? "appeared" : "vanished"],
        ];
      }
      return [[
        `change of ${value}`,
        step(i, j) === 0 ? "not predicted" : `about ${short(change(i, j))}`,
      ]];
    },
    over(pen, x, y, palette) {
      const size = Math.max(3, x.cell);
      for (const [i, j, , , appeared] of data.pairs) {
        if (!x.shows(i) || !y.shows(j)) continue;
        pen.strokeStyle = palette.of(appeared ? "ink" : "grey");
        pen.lineWidth = 1;
        // Above the diagonal, where the row is the first residue.
        pen.strokeRect(x.at(j) - size / 2, y.at(i) - size / 2, size, size);
      }
    },
    data: () => ({
      columns: ["i", "j", "before", "after", "what", "contact"],
      rows: data.pairs.map(([i, j, before, after, appeared, contact]) => [
        ...[i, j, before, after],
        ...[appeared ? "appeared" : "vanished", contact ?? ""],
      ]),
    }),
  });
  const table = /** @type {HTMLElement | null} */ (view.root.querySelector("[data-table=changed]"));
  if (table) linkedTable(view, table);
}
