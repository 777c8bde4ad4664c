// @ts-check
/// <reference lib="dom" />
/** Attention with an adapter minus that without: the grid of heads and the profile along the sequence. */
import { floatsOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { percent, short, shortest } from "../../report/client/numbers.js";
import { headGrid } from "../../report/figures/head_grid/head_grid.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/**
 * `columns` are names and labels of adapter.csv behind `protein`; `rows` their values by head; `profiles` the
 * heads whose residues are there.
 * @typedef {{
 *   name: string, end: number, columns: { name: string, label: string }[],
 *   rows: (number | null)[][], profiles: number[],
 * }} AdapterData
 */

/**
 * @param {View} view @param {AdapterData} data
 * @param {{ layers: number[], heads: number }} shape
 */
export async function drawAdapter(view, data, { layers, heads }) {
  const { state, protein } = view, { length } = state;
  const names = data.columns.map(({ name }) => name);
  const all = await floatsOf(view.root, "adapter");
  const at = (/** @type {number} */ item, /** @type {string} */ name) =>
    data.rows[item]?.[names.indexOf(name)] ?? NaN;
  const nameOf = (/** @type {number} */ item) =>
    `layer ${at(item, "layer")} head ${at(item, "head")}`;
  /** The head on view: the chosen one, or the first where that has no profile. */
  const shown = () => {
    const { item } = state.chosen;
    return data.profiles.includes(item) ? item : data.profiles[0];
  };
  const profile = () => {
    const begin = data.profiles.indexOf(shown()) * length;
    return all?.subarray(begin, begin + length) ?? new Float32Array();
  };
  headGrid(view, view.frame("adapter-heads"), {
    ...{ layers, heads, label: "Heads that the adapter changes; arrow keys move" },
    kind: () => "s",
    share: (item) => at(item, "change") / data.end,
    text: (item) => percent(at(item, "change")),
    isOutlined: (item) => at(item, "rank") === 1,
    outlined: "changes most",
    describe: (item) =>
      `${nameOf(item)}, ${data.name}, change ${short(at(item, "change"))}, rank ${
        at(item, "rank")
      } of ${data.rows.length}`,
    facts: (item) =>
      names.slice(2).map((name) => {
        const value = at(item, name);
        return /** @type {Fact} */ ([name, short(value), String(value)]);
      }),
    data: () => ({ columns: names, rows: data.rows.map((row) => row.map((x) => x ?? NaN)) }),
  });
  const changed = (/** @type {number} */ residue) => shortest(profile()[residue - 1]);
  const received = track(view, view.frame("adapter-received"), {
    name: "received, with − without the adapter",
    label: () => `Change of the attention that each residue receives in ${nameOf(shown())}`,
    values: profile,
    colour: (residue) => protein.marks?.includes(residue) ? "site" : "blue",
    facts: (residue) => [["received_change", short(changed(residue)), String(changed(residue))]],
    data: () => ({
      columns: ["residue", "letter", "received_change"],
      rows: Array.from(
        { length },
        (_, i) => [view.number(i + 1), protein.letters[i], changed(i + 1)],
      ),
    }),
  });
  const put = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const element of view.root.querySelectorAll(`[data-text="${name}"]`)) {
      element.textContent = text;
    }
  };
  const follow = () => {
    const item = shown(), own = state.chosen.item;
    put("adapter-head", nameOf(item));
    put(
      "adapter-measures",
      `— change ${short(at(item, "change"))}, rank ${at(item, "rank")} of ${data.rows.length}; ` +
        `sites ${short(at(item, "sites_change"))}`,
    );
    put(
      "adapter-unprofiled",
      own === item || own < 0 ? "" : `; ${nameOf(own)} is not among the heads that they are of`,
    );
    received.repaint();
  };
  linkedTable(
    view,
    /** @type {HTMLElement} */ (view.root.querySelector('[data-table="adapter"]')),
  );
  state.follow((changes) => {
    if (changes.has("item")) follow();
  });
  follow();
}
