// @ts-check
/// <reference lib="dom" />
/** The page of encoded proteins. */
import { bytesOf, floatsOf, integersOf } from "../../../report/client/data.js";
import { colours, keepLook, saving } from "../../../report/client/figure.js";
import { linkedTable } from "../../../report/client/linked_table.js";
import { clamp, fixed, short, shortest } from "../../../report/client/numbers.js";
import { channels, css, inkOn, mix, shade } from "../../../report/client/palette.js";
import { residueBar } from "../../../report/client/residue_bar.js";
import { chooseOne, start } from "../../../report/client/start.js";
import { featureRows } from "../../../report/figures/feature_rows/feature_rows.js";
import { letterHeights } from "../../../report/figures/letter_heights/letter_heights.js";
import { scatter } from "../../../report/figures/scatter/scatter.js";
import { readShape, structure } from "../../../report/figures/structure/structure.js";

/** @typedef {import("../../../report/client/figure.js").View} View */
/** @typedef {import("../../../report/client/tooltip.js").Fact} Fact */

/**
 * @typedef {{ index: number, seen: number, kept: number, rows: number }} ProteinData
 * @typedef {{
 *   latent: number, residues: Uint32Array, values: Float32Array, max: number, at: number, mean: number,
 *   letters: string,
 * }} Latent
 * @typedef {[protein: number, id: string, residue: number, value: number, letters: string, steps: number[]]} Place
 * @typedef {{ count: number, reach: number, of: Record<string, { proteins: number, places: Place[] }> }} Elsewhere
 * @typedef {[latent: number, residues: number, proteins: number, expected: number, highest: number, id: string, place: string]} Dot
 */

/** Latents listed at a residue. */
const LISTED = 8;
/** Where the colours of activations begin, so that the least is seen. */
const FAINT = 0.25;

/** An activation as people read it. @param {number} value */
const level = (value) => value === 0 ? "0" : value >= 0.1 ? fixed(value, 2) : short(value);

/** @param {View} view @param {ProteinData} data */
async function setUp(view, data) {
  const { state, protein, root } = view, { length } = state;
  const latents = await readLatents(view);
  /** Latents of each residue, strongest first. @type {[item: number, value: number][][]} */
  const at = Array.from({ length }, () => []);
  latents.forEach(({ residues, values }, item) =>
    residues.forEach((residue, e) => at[residue - 1].push([item, values[e]]))
  );
  for (const list of at) list.sort(([a, p], [b, q]) => q - p || a - b);
  state.set({ item: 0 });
  const chosen = () => latents[state.chosen.item];
  /** Activations of the chosen latent, a residue each. */
  let dense = new Float32Array(length), denseOf = -1;
  const along = () => {
    if (denseOf !== state.chosen.item) {
      const { residues, values } = chosen();
      dense = new Float32Array(length);
      residues.forEach((residue, e) => dense[residue - 1] = values[e]);
      denseOf = state.chosen.item;
    }
    return dense;
  };
  const value = (/** @type {number} */ item, /** @type {number} */ residue) => {
    const e = latents[item].residues.indexOf(residue);
    return e < 0 ? 0 : latents[item].values[e];
  };
  const activation = (
    /** @type {number} */ item,
    /** @type {number} */ residue,
  ) => /** @type {Fact} */ ([
    `latent ${latents[item].latent}`,
    level(value(item, residue)),
    String(shortest(value(item, residue))),
  ]);
  /** @param {number} residue @returns {Fact[]} */
  const facts = (residue) => {
    const [best] = at[residue - 1];
    return [
      activation(state.chosen.item, residue),
      ...(best
        ? [
          /** @type {Fact} */ ([
            "strongest here",
            `latent ${latents[best[0]].latent} ${level(best[1])}`,
          ]),
        ]
        : []),
      ["latents here", `${at[residue - 1].length}${data.kept < data.seen ? " or more" : ""}`],
    ];
  };
  const step = (/** @type {number} */ by) =>
    state.set({ item: clamp(state.chosen.item + by, 0, latents.length - 1) });

  let isShared = false;
  const shown = () => {
    const items = latents.slice(0, data.rows).map((_, item) => item);
    // What is chosen elsewhere has a row as well.
    if (state.chosen.item >= items.length) items[items.length - 1] = state.chosen.item;
    return items;
  };
  const rows = featureRows(view, view.frame("rows"), {
    rows: () =>
      shown().map((item) => {
        const { latent, residues, values, max, letters } = latents[item];
        return { item, name: String(latent), note: letters, most: max, residues, values };
      }),
    isShared: () => isShared,
    label: () => `Activations of the strongest latents along ${protein.id}`,
    facts(item, residue) {
      const { max, at, letters, residues, mean } = latents[item];
      return residue > 0 ? [activation(item, residue)] : [
        ["highest", `${level(max)} at ${view.name(at)}`, String(shortest(max))],
        ["mean", fixed(mean, 3), String(mean)],
        ["fires at", `${residues.length} residues: ${letters}`],
      ];
    },
    step,
    data: () => ({
      columns: ["residue", "letter", "latent", "activation"],
      rows: shown().flatMap((item) => {
        const { latent, residues, values } = latents[item];
        return [...residues].map((residue, e) => [
          ...[residue, protein.letters[residue - 1], latent],
          shortest(values[e]),
        ]);
      }),
    }),
  });
  chooseOne(root, "scale", (chosen) => {
    isShared = chosen === "same";
    rows.repaint();
  });

  letterHeights(view, view.frame("letters"), {
    ...{ values: along, name: "activation" },
    label: () => `Letters of ${protein.id} where latent ${chosen().latent} fires`,
    facts: (residue) => [activation(state.chosen.item, residue)],
    data: () => ({
      columns: ["residue", "letter", "activation"],
      rows: [...chosen().residues].map((residue, e) => [
        ...[residue, protein.letters[residue - 1]],
        shortest(chosen().values[e]),
      ]),
    }),
  });

  const drawn = await readShape(root);
  /** @type {{ redraw: () => void } | undefined} */
  let shape;
  if (drawn) {
    shape = structure(view, view.frame("structure"), {
      ...drawn,
      label: () => `Structure of ${protein.id} with latent ${chosen().latent}`,
      colour(residue, palette) {
        const value = along()[residue - 1];
        return value > 0
          ? css(shade(palette.s, FAINT + (1 - FAINT) * value / chosen().max))
          : css(mix(channels(palette.of("grey")), channels(palette.of("paper")), 0.3));
      },
      facts: (residue) => [activation(state.chosen.item, residue)],
    });
  }

  for (const [name, by] of /** @type {[string, number][]} */ ([["previous", -1], ["next", 1]])) {
    root.querySelector(`[data-do=${name}]`)?.addEventListener("click", () => step(by));
  }
  const say = (/** @type {string} */ name, /** @type {string} */ text) => {
    for (const place of root.querySelectorAll(`[data-text=${name}]`)) place.textContent = text;
  };
  linkedTable(view, table(root, "numbers"));
  const here = table(root, "at"), linked = linkedTable(view, here);
  const list = () => {
    const residue = state.chosen.residue || chosen().at, all = at[residue - 1];
    const own = all.findIndex(([item]) => item === state.chosen.item);
    // What is chosen is listed too, where it fires.
    const listed = [...all.slice(0, own < LISTED ? LISTED : LISTED - 1)];
    if (own >= LISTED) listed.push(all[own]);
    const most = listed[0]?.[1] ?? 1;
    say("residue", view.name(residue));
    say(
      "among",
      all.length > LISTED
        ? `— ${own < LISTED ? LISTED : LISTED - 1} highest of ${all.length}${
          data.kept < data.seen ? " kept here" : ""
        }`
        : all.length === 0
        ? "— none fires"
        : "",
    );
    here.tBodies[0].replaceChildren(
      ...listed.map(([item, value]) => {
        const row = document.createElement("tr"), button = document.createElement("button");
        row.dataset.item = String(item);
        button.type = "button";
        button.textContent = String(latents[item].latent);
        row.insertCell().append(button);
        const letters = row.insertCell();
        letters.className = "text";
        letters.textContent = latents[item].letters;
        const cell = row.insertCell(), share = document.createElement("i");
        share.className = "share";
        share.style.width = `${Math.max(1, Math.round(60 * value / most))}px`;
        cell.title = String(shortest(value));
        cell.append(share, level(value));
        return row;
      }),
    );
    linked.mark();
  };
  const others = view.has("elsewhere") && await showElsewhere(view, data, chosen);
  const change = () => {
    const { latent, residues, max, letters } = chosen();
    say("latent", `Latent ${latent}`);
    say("fires", `— at ${residues.length} of ${length} residues: ${letters}`);
    say("most", level(max));
    const [previous, next] = ["previous", "next"].map((
      name,
    ) => /** @type {HTMLButtonElement} */ (root.querySelector(`[data-do=${name}]`)));
    previous.disabled = state.chosen.item <= 0;
    next.disabled = state.chosen.item >= latents.length - 1;
    shape?.redraw();
    if (others) say("others", others());
  };
  state.follow((changed) => {
    if (changed.has("item")) change();
    if (changed.has("item") || changed.has("residue")) list();
  });
  residueBar(view, {
    quantity: () => `activation of latent ${chosen().latent}`,
    value(residue) {
      const value = along()[residue - 1];
      return value > 0 ? FAINT + (1 - FAINT) * value / chosen().max : 0;
    },
    facts,
  });
  change();
  list();
}

/** The latents that the page has of a protein, strongest first. @param {View} view @returns {Promise<Latent[]>} */
async function readLatents({ root, protein: { letters } }) {
  const numbers = /** @type {Uint32Array} */ (await integersOf(root, "latents"));
  const counts = /** @type {Uint32Array} */ (await integersOf(root, "counts"));
  const places = /** @type {Uint32Array} */ (await integersOf(root, "residues"));
  const activations = /** @type {Float32Array} */ (await floatsOf(root, "values"));
  let end = 0;
  return [...numbers].map((latent, item) => {
    const begin = end;
    end += counts[item];
    const residues = places.subarray(begin, end), values = activations.subarray(begin, end);
    let max = 0, at = 0, sum = 0;
    residues.forEach((residue, e) => {
      sum += values[e];
      if (values[e] > max) [max, at] = [values[e], residue];
    });
    const mean = sum / letters.length;
    return { latent, residues, values, max, at, mean, letters: counted(letters, residues) };
  });
}

/** `D10 M1`: letters of residues, the most frequent first, three of them.
 * @param {string} letters @param {Uint32Array} residues */
function counted(letters, residues) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const residue of residues) {
    counts.set(letters[residue - 1], (counts.get(letters[residue - 1]) ?? 0) + 1);
  }
  const all = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return all.slice(0, 3).map(([letter, n]) => `${letter}${n}`).join(" ") +
    (all.length > 3 ? " …" : "");
}

/** @type {Promise<Elsewhere> | undefined} */
let elsewhere;

/** Where the latents of all views fire: read once. @returns {Promise<Elsewhere>} */
function readElsewhere() {
  return elsewhere ??= bytesOf(document, "elsewhere").then((bytes) =>
    JSON.parse(new TextDecoder().decode(bytes))
  );
}

/** Fills the table of other proteins; gives what its title says of the chosen latent.
 * @param {View} view @param {ProteinData} data @param {() => Latent} chosen */
async function showElsewhere(view, data, chosen) {
  const { count, reach, of } = await readElsewhere(), frame = view.frame("elsewhere");
  const body = /** @type {HTMLTableElement} */ (frame.querySelector("table")).tBodies[0];
  const places = () =>
    (of[chosen().latent]?.places ?? []).filter(([protein]) => protein !== data.index).slice(0, 5);
  const draw = () => {
    const found = places(), most = Math.max(...found.map(([, , , value]) => value));
    body.replaceChildren(
      ...found.map(([protein, id, residue, value, letters, steps]) => {
        const row = document.createElement("tr"), name = row.insertCell();
        name.className = "wrap";
        if (document.getElementById(`protein-${protein + 1}`)) {
          const link = document.createElement("a");
          link.href = `#protein-${protein + 1}`;
          link.textContent = id;
          name.append(link);
        } else name.textContent = id;
        row.insertCell().textContent = `${letters[reach]}${residue}`;
        const height = row.insertCell();
        height.textContent = level(value);
        height.title = String(shortest(value));
        const cell = row.insertCell(), around = document.createElement("span");
        cell.className = "text";
        around.className = "around";
        around.append(...[...letters].map((letter, k) => {
          const place = document.createElement("i");
          place.textContent = letter;
          if (steps[k] > 0) {
            const share = steps[k] / 255 * value / most;
            const colour = shade(colours().s, FAINT + (1 - FAINT) * share);
            place.style.background = css(colour);
            place.style.color = inkOn(colour);
          }
          return place;
        }));
        cell.append(around);
        return row;
      }),
    );
  };
  keepLook(draw);
  view.state.follow((changed) => {
    if (changed.has("item")) draw();
  });
  saving(frame, {
    csv: () => ({
      columns: ["latent", "protein", "residue", "activation", "letters"],
      rows: places().map(([, id, residue, value, letters]) => [
        ...[chosen().latent, id, residue],
        ...[shortest(value), letters],
      ]),
    }),
  });
  return () => {
    const known = of[chosen().latent];
    if (!known) return `— not in this page, which has those of the strongest latents`;
    return known.proteins === 1
      ? `— it fires in no other of ${count}`
      : `— it fires in ${known.proteins} of ${count}`;
  };
}

/** @param {ParentNode} root @param {string} name */
const table = (
  root,
  name,
) => /** @type {HTMLTableElement} */ (root.querySelector(`[data-table=${name}]`));

/** Latents that the table over all proteins lists. */
const SURVEYED = 12;
/** Residues from which a share of what is expected means something. */
const ENOUGH = 5;

/** @param {View} view @param {{ dots: Dot[] }} data */
function setUpSummary(view, { dots }) {
  if (dots.length === 0) return;
  const seen = [...new Map(dots.map(([, residues, , expected]) => [residues, expected]))]
    .sort(([a], [b]) => a - b);
  const drawn = dots.map(([latent, residues, proteins, expected, highest, id, place], item) => ({
    ...{ x: residues, y: proteins, item, name: `latent ${latent}` },
    facts: /** @type {Fact[]} */ ([
      ["scattered", fixed(expected, 1), String(expected)],
      ["highest", `${level(highest)} at ${place} of ${id}`, String(shortest(highest))],
    ]),
  }));
  scatter(view, view.frame("survey"), {
    ...{ x: "residues where it fires", y: "proteins", log: "x" },
    label: () => `Residues and proteins of ${dots.length} latents`,
    dots: () => drawn,
    curves: () => [{ name: "scattered", colour: "ink", points: seen }],
    data: () => ({
      columns: [
        ...["latent", "residues", "proteins", "proteins_if_scattered"],
        ...["max", "max_protein", "max_place"],
      ],
      rows: dots.map(([latent, residues, proteins, expected, highest, ...where]) => [
        ...[latent, residues, proteins, expected],
        ...[shortest(highest), ...where],
      ]),
    }),
  });
  /** @type {Record<string, (a: Dot, b: Dot) => number>} */
  const orders = {
    specific: ([, , p, e], [, , q, f]) => p / e - q / f,
    common: ([, n, p], [, m, q]) => q - p || m - n,
    highest: () => 0,
  };
  const list = table(view.root, "survey"), linked = linkedTable(view, list);
  const fill = (/** @type {string} */ order) => {
    const sorted = dots.map((dot, item) => /** @type {const} */ ([dot, item]))
      .filter(([[, residues]]) => order !== "specific" || residues >= ENOUGH)
      .sort(([a], [b]) => orders[order](a, b));
    list.tBodies[0].replaceChildren(
      ...sorted.slice(0, SURVEYED).map(
        ([[latent, residues, proteins, expected, highest, id, place], item]) => {
          const row = document.createElement("tr"), button = document.createElement("button");
          row.dataset.item = String(item);
          button.type = "button";
          button.textContent = String(latent);
          row.insertCell().append(button);
          for (const text of [proteins, fixed(expected, 1), residues, level(highest)]) {
            row.insertCell().textContent = String(text);
          }
          const where = row.insertCell();
          where.className = "text";
          where.textContent = `${place} of ${id}`;
          return row;
        },
      ),
    );
    linked.mark();
  };
  fill("specific");
  chooseOne(view.root, "order", fill);
}

start(setUp, setUpSummary);
