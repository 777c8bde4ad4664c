// @ts-check
/// <reference lib="dom" />
/** The page of latents behind mutations: one mutation at one layer on view, chosen latents as its items. */
import { linkedTable } from "../../report/client/linked_table.js";
import { fixed, short } from "../../report/client/numbers.js";
import { css, shade } from "../../report/client/palette.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { start } from "../../report/client/start.js";
import { lines } from "../../report/figures/lines/lines.js";
import { rowMap } from "../../report/figures/row_map/row_map.js";
import { strips } from "../../report/figures/strips/strips.js";
import { readShape, structure } from "../../report/figures/structure/structure.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/figures/lines/lines.js").Curve} Curve */
/** @typedef {import("../../report/figures/strips/strips.js").Row} Row */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/**
 * Points: value, latent, token, how far it moves, the latent beside which it stands, how many at once.
 * @typedef {{
 *   name: string, fact: string, points: (number | null)[][], low?: number, high?: number, stem?: boolean,
 *   colour?: string, hollow?: boolean,
 * }} Group
 */

/**
 * `rows` are latents, −1 the error terms, by which `item` counts; nodes hold latent, token and `columns`.
 * @typedef {{
 *   name: string, mutation: string, layer: number, marks: number[], answer: string, method: string,
 *   rows: number[], nodes: number[][], listed: number[], held: string, cap: number, groups: Group[],
 *   reference?: number, curves: Curve[],
 * }} Entry
 * @typedef {{
 *   number: number, columns: string[], combine: "sum" | "largest", axis: string,
 *   curves?: { x: string, y: string }, first: number, entries: Entry[],
 * }} SaeData
 */

/** Shows an entry of a protein's view. @type {Map<number, (entry: number) => void>} */
const views = new Map();
/** What to show when a protein is first opened. @type {Map<number, number>} */
const wanted = new Map();

/** Residues that are shown to either side where effects are at few places, and how many these are. */
const BESIDE = 8, FEW = 30;

const titleOf = (/** @type {number} */ latent) => latent < 0 ? "error terms" : `latent ${latent}`;

/** @param {View} view @param {SaeData} data */
async function setUp(view, data) {
  const { state, root, protein } = view, { columns, entries } = data, { length } = state;
  let entry = entries[wanted.get(data.number) ?? data.first];
  const placeOf = (/** @type {number} */ token) =>
    token === 0 ? "<cls>" : token > length ? "<eos>" : view.name(token);
  /** Nodes of the entry by row and token. @type {Map<number, number[]>} */
  let nodeAt = new Map();
  /** Of all rows together at each token. @type {Map<number, number>} */
  let together = new Map();
  const index = () => {
    nodeAt = new Map();
    together = new Map();
    for (const node of entry.nodes) {
      const [latent, token, effect] = node, before = together.get(token) ?? 0;
      nodeAt.set(entry.rows.indexOf(latent) * (length + 2) + token, node);
      if (data.combine === "sum") together.set(token, before + effect);
      else if (Math.abs(effect) > Math.abs(before)) together.set(token, effect);
    }
  };
  index();
  const find = (/** @type {number} */ row, /** @type {number} */ token) =>
    nodeAt.get(row * (length + 2) + token);
  /** The chosen latent's effect at a token, or that of all. @param {number} token */
  const effectAt = (token) => {
    const { item } = state.chosen;
    return item < 0 ? together.get(token) ?? NaN : find(item, token)?.[2] ?? NaN;
  };
  const chosenName = () =>
    state.chosen.item < 0
      ? data.combine === "sum" ? "sum over the latents drawn" : "largest of any latent"
      : titleOf(entry.rows[state.chosen.item]);
  const share = (/** @type {number} */ value) => 0.5 + value / entry.cap / 2;
  /** @param {readonly number[] | undefined} node @returns {Fact[]} */
  const factsOf = (node) =>
    node
      ? columns.map((name, c) => [
        name.replaceAll("_", " "),
        short(node[c + 2] ?? NaN),
        String(node[c + 2] ?? NaN),
      ])
      : [[columns[0], "none here"]];
  const nodeRows = (/** @type {readonly number[][]} */ nodes) => ({
    columns: ["latent", "residue", ...columns],
    rows: nodes.map(([latent, token, ...rest]) => [
      latent < 0 ? "error" : latent,
      placeOf(token),
      ...rest,
    ]),
  });

  const map = rowMap(view, view.frame("map"), {
    axis: "latent",
    ends: ["<cls>", "<eos>"],
    label: () => `Effects of ${entry.rows.length} latents at the residues of ${protein.id}`,
    rows: () => entry.rows.map((latent) => latent < 0 ? "error" : String(latent)),
    titleOf: (row) => titleOf(entry.rows[row]),
    cells: () =>
      entry.nodes.map(([latent, token, value]) => ({
        ...{ row: entry.rows.indexOf(latent), token, value },
      })),
    colour: (value, palette) => shade(palette.d, share(value)),
    facts: (row, token) => factsOf(find(row, token)),
    data: () => nodeRows(entry.nodes.toReversed()),
  });

  /** @param {number | null} latent @param {number | null} token */
  const selects = (latent, token) => ({
    ...(latent !== null && entry.rows.includes(latent) && { item: entry.rows.indexOf(latent) }),
    ...(token !== null && token > 0 && token <= length && { residue: token }),
  });
  const controls = () => entry.groups.filter(({ hollow }) => hollow);
  /** @param {Group} group @param {(number | null)[]} point */
  const pointOf = (group, point) => {
    const [value, latent = null, token = null, delta = null, matched = null, many] = point;
    /** @type {Fact[]} */
    const facts = [[group.fact.replaceAll("_", " "), short(value ?? NaN), String(value ?? NaN)]];
    if (delta !== null) facts.push(["delta", short(delta), String(delta)]);
    if (matched !== null) facts.push(["matched latent", String(matched)]);
    if (many) facts.push(["latents", String(many)]);
    return {
      value: value ?? NaN,
      title: latent === null
        ? group.name
        : `${group.name}: latent ${latent} at ${placeOf(token ?? 0)}`,
      facts,
      hollow: group.hollow,
      // A control is not a row of the map: it selects what it stands beside.
      ...(latent === null ? {} : selects(matched ?? latent, token)),
    };
  };
  const ranked = strips(view, view.frame("ranked"), {
    axis: () => columns[0],
    label: () => `The largest effects of ${entry.name}`,
    rows: () =>
      entry.listed.map((at) => {
        const node = entry.nodes[at], [latent, token, value] = node;
        const own = { ...selects(latent, token) };
        return {
          name: `${latent < 0 ? "error" : latent} · ${placeOf(token)}`,
          ...own,
          stem: true,
          points: [
            {
              value,
              title: `${titleOf(latent)} at ${placeOf(token)}`,
              facts: factsOf(node),
              ...own,
            },
            ...controls().flatMap((group) =>
              group.points.filter((point) => point[4] === latent && point[2] === token)
                .map((point) => pointOf(group, point))
            ),
          ],
        };
      }),
    data: () => nodeRows(entry.listed.map((at) => entry.nodes[at])),
  });
  const groups = strips(view, view.frame("groups"), {
    axis: () => data.axis,
    reference: () => entry.reference,
    label: () => `What the effects of ${entry.name} are compared with`,
    rows: () =>
      entry.groups.map((group) => ({
        ...{ name: group.name, low: group.low, high: group.high, stem: group.stem },
        ...{ colour: group.colour, points: group.points.map((point) => pointOf(group, point)) },
      })),
    data: () => groupRows(entry.groups),
  });
  const curves = data.curves && lines(view, view.frame("curves"), {
    ...data.curves,
    ...{ isLog: true, isPercent: true, curves: () => entry.curves },
    label: () => `${data.curves?.y} by ${data.curves?.x} of ${entry.name}`,
    data: () => curveRows(entry.curves, data.curves?.x ?? "x", data.curves?.y ?? "y"),
  });
  const along = view.has("along")
    ? track(view, view.frame("along"), {
      name: columns[0],
      label: () => `${columns[0]} along the sequence, ${chosenName()}`,
      values: () => Float64Array.from({ length }, (_, i) => effectAt(i + 1)),
      colour: () => "blue",
      facts: (residue) => [[chosenName(), short(effectAt(residue)), String(effectAt(residue))]],
      data: () => ({
        columns: ["residue", "letter", columns[0]],
        rows: Array.from(
          { length },
          (_, i) => [view.number(i + 1), protein.letters[i], effectAt(i + 1)],
        ),
      }),
    })
    : undefined;

  const shape = await readShape(root);
  const drawn = shape && structure(view, view.frame("structure"), {
    ...shape,
    label: () => `Structure of ${protein.id}`,
    colour(residue, palette) {
      const value = effectAt(residue);
      return Number.isNaN(value) ? palette.of("grey") : css(shade(palette.d, share(value)));
    },
    facts: (residue) => [[chosenName(), short(effectAt(residue))]],
  });

  const bar = residueBar(view, {
    kind: "d",
    mark: "mutated",
    quantity: () => `${columns[0]}, ${chosenName()}`,
    value: (residue) => share(effectAt(residue)),
    facts(residue) {
      const here = entry.nodes.filter(([, token]) => token === residue)
        .sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
      if (here.length === 0) return [[columns[0], "none here"]];
      const value = effectAt(residue);
      return [
        [
          `${chosenName()}:`,
          Number.isNaN(value) ? "none here" : short(value),
          String(value),
        ],
        [
          "strongest",
          here.slice(0, 3).map(([latent, , effect]) =>
            `${latent < 0 ? "error" : latent} ${short(effect)}`
          ).join(", "),
        ],
      ];
    },
  });

  const table = /** @type {HTMLTableElement} */ (root.querySelector("[data-table=nodes]"));
  const linked = linkedTable(view, table);
  const list = () => {
    table.tBodies[0].replaceChildren(...entry.listed.map((at) => {
      const [latent, token, ...values] = entry.nodes[at],
        { item, residue } = selects(latent, token);
      const row = document.createElement("tr"), name = document.createElement("button");
      if (item !== undefined) row.dataset.item = String(item);
      if (residue !== undefined) row.dataset.residue = String(residue);
      name.type = "button";
      name.textContent = titleOf(latent);
      row.insertCell().append(name);
      row.insertCell().textContent = placeOf(token);
      for (const value of values) row.insertCell().textContent = short(value);
      return row;
    }));
    linked.mark();
  };
  const put = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const element of root.querySelectorAll(`[data-text="${name}"]`)) {
      element.textContent = text;
    }
  };
  const every = /** @type {HTMLButtonElement} */ (root.querySelector("[data-do=every]"));
  every.addEventListener("click", () => state.set({ item: -1 }));
  state.follow((changed) => {
    if (!changed.has("item")) return;
    every.disabled = state.chosen.item < 0;
    put("item", chosenName());
    bar.change();
    drawn?.redraw();
  });

  const pick = /** @type {HTMLSelectElement | null} */ (root.querySelector("[data-pick=entry]"));
  const show = (/** @type {number} */ at) => {
    entry = entries[at];
    index();
    view.protein.marks = entry.marks;
    if (pick) pick.value = String(at);
    state.set({ item: -1 });
    put("entry", entry.name);
    put("answer", entry.answer);
    put("method", entry.method);
    put("held", entry.held);
    put("item", chosenName());
    put("low", `≤ ${fixed(-entry.cap, places(entry.cap))}`);
    put("high", `≥ ${fixed(entry.cap, places(entry.cap))}`);
    put("listed", `${entry.listed.length} of ${entry.nodes.length} drawn`);
    // Effects at few places are shown from near; the bar's buttons show all.
    const there = [...entry.nodes.map(([, token]) => token), ...entry.marks]
      .filter((token) => token > 0 && token <= length);
    const from = Math.min(...there), to = Math.max(...there);
    if (to - from < FEW) state.show(from - BESIDE, to + BESIDE);
    else state.show(1, length);
    list();
    for (const figure of [map, ranked, groups, curves, along]) figure?.repaint();
    bar.change();
    drawn?.redraw();
  };
  pick?.addEventListener("change", () => show(Number(pick.value)));
  views.set(data.number, show);
  show(entries.indexOf(entry));
}

/** Decimals that a scale's end needs. @param {number} value */
const places = (value) => Math.max(0, 1 - Math.floor(Math.log10(value)));

/** @param {readonly Group[]} groups */
const groupRows = (groups) => ({
  columns: ["group", "quantity", "value", "latent", "matched_latent"],
  rows: groups.flatMap(({ name, fact, points }) =>
    points.map(([value, latent, , , matched]) => [
      ...[name, fact, value ?? "", latent ?? "", matched ?? ""],
    ])
  ),
});

/** @param {readonly Curve[]} curves @param {string} x @param {string} y */
const curveRows = (curves, x, y) => ({
  columns: ["curve", x, y, "low", "high"],
  rows: curves.flatMap(({ name, points, low, high }) =>
    points.map(([px, py], k) => [name, px, py, low?.[k] ?? "", high?.[k] ?? ""])
  ),
});

/**
 * @param {View} view
 * @param {{
 *   charts: { title: string, x: string, y: string, curves: Curve[], isPercent?: boolean, isLog?: boolean }[],
 *   groups: Group[],
 * }} data
 */
function setUpSummary(view, data) {
  data.charts.forEach((chart, k) => {
    lines(view, view.frame(`chart-${k}`), {
      ...chart,
      curves: () => chart.curves,
      ...(chart.x === "layer" && {
        xTicks: chart.curves[0].points.map((
          [layer],
        ) => /** @type {[number, string]} */ ([layer, String(layer)])).filter((_, i, all) =>
          i % Math.ceil(all.length / 12) === 0
        ),
      }),
      label: () => `${chart.title}: ${chart.y} by ${chart.x}`,
      data: () => curveRows(chart.curves, chart.x, chart.y),
    });
  });
  if (data.groups.length > 0) {
    strips(view, view.frame("groups"), {
      axis: () => "change of the score",
      label: () => "Changes over all mutations, beside their controls",
      rows: () =>
        data.groups.map((group) => ({
          ...{ name: group.name, colour: group.colour },
          points: group.points.map(([value]) => ({
            ...{ value: value ?? NaN, title: group.name, hollow: group.hollow },
            facts: [[group.fact, short(value ?? NaN), String(value ?? NaN)]],
          })),
        })),
      data: () => groupRows(data.groups),
    });
  }
  view.root.addEventListener("click", (event) => {
    const { go } = /** @type {HTMLElement} */ (event.target).dataset;
    if (!go) return;
    const [number, entry] = go.split(":").map(Number), show = views.get(number);
    const fold = document.getElementById(`protein-${number}`);
    if (show) show(entry);
    else wanted.set(number, entry);
    if (fold instanceof HTMLDetailsElement) fold.open = true;
    (fold ?? document.querySelector("[data-view]"))?.scrollIntoView({ block: "start" });
  });
}

start(setUp, setUpSummary);
