// @ts-check
/// <reference lib="dom" />
/** The page of embedded proteins. */
import { doublesOf, integersOf } from "../../report/client/data.js";
import { colours as look, keepLook } from "../../report/client/figure.js";
import { fixed, percent, short } from "../../report/client/numbers.js";
import { css, shade } from "../../report/client/palette.js";
import { start } from "../../report/client/start.js";
import { FORMS, pointMap, put } from "../../report/figures/point_map/point_map.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/palette.js").Palette} Palette */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */
/** @typedef {{ kind: "labels", name: string, labels: string[], counts: number[], of: number[] }} Labels */
/** @typedef {{ kind: "numbers", name: string, values: (number | null)[] }} Numbers */
/**
 * @typedef {{
 *   ids: string[], columns: { name: string, values: string[] }[], colours: (Labels | Numbers)[],
 *   colourBy?: string, each: number, method: string,
 * }} MapData
 */

const HUES = ["blue", "orange", "green", "violet", "ochre"];
/** The rest has no colour of its own. */
const REST = /** @type {const} */ ({ colour: "grey", form: "circle" });

/** How the points of a label look. @param {number} label */
const lookOf = (label) =>
  label < 0 || label >= HUES.length * FORMS.length
    ? REST
    : { colour: HUES[label % HUES.length], form: FORMS[Math.floor(label / HUES.length)] };

/** What a legend lists: labels with a colour of their own, the others together, and none.
 * @param {Labels} column */
function entriesOf({ labels, counts, of }) {
  const own = HUES.length * FORMS.length;
  const entries = labels.slice(0, own).map((name, label) => ({
    name,
    label,
    count: counts[label],
  }));
  if (labels.length > own) {
    const rest = counts.slice(own).reduce((a, b) => a + b, 0);
    entries.push({ name: `${labels.length - own} others`, label: -2, count: rest });
  }
  const without = of.filter((label) => label < 0).length;
  if (without > 0) entries.push({ name: "no label", label: -1, count: without });
  return entries;
}

/** @param {View} view @param {MapData} data */
async function setUp(view, data) {
  const { root, state } = view;
  const points = await doublesOf(root, "points"), nearest = await integersOf(root, "nearest");
  const cosines = await doublesOf(root, "cosines"), kept = await doublesOf(root, "kept");
  if (!points || !nearest || !cosines || !kept) return;
  const { ids, columns, colours, each } = data, count = ids.length;
  let colour = colours.find(({ name }) => name === data.colourBy);
  /** Labels that are on view; all, where none is chosen. @type {Set<number>} */
  const only = new Set();
  const labelAt = (/** @type {number} */ item) =>
    colour?.kind === "labels" ? group(colour.of[item]) : -1;
  /** Labels without a colour of their own are one. @param {number} label */
  const group = (label) => label >= HUES.length * FORMS.length ? -2 : label;
  /** Ends of the scale, so that a few outliers do not wash it out. @type {[number, number]} */
  let ends = [0, 1];
  const setEnds = () => {
    if (colour?.kind !== "numbers") return;
    const sorted = colour.values.filter((x) => x !== null).sort((a, b) => a - b);
    ends = [
      sorted[Math.floor(0.02 * (sorted.length - 1))],
      sorted[Math.ceil(0.98 * (sorted.length - 1))],
    ];
  };
  setEnds();
  const valueText = (/** @type {number} */ item) => {
    if (!colour) return "";
    if (colour.kind === "labels") return colour.of[item] < 0 ? "–" : colour.labels[colour.of[item]];
    const value = colour.values[item];
    return value === null ? "–" : short(value);
  };
  const quantities = new Set(
    colours.filter(({ kind }) => kind === "numbers").map(({ name }) => name),
  );
  const textOf = (
    /** @type {{ name: string, values: string[] }} */ { name, values },
    /** @type {number} */ item,
  ) =>
    values[item] === "" ? "–" : quantities.has(name) ? short(Number(values[item])) : values[item];
  const map = pointMap(view, view.frame("map"), {
    x: Float32Array.from({ length: count }, (_, i) => points[2 * i]),
    y: Float32Array.from({ length: count }, (_, i) => points[2 * i + 1]),
    key: () =>
      colour?.kind === "labels"
        ? entriesOf(colour).filter(({ label }) => only.size === 0 || only.has(label))
          .map(({ name, label, count }) => ({ name: `${name} ${count}`, ...lookOf(label) }))
        : [],
    label: () =>
      `Map of ${count} proteins${
        colour ? `, coloured by ${colour.name}` : ""
      }; the field beside it finds one by its id`,
    look(item, palette) {
      if (colour?.kind === "numbers") {
        const value = colour.values[item];
        return value === null ? { colour: palette.of("rule"), form: "circle" } : {
          colour: css(shade(palette.s, (value - ends[0]) / (ends[1] - ends[0] || 1))),
          form: "circle",
        };
      }
      const { colour: name, form } = colour ? lookOf(labelAt(item)) : { ...REST, colour: "blue" };
      return { colour: palette.of(name), form };
    },
    isShown: (item) => only.size === 0 || only.has(labelAt(item)),
    linked: (item) => [...nearest.subarray(item * each, (item + 1) * each)].slice(0, SHOWN),
    title: (item) => ids[item],
    facts: (item) => [
      ...columns.map((
        column,
      ) => /** @type {Fact} */ ([column.name, textOf(column, item), column.values[item]])),
      ["neighbours kept", percent(kept[item]), String(kept[item])],
    ],
    data: () => ({
      columns: ["protein", "x", "y", "kept", ...columns.map(({ name }) => name)],
      rows: ids.map((id, i) => [
        ...[id, points[2 * i], points[2 * i + 1], kept[i]],
        ...columns.map(({ values }) => values[i]),
      ]),
    }),
  });

  const legend = /** @type {HTMLElement} */ (root.querySelector("[data-legend]"));
  const scale = /** @type {HTMLElement | null} */ (root.querySelector("[data-ramp=numbers]"));
  /** @type {(() => void)[]} */
  const swatches = [];
  const listLegend = () => {
    legend.replaceChildren();
    if (scale) {
      scale.hidden = colour?.kind !== "numbers";
      const say = (/** @type {string} */ name, /** @type {string} */ text) => {
        const element = scale.querySelector(`[data-ramp-${name}]`);
        if (element) element.textContent = text;
      };
      if (colour?.kind === "numbers") {
        say("name", colour.name);
        say("low", `≤ ${short(ends[0])}`);
        say("high", `≥ ${short(ends[1])}`);
      }
    }
    if (colour?.kind !== "labels") return;
    for (const { name, label, count } of entriesOf(colour)) {
      const button = document.createElement("button"), swatch = document.createElement("canvas");
      button.type = "button";
      button.setAttribute("aria-pressed", String(only.has(label)));
      button.append(swatch, `${name} ${count}`);
      button.addEventListener("click", () => {
        if (!only.delete(label)) only.add(label);
        button.setAttribute("aria-pressed", String(only.has(label)));
        map.repaint();
      });
      swatches.push(() => {
        swatch.width = swatch.height = 28;
        const pen = /** @type {CanvasRenderingContext2D} */ (swatch.getContext("2d"));
        const { colour, form } = lookOf(label);
        pen.fillStyle = look().of(colour);
        put(pen, form, 14, 14, 9);
      });
      legend.append(button);
    }
    for (const draw of swatches) draw();
  };
  const relist = () => {
    swatches.length = 0;
    listLegend();
  };
  relist();
  keepLook(() => {
    for (const draw of swatches) draw();
  });

  const select = /** @type {HTMLSelectElement | null} */ (root.querySelector("[data-pick=colour]"));
  if (select && colour) select.value = colour.name;
  select?.addEventListener("change", () => {
    colour = colours.find(({ name }) => name === select.value);
    only.clear();
    setEnds();
    relist();
    listNearest();
    map.repaint();
  });
  const press = (/** @type {string} */ name, /** @type {() => void} */ act) =>
    root.querySelector(`[data-do="${name}"]`)?.addEventListener("click", act);
  press("map-in", () => map.zoom(1.5));
  press("map-out", () => map.zoom(1 / 1.5));
  press("map-all", map.all);

  const found = /** @type {HTMLElement} */ (root.querySelector("[data-found]"));
  const said = /** @type {HTMLElement} */ (root.querySelector("[data-said]"));
  const table = /** @type {HTMLTableElement} */ (root.querySelector("[data-table=nearest]"));
  const listNearest = () => {
    const { item } = state.chosen;
    table.hidden = item < 0;
    if (item < 0) return;
    found.textContent = ids[item];
    said.replaceChildren(
      ...[...columns.map((column) => [column.name, textOf(column, item)]), [
        "neighbours kept",
        percent(kept[item]),
      ]].flatMap(([name, value]) => {
        const term = document.createElement("dt"), text = document.createElement("dd");
        term.textContent = name;
        text.textContent = value;
        return [term, text];
      }),
    );
    table.tBodies[0].replaceChildren(
      ...[...nearest.subarray(item * each, item * each + Math.min(each, SHOWN))].map((other, k) => {
        const row = document.createElement("tr"), name = document.createElement("button");
        name.type = "button";
        name.textContent = ids[other];
        name.addEventListener("click", () => state.set({ item: other }));
        const first = row.insertCell();
        first.className = "wrap";
        first.append(name);
        row.insertCell().textContent = fixed(cosines[item * each + k], 4);
        const label = row.insertCell();
        label.className = "text wrap";
        label.textContent = valueText(other);
        return row;
      }),
    );
  };
  state.follow((changed) => {
    if (changed.has("item")) listNearest();
  });
  const form = /** @type {HTMLFormElement} */ (root.querySelector("[data-find]"));
  const field = /** @type {HTMLInputElement} */ (form.querySelector("input"));
  const find = () => {
    const wanted = field.value.trim().toLowerCase();
    if (wanted === "") return;
    const lower = ids.map((id) => id.toLowerCase());
    const exact = lower.indexOf(wanted);
    const item = exact >= 0 ? exact : lower.findIndex((id) => id.includes(wanted));
    if (item < 0) found.textContent = `No id contains ${field.value.trim()}.`;
    else state.set({ item });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  field.addEventListener("change", find);
}

/** Neighbours that are named and tied. */
const SHOWN = 10;

start(() => {}, setUp);
