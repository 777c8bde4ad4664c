// @ts-check
/// <reference lib="dom" />
/** Attention of a mutant minus that of its wild type: the grid of heads and the profile along the sequence. */
import { floatsOf } from "../../report/client/data.js";
import { fixed, short, shortest } from "../../report/client/numbers.js";
import { chooseOne } from "../../report/client/start.js";
import { headGrid } from "../../report/figures/head_grid/head_grid.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/**
 * `columns` are names and labels of mutants.csv behind `mutation`; `rows` their values by head.
 * @typedef {{
 *   zEnd: number, columns: { name: string, label: string }[],
 *   mutants: {
 *     name: string, position: number, others: number, rows: (number | null)[][], profiles: number[],
 *   }[],
 * }} MutantData
 */

/**
 * @param {View} view @param {MutantData} data
 * @param {{ layers: number[], heads: number }} shape
 */
export async function drawMutants(view, data, { layers, heads }) {
  const { state, protein } = view, { length } = state;
  const names = data.columns.map(({ name }) => name);
  const profiles = await Promise.all(
    data.mutants.map((_, m) => floatsOf(view.root, `mutant-${m}`)),
  );
  let chosen = 0;
  let quantity = "z";
  const mutant = () => data.mutants[chosen];
  const at = (/** @type {number} */ item, /** @type {string} */ name) =>
    mutant().rows[item]?.[names.indexOf(name)] ?? NaN;
  const nameOf = (/** @type {number} */ item) =>
    `layer ${at(item, "layer")} head ${at(item, "head")}`;
  const facts = (/** @type {number} */ item) =>
    names.slice(2).map((name) => {
      const value = at(item, name);
      return /** @type {Fact} */ ([name, short(value), String(value)]);
    });
  /** The head on view: the chosen one, or the first where that has no profile. */
  const shown = () => {
    const { item } = state.chosen, { profiles } = mutant();
    return profiles.includes(item) ? item : profiles[0];
  };
  /** Change, and of the other substitutions mean and sd.
   * @param {0 | 1 | 2} kind */
  const profile = (kind) => {
    const begin = (mutant().profiles.indexOf(shown()) * 3 + kind) * length;
    return profiles[chosen]?.subarray(begin, begin + length) ?? new Float32Array();
  };
  const grid = headGrid(view, view.frame("mutant-heads"), {
    ...{ layers, heads, label: "Heads that a mutation changes; arrow keys move" },
    kind: () => "d",
    share: (item) => 0.5 + at(item, quantity) / data.zEnd / 2,
    text: (item) => fixed(at(item, quantity), 1),
    isOutlined: (item) => at(item, "rank") === 1,
    outlined: "more than every other substitution of the residue",
    describe: (item) =>
      `${nameOf(item)}, ${mutant().name}, ${quantity} ${short(at(item, quantity))}, rank ${
        at(item, "rank")
      } of ${mutant().others + 1}`,
    facts,
    data: () => ({
      columns: ["mutation", ...names],
      rows: data.mutants.flatMap(({ name, rows }) =>
        rows.map((row) => [name, ...row.map((x) => x ?? NaN)])
      ),
    }),
  });
  const changed = (/** @type {number} */ residue) => {
    const mean = shortest(profile(1)[residue - 1]), sd = shortest(profile(2)[residue - 1]);
    const value = shortest(profile(0)[residue - 1]);
    return { value, mean, sd };
  };
  const received = track(view, view.frame("mutant-received"), {
    name: "received, mutant − wild type",
    label: () => `Change of the attention that each residue receives in ${nameOf(shown())}`,
    values: () => profile(0),
    colour: (residue) =>
      residue === mutant().position ? "violet" : protein.marks?.includes(residue) ? "site" : "blue",
    facts(residue) {
      const { value, mean, sd } = changed(residue);
      return [
        ["received_change", short(value), String(value)],
        ["others_mean", short(mean), String(mean)],
        ["others_sd", short(sd), String(sd)],
        ...(residue === mutant().position
          ? [/** @type {Fact} */ (["mutated", mutant().name])]
          : []),
      ];
    },
    data: () => ({
      columns: ["residue", "letter", "received_change", "others_mean", "others_sd"],
      rows: Array.from({ length }, (_, i) => {
        const { value, mean, sd } = changed(i + 1);
        return [view.number(i + 1), protein.letters[i], value, mean, sd];
      }),
    }),
  });
  const put = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const element of view.root.querySelectorAll(`[data-text="${name}"]`)) {
      element.textContent = text;
    }
  };
  const follow = () => {
    const item = shown(), own = state.chosen.item;
    put("mutation", mutant().name);
    put("mutant-head", nameOf(item));
    put(
      "mutant-measures",
      `— change ${short(at(item, "change"))}, others ${short(at(item, "others_mean"))}, rank ${
        at(item, "rank")
      } of ${mutant().others + 1}; sites ${short(at(item, "sites_change"))}`,
    );
    put(
      "unprofiled",
      own === item || own < 0 ? "" : `; ${nameOf(own)} is not among the heads that they are of`,
    );
  };
  const choose = (/** @type {number} */ m) => {
    chosen = m;
    grid.draw();
    received.repaint();
    follow();
  };
  chooseOne(view.root, "mutation", (value) => choose(Number(value)));
  chooseOne(view.root, "quantity", (value) => {
    quantity = value;
    grid.draw();
  });
  state.follow((changes) => {
    if (changes.has("item")) follow();
  });
  follow();
}
