// @ts-check
/// <reference lib="dom" />
/** The page of predicted contacts. */
import { bytesOf, floatsOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { fixed, percent, short } from "../../report/client/numbers.js";
import { channels } from "../../report/client/palette.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { chooseOne, start } from "../../report/client/start.js";
import { headGrid } from "../../report/figures/head_grid/head_grid.js";
import { histogram } from "../../report/figures/histogram/histogram.js";
import { lines } from "../../report/figures/lines/lines.js";
import { pairMap, sequential } from "../../report/figures/pair_map/pair_map.js";
import { readShape, structure } from "../../report/figures/structure/structure.js";
import { drawChange } from "./change.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/figures/lines/lines.js").Curve} Curve */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */
/** @typedef {[i: number, j: number, score: number, contact: 0 | 1 | null]} Pair */

/**
 * `pairs` are the L highest of each choice of range, highest first.
 * @typedef {{
 *   value: string, max: number, low: number, high: number, side: number, bin: number, hasTruth: boolean, cutoff?: number,
 *   pairs: Record<"all" | "long", Pair[]>, authors?: { chain: string, labels: string[] },
 *   curves: Curve[], headRows?: { layers: number[], heads: number, rows: (number | null)[][] },
 *   contexts: { name: string, curves: Curve[] }[], change?: import("./change.js").ChangeData,
 * }} ContactData
 */

const CONTACT = 1, UNKNOWN = 2;

/** @param {View} view @param {ContactData} data */
async function setUp(view, data) {
  const { state, protein } = view, { length } = state, { root } = view;
  const exact = await floatsOf(root, "scores"), steps = await bytesOf(root, "steps");
  const truth = await bytesOf(root, "truth"), places = await floatsOf(root, "places");
  const cell = (/** @type {number} */ i, /** @type {number} */ j) => {
    const low = Math.min(i, j) - 1, high = Math.max(i, j) - 1;
    return low * length - low * (low - 1) / 2 + high - low;
  };
  const binned = (/** @type {number} */ i, /** @type {number} */ j) =>
    Math.floor((Math.min(i, j) - 1) / data.bin) * data.side +
    Math.floor((Math.max(i, j) - 1) / data.bin);
  const score = (/** @type {number} */ i, /** @type {number} */ j) => {
    if (exact) return exact[cell(i, j)];
    const step = steps?.[binned(i, j)] ?? 0;
    return step === 0 ? NaN : (step - 1) / 254 * data.max;
  };
  const marks = (/** @type {number} */ i, /** @type {number} */ j) =>
    truth?.[binned(i, j)] ?? UNKNOWN;
  const distance = (/** @type {number} */ i, /** @type {number} */ j) =>
    places
      ? Math.hypot(...[0, 1, 2].map((k) => places[3 * i - 3 + k] - places[3 * j - 3 + k]))
      : NaN;
  let range = /** @type {"all" | "long"} */ ("long"), share = 1;
  /** @type {Pair[]} */
  let taken = [];
  const take = () => {
    taken = data.pairs[range].slice(0, Math.max(1, Math.floor(share * length)));
  };
  take();

  const best = new Float32Array(length);
  for (const [i, j, s] of data.pairs.long) {
    best[i - 1] = Math.max(best[i - 1], s);
    best[j - 1] = Math.max(best[j - 1], s);
  }
  const author = (/** @type {number} */ i) => {
    const label = data.authors?.labels[i - 1];
    return label ? (data.authors?.chain ? `${data.authors.chain}/` : "") + label : undefined;
  };
  /** @param {number} i @param {number} j @returns {Fact[]} */
  const facts = (i, j) => {
    const value = score(i, j), bits = marks(i, j), away = distance(i, j);
    return [
      [
        data.value,
        Number.isNaN(value) ? "not predicted" : (exact ? "" : "about ") + short(value),
        exact && !Number.isNaN(value) ? String(value) : undefined,
      ],
      ["separation", String(Math.abs(i - j))],
      ...(data.hasTruth
        ? [
          /** @type {Fact} */ ([
            "contact",
            bits & UNKNOWN ? "not known" : bits & CONTACT ? "yes" : "no",
          ]),
        ]
        : []),
      ...(data.authors
        ? [/** @type {Fact} */ (["in the structure", `${author(i) ?? "–"} ${author(j) ?? "–"}`])]
        : []),
      ...(Number.isNaN(away)
        ? []
        : [/** @type {Fact} */ (["distance", `${away.toFixed(1)}\u202fÅ`])]),
    ];
  };

  const map = pairMap(view, view.frame("map"), {
    ...{ rows: "residue", columns: "residue" },
    label: () => `Contact map of ${protein.id}, ${length} by ${length} residues`,
    version: () => "map",
    colour(row, column, palette) {
      if (row <= column || !data.hasTruth) {
        const value = score(row, column);
        return Number.isNaN(value)
          ? undefined
          : sequential((value - data.low) / (data.high - data.low));
      }
      const bits = marks(row, column);
      return bits & UNKNOWN
        ? undefined
        : bits & CONTACT && Math.abs(row - column) >= 6
        ? grey(palette)
        : paper(palette);
    },
    facts,
    over(pen, x, y, palette) {
      pen.strokeStyle = palette.of("strong-rule");
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(x.at(x.first) - x.cell / 2, y.at(y.first) - y.cell / 2);
      pen.lineTo(x.at(x.last) + x.cell / 2, y.at(y.last) + y.cell / 2);
      pen.stroke();
      const side = Math.max(2.5, x.cell * 0.8);
      for (const [i, j, , contact] of taken) {
        if (!x.shows(i) || !y.shows(j)) continue;
        pen.fillStyle = palette.of(contact === null ? "ink" : contact ? "blue" : "orange");
        // Below the diagonal: what was predicted, on what is true.
        pen.fillRect(x.at(i) - side / 2, y.at(j) - side / 2, side, side);
      }
    },
    data: () => ({
      columns: ["i", "j", data.value, "contact"],
      rows: taken.map(([i, j, s, contact]) => [i, j, s, contact ?? ""]),
    }),
  });

  /** @type {{ redraw: () => void } | undefined} */
  let shape;
  const drawn = await readShape(root);
  if (drawn) {
    let showWrong = true;
    shape = structure(view, view.frame("structure"), {
      ...drawn,
      label: () => `Structure of ${protein.id}`,
      colour: (residue, palette) => {
        const kind = protein.secondary?.[residue - 1];
        return palette.of(kind === "H" ? "violet" : kind === "E" ? "ochre" : "grey");
      },
      links: () =>
        taken.filter(([, , , contact]) => showWrong || contact === 1).map(([a, b, , contact]) => ({
          ...{ a, b, colour: contact === 1 ? "blue" : "orange" },
          ...{ dashed: contact !== 1, width: contact === 1 ? 1.4 : 0.6 },
        })),
      facts: (residue) => [["highest long-range", short(best[residue - 1])]],
    });
    const toggle = root.querySelector("[data-do=wrong]");
    toggle?.addEventListener("click", () => {
      showWrong = !showWrong;
      toggle.setAttribute("aria-pressed", String(showWrong));
      shape?.redraw();
    });
  }

  if (view.has("precision")) {
    lines(view, view.frame("precision"), {
      ...{ x: "highest pairs taken, as a multiple of L", y: "precision", isPercent: true },
      label: () => "Share of contacts among the highest pairs, by range",
      curves: () => data.curves,
      xTicks: [[0.2, "L/5"], [0.5, "L/2"], [1, "L"], [2, "2 L"]],
      data: () => ({
        columns: ["range", "share_of_l", "precision"],
        rows: data.curves.flatMap(({ name, points }) => points.map(([x, y]) => [name, x, y])),
      }),
    });
  }
  /** @type {{ repaint: () => void } | undefined} */
  let distances;
  if (view.has("distances")) {
    const cutoff = data.cutoff ?? 8;
    const values = () => taken.map(([i, j]) => distance(i, j)).filter((x) => !Number.isNaN(x));
    distances = histogram(view, view.frame("distances"), {
      values,
      ...{ bin: 4, from: 0, to: 40, x: "Cβ–Cβ distance, Å", y: "pairs", needs: ["item"] },
      colour: (middle) => middle < cutoff ? "blue" : "orange",
      line: { at: cutoff, name: `${cutoff}\u202fÅ: contact` },
      label: () => "Distances of the highest pairs in the structure",
      data: () => ({
        columns: ["i", "j", "distance"],
        rows: taken.map(([i, j]) => [i, j, distance(i, j)]),
      }),
    });
  }
  if (data.headRows && view.has("heads")) {
    const { layers, heads, rows } = data.headRows;
    const at = (/** @type {number} */ item) =>
      rows[item][2] ?? rows[item][1] ?? rows[item][0] ?? NaN;
    const most = Math.max(0.01, ...rows.map((_, item) => at(item)).filter((x) => !Number.isNaN(x)));
    const nameOf = (/** @type {number} */ item) =>
      `layer ${layers[Math.floor(item / heads)]} head ${item % heads}`;
    headGrid(view, view.frame("heads"), {
      ...{
        layers,
        heads,
        label: "Layers in rows, heads in columns; arrow keys move",
        kind: () => "s",
      },
      share: (item) => at(item) / most,
      text: (item) => fixed(100 * at(item), 0),
      isOutlined: () => false,
      outlined: "none",
      describe: (item) => `${nameOf(item)}, precision at L ${percent(at(item))}`,
      facts: (item) =>
        ["short", "medium", "long"].map((
          name,
          r,
        ) => /** @type {Fact} */ ([
          name,
          percent(rows[item][r] ?? NaN),
          String(rows[item][r] ?? NaN),
        ])),
      data: () => ({
        columns: ["layer", "head", "precision_l_short", "precision_l_medium", "precision_l_long"],
        rows: rows.map((row, item) => [
          ...[layers[Math.floor(item / heads)], item % heads],
          ...row.map((x) => x ?? NaN),
        ]),
      }),
    });
  }
  data.contexts.forEach(({ curves }, k) => {
    lines(view, view.frame(`context-${k}`), {
      ...{ x: "residues unmasked", y: "recovery", curves: () => curves, yRange: [0, 1.1] },
      label: () => `Recovery of the contacts of ${data.contexts[k].name}`,
      data: () => ({
        columns: ["mode", "unmasked", "recovery"],
        rows: curves.flatMap(({ name, points }) => points.map(([x, y]) => [name, x, y])),
      }),
    });
  });

  if (data.change) await drawChange(view, data.change, data);

  const table = /** @type {HTMLTableElement | null} */ (root.querySelector("[data-table=pairs]"));
  const linked = table && linkedTable(view, table);
  const list = () => {
    if (!table) return;
    const body = table.tBodies[0];
    body.replaceChildren(
      ...taken.slice(0, 12).map(([i, j, s, contact]) => {
        const row = document.createElement("tr"), away = distance(i, j);
        row.dataset.residue = String(i);
        row.dataset.partner = String(j);
        const name = document.createElement("button");
        name.type = "button";
        name.textContent = `${view.name(i)} – ${view.name(j)}`;
        row.insertCell().append(name);
        for (
          const text of [
            s.toFixed(3),
            String(j - i),
            ...(places ? [fixed(away, 1)] : []),
            ...(data.hasTruth ? [contact === null ? "not known" : contact ? "yes" : "no"] : []),
          ]
        ) row.insertCell().textContent = text;
        return row;
      }),
    );
    linked?.mark();
  };
  list();
  const change = () => {
    take();
    list();
    map.repaint();
    distances?.repaint();
    shape?.redraw();
  };
  chooseOne(root, "range", (value) => {
    range = value === "all" ? "all" : "long";
    change();
  });
  chooseOne(root, "share", (value) => {
    share = Number(value);
    change();
  });
  residueBar(view, {
    quantity: () => `highest long-range ${data.value}`,
    value: (residue) => (best[residue - 1] - data.low) / (data.high - data.low),
    facts(residue) {
      const { partner } = state.chosen;
      if (partner && residue === state.chosen.residue) return facts(residue, partner);
      const partners = data.pairs.all.filter(([i, j]) => i === residue || j === residue).slice(
        0,
        3,
      );
      return [
        ["highest long-range", short(best[residue - 1])],
        ...(partners.length > 0
          ? [
            /** @type {Fact} */ ([
              "highest partners",
              partners.map(([i, j, s]) => `${view.name(i === residue ? j : i)} ${short(s)}`).join(
                ", ",
              ),
            ]),
          ]
          : []),
      ];
    },
  });
}

/** @param {import("../../report/client/palette.js").Palette} palette */
const grey = (palette) => channelsOf(palette, "grey");
/** @param {import("../../report/client/palette.js").Palette} palette */
const paper = (palette) => channelsOf(palette, "paper");

/** The same object for the same colour, which the map remembers.
 * @type {Map<string, import("../../report/client/palette.js").Rgb>} */
const known = new Map();

/** @param {import("../../report/client/palette.js").Palette} palette @param {string} name */
function channelsOf(palette, name) {
  const css = palette.of(name);
  let found = known.get(css);
  if (!found) known.set(css, found = channels(css));
  return found;
}

/**
 * @param {View} view
 * @param {{ headline: { name: string, curves: Curve[] }[] }} data
 */
function setUpSummary(view, data) {
  data.headline.forEach(({ name, curves }, k) => {
    lines(view, view.frame(`headline-${k}`), {
      ...{ x: "residues unmasked", y: "share recovered", curves: () => curves, yRange: [0, 1] },
      isPercent: true,
      label: () => `Share of contacts recovered, ${name}`,
      data: () => ({
        columns: ["mode", "unmasked", "share", "low", "high"],
        rows: curves.flatMap(({ name, points, low, high }) =>
          points.map(([x, y], i) => [name, x, y, low?.[i] ?? "", high?.[i] ?? ""])
        ),
      }),
    });
  });
}

start(setUp, setUpSummary);
