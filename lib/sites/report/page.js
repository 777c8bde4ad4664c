// @ts-check
/// <reference lib="dom" />
/** The page of attention to sites. */
import { bytesOf, floatsOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { fixed, short } from "../../report/client/numbers.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { chooseOne, start } from "../../report/client/start.js";
import { headGrid } from "../../report/figures/head_grid/head_grid.js";
import { intervalRows } from "../../report/figures/interval_rows/interval_rows.js";
import { pairMap, sequential } from "../../report/figures/pair_map/pair_map.js";
import { track } from "../../report/figures/track/track.js";
import { drawAdapter } from "./adapter.js";
import { drawMutants } from "./mutants.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/**
 * `columns` are names and labels of heads.csv behind `protein`; `rows` their values by head.
 * @typedef {{
 *   layers: number[], heads: number, columns: { name: string, label: string }[],
 *   rows: (number | null)[][], sensitive: number[], order: number[], rule: string,
 *   maps: { item: number, max: number }[], side: number, bin: number,
 *   zEnd: number, impactEnd: number, mutants?: import("./mutants.js").MutantData,
 *   adapter?: import("./adapter.js").AdapterData,
 * }} SiteData
 */

/**
 * Reads rows of heads, the first two columns of which are layer and head.
 *
 * @param {Pick<SiteData, "columns" | "rows">} data
 */
function readHeads({ columns, rows }) {
  const names = columns.map(({ name }) => name);
  const at = (/** @type {number} */ item, /** @type {string} */ name) =>
    rows[item][names.indexOf(name)] ?? NaN;
  return {
    at,
    nameOf: (/** @type {number} */ item) => `layer ${at(item, "layer")} head ${at(item, "head")}`,
    facts: (/** @type {number} */ item) =>
      names.slice(2).map((name) => {
        const value = at(item, name);
        return /** @type {Fact} */ ([name, short(value), String(value)]);
      }),
    all: () => ({ columns: names, rows: rows.map((row) => row.map((x) => x ?? NaN)) }),
  };
}

/** Heads that are drawn against random sites, and that the table has. */
const SHOWN = 10;

/** @param {View} view @param {SiteData} data */
async function setUp(view, data) {
  const { layers, heads } = data, { state, protein } = view;
  const { at, nameOf, facts, all } = readHeads(data);
  const sensitive = new Set(data.sensitive);
  const marks = new Set(protein.marks ?? []);
  const maps = await Promise.all(data.maps.map((_, m) => bytesOf(view.root, `map-${m}`)));
  const received = await floatsOf(view.root, "received"), { length } = state;
  const mapOf = (/** @type {number} */ item) => data.maps.findIndex((map) => map.item === item);
  /** The head of the map on view: the chosen one, or the first where that has no map. */
  const shown = () => mapOf(state.chosen.item) >= 0 ? state.chosen.item : data.maps[0]?.item ?? -1;
  /** @param {number} row @param {number} column */
  const attention = (row, column, item = shown()) => {
    const m = mapOf(item);
    if (m < 0) return NaN;
    const place = Math.floor((row - 1) / data.bin) * data.side +
      Math.floor((column - 1) / data.bin);
    return data.maps[m].max * ((maps[m]?.[place] ?? NaN) / 255) ** 2;
  };
  const receives = (/** @type {number} */ residue, item = shown()) =>
    received?.[mapOf(item) * length + residue - 1] ?? NaN;
  /** Mean over residues of what each receives, by map.
   * @type {number[]} */
  const means = data.maps.map((_, m) => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += received?.[m * length + i] ?? NaN;
    return sum / length;
  });
  const mean = () => means[mapOf(shown())] ?? NaN;
  state.set({ item: data.order[0] ?? -1 });

  let measure = /** @type {"z" | "impact"} */ ("z");
  const ends = { z: data.zEnd, impact: data.impactEnd };
  const grid = headGrid(view, view.frame("heads"), {
    ...{ layers, heads, label: "Layers in rows, heads in columns; arrow keys move" },
    kind: () => measure === "z" ? "d" : "s",
    share: (item) =>
      measure === "z" ? 0.5 + at(item, "z") / ends.z / 2 : at(item, "impact") / ends.impact,
    text: (item) => fixed(at(item, measure), 1),
    isOutlined: (item) => sensitive.has(item),
    outlined: `sensitive: ${data.rule}`,
    describe: (item) =>
      `${nameOf(item)}, ${measure} ${short(at(item, measure))}${
        sensitive.has(item) ? ", sensitive" : ""
      }`,
    facts,
    data: all,
  });
  const ramps = /** @type {NodeListOf<HTMLElement>} */ (view.root.querySelectorAll("[data-ramp]"));
  const legend = () => {
    for (const ramp of ramps) ramp.hidden = ramp.dataset.ramp !== measure;
  };
  legend();
  chooseOne(view.root, "measure", (value) => {
    measure = value === "z" ? "z" : "impact";
    legend();
    grid.draw();
  });

  intervalRows(view, view.frame("random"), {
    ...{ head: "head", columns: ["z", "q"], axis: "impact", chance: 1, chanceName: "random sites" },
    least: data.impactEnd,
    label: () => "Impact of the highest heads beside the range of random site sets",
    rows: () =>
      data.order.slice(0, SHOWN).map((item) => {
        const spread = 2 * at(item, "baseline_sd") / at(item, "baseline_mean");
        return {
          item,
          name: `${at(item, "layer")}:${at(item, "head")}`,
          value: at(item, "impact"),
          low: 1 - spread,
          high: 1 + spread,
          filled: sensitive.has(item),
          numbers: [fixed(at(item, "z"), 2), fixed(at(item, "q_bh"), 3)],
        };
      }),
    facts: ({ item }) => facts(item),
    data: all,
  });

  if (view.has("map")) {
    pairMap(view, view.frame("map"), {
      rows: "residue that looks (query)",
      columns: "residue looked at (key)",
      label: () => `Attention map of ${nameOf(shown())}, ${length} by ${length} residues`,
      version: shown,
      colour: (row, column) =>
        sequential(Math.sqrt(attention(row, column) / data.maps[mapOf(shown())].max)),
      facts: (row, column) => [
        [
          data.bin > 1 ? "attention, largest about here" : "attention",
          short(attention(row, column)),
        ],
        ...(marks.has(column) ? [/** @type {[string, string]} */ (["looks at", "a site"])] : []),
      ],
      over(pen, x, y, palette) {
        pen.globalAlpha = 0.55;
        pen.fillStyle = palette.of("site");
        for (const mark of marks) {
          if (x.shows(mark)) pen.fillRect(x.at(mark) - 0.6, y.left, 1.2, y.width);
        }
        pen.globalAlpha = 1;
      },
    });
    track(view, view.frame("received"), {
      name: "received",
      label: () => `Attention that each residue receives in ${nameOf(shown())}`,
      values: () => {
        const begin = mapOf(shown()) * length;
        return received?.subarray(begin, begin + length) ?? [];
      },
      least: 1,
      reference: () => ({ at: mean(), name: `mean ${short(mean())}` }),
      facts: (residue) => [["receives", short(receives(residue))]],
      data: () => ({
        columns: ["residue", "letter", "received"],
        rows: Array.from(
          { length },
          (_, i) => [view.number(i + 1), protein.letters[i], receives(i + 1)],
        ),
      }),
    });
  }
  const table = linkedTable(
    view,
    /** @type {HTMLElement} */ (view.root.querySelector("[data-table=heads]")),
  );

  if (data.adapter) await drawAdapter(view, data.adapter, data);
  if (data.mutants) await drawMutants(view, data.mutants, data);

  residueBar(view, {
    quantity: () => maps.length > 0 ? `attention received in ${nameOf(shown())}` : "none",
    value: (residue) => maps.length > 0 ? receives(residue) / (2.5 * mean()) : NaN,
    facts(residue) {
      if (maps.length === 0) return [];
      const { partner } = state.chosen;
      return [
        ["receives", `${short(receives(residue))} in ${nameOf(shown())} (mean ${short(mean())})`],
        ...(partner && residue === state.chosen.residue
          ? [
            /** @type {[string, string]} */ ([
              "looks at",
              `${view.name(partner)} with ${short(attention(residue, partner))}`,
            ]),
          ]
          : []),
      ];
    },
  });

  const step = (/** @type {number} */ by) => {
    const order = data.maps.map(({ item }) => item);
    const next = order[(order.indexOf(shown()) + by + order.length) % order.length];
    state.set({ item: next });
  };
  const on = (/** @type {string} */ name, /** @type {() => void} */ act) =>
    view.root.querySelector(`[data-do="${name}"]`)?.addEventListener("click", act);
  on("previous", () => step(-1));
  on("next", () => step(1));

  const put = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const element of view.root.querySelectorAll(`[data-text="${name}"]`)) {
      element.textContent = text;
    }
  };
  const partners = view.root.querySelector("[data-list=partners]");
  const follow = () => {
    const item = shown();
    if (item < 0) return;
    put("head", nameOf(item));
    put(
      "measures",
      `— impact ${short(at(item, "impact"))}, z ${short(at(item, "z"))}, q ${
        short(at(item, "q_bh"))
      }`,
    );
    const own = state.chosen.item;
    put("unmapped", own === item ? "" : ` (${nameOf(own)} has no map here: only the highest have)`);
    const residue = state.chosen.residue || protein.marks?.[0] || 1;
    put("residue", view.name(residue));
    partners?.replaceChildren(
      ranks("Looks at", (other) => attention(residue, other), view),
      ranks("Is looked at by", (other) => attention(other, residue), view),
    );
    table.mark();
  };
  partners?.addEventListener("click", (event) => {
    const { residue } = /** @type {HTMLElement} */ (event.target).dataset;
    if (residue) state.select(Number(residue));
  });
  state.follow((changed) => {
    if (changed.has("item") || changed.has("residue")) follow();
  });
  follow();
}

/** The residues of the ten highest values.
 * @param {string} title @param {(residue: number) => number} value @param {View} view */
function ranks(title, value, view) {
  const box = document.createElement("div"), head = document.createElement("h3");
  const list = document.createElement("ol");
  head.textContent = title;
  box.append(head, list);
  const values = Array.from(
    { length: view.state.length },
    (_, i) => /** @type {[number, number]} */ ([i + 1, value(i + 1)]),
  );
  const top = values.sort((a, b) => b[1] - a[1]).slice(0, 10).filter(([, x]) => x >= 0.0005);
  for (const [residue, x] of top) {
    const line = document.createElement("li"), button = document.createElement("button");
    const bar = document.createElement("i"), text = document.createElement("span");
    button.type = "button";
    button.dataset.residue = String(residue);
    button.textContent = view.name(residue);
    bar.style.width = `${Math.max(1, 100 * x)}%`;
    text.textContent = fixed(x, 3);
    line.append(button, bar, text);
    list.append(line);
  }
  if (top.length === 0) head.textContent += ": nobody";
  return box;
}

/**
 * @param {View} view
 * @param {{
 *   layers: number[], heads: number, columns: { name: string, label: string }[],
 *   rows: (number | null)[][], order: number[], impactEnd: number, high: number[], rule: string,
 * }} data
 */
function setUpSummary(view, data) {
  const { at, nameOf, facts, all } = readHeads(data);
  const high = new Set(data.high);
  view.state.set({ item: data.order[0] ?? -1 });
  headGrid(view, view.frame("heads"), {
    ...{
      layers: data.layers,
      heads: data.heads,
      label: "Layers in rows, heads in columns; arrow keys move",
    },
    kind: () => "s",
    share: (item) => at(item, "impact_mean") / data.impactEnd,
    text: (item) => fixed(at(item, "impact_mean"), 1),
    isOutlined: (item) => high.has(item),
    outlined: data.rule,
    describe: (item) => `${nameOf(item)}, mean impact ${short(at(item, "impact_mean"))}`,
    facts,
    data: all,
  });
  intervalRows(view, view.frame("spread"), {
    ...{ head: "head", columns: ["mean", "proteins"], axis: "impact, mean ± sd over proteins" },
    ...{ chance: 1, chanceName: "random sites", least: data.impactEnd },
    label: () => "Mean impact of the highest heads with its spread over proteins",
    rows: () =>
      data.order.slice(0, SHOWN).map((item) => ({
        item,
        name: `${at(item, "layer")}:${at(item, "head")}`,
        value: at(item, "impact_mean"),
        low: at(item, "impact_mean") - at(item, "impact_sd"),
        high: at(item, "impact_mean") + at(item, "impact_sd"),
        filled: high.has(item),
        numbers: [fixed(at(item, "impact_mean"), 2), String(at(item, "proteins"))],
      })),
    facts: ({ item }) => facts(item),
    data: all,
  });
}

start(setUp, setUpSummary);
