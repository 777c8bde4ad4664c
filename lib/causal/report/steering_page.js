// @ts-check
/// <reference lib="dom" />
/** The page of steering: what the model predicts at every residue, before and after. */
import { floatsOf } from "../../report/client/data.js";
import { linkedTable } from "../../report/client/linked_table.js";
import { fixed, short } from "../../report/client/numbers.js";
import { css, shade } from "../../report/client/palette.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { start } from "../../report/client/start.js";
import { lettersMap } from "../../report/figures/letters_map/letters_map.js";
import { scatter } from "../../report/figures/scatter/scatter.js";
import { strips } from "../../report/figures/strips/strips.js";
import { readShape, structure } from "../../report/figures/structure/structure.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/**
 * Rows: letter before and after, log p of the own letter before and after, of the steered one before and
 * after, divergence. `ranked` are residues, those that move most first.
 * @typedef {[string, string, number, number, number, number, number]} Row
 * @typedef {{
 *   letters: string, cap: number, rows: Row[], ranked: number[],
 *   counts: { letter: string, own: number, before: number, after: number }[],
 * }} SteeringData
 */

/** @param {View} view @param {SteeringData} data */
async function setUp(view, data) {
  const { state, root, protein } = view, { letters, rows, cap, counts } = data, { length } = state;
  const before = /** @type {Float32Array} */ (await floatsOf(root, "before"));
  const after = /** @type {Float32Array} */ (await floatsOf(root, "after"));
  const at = (/** @type {number} */ residue, /** @type {number} */ letter) =>
    (residue - 1) * letters.length + letter;
  const changeAt = (/** @type {number} */ residue, /** @type {number} */ letter) =>
    after[at(residue, letter)] - before[at(residue, letter)];
  const divergence = (/** @type {number} */ residue) => rows[residue - 1][6];
  const isChanged = (/** @type {number} */ residue) =>
    rows[residue - 1][0] !== rows[residue - 1][1];
  const most = Math.max(1e-9, ...rows.map((row) => row[6]));
  const colourOf = (/** @type {number} */ residue) => isChanged(residue) ? "orange" : "blue";
  /** @param {string} name @param {number} value @returns {Fact} */
  const fact = (name, value) => [name, short(value), String(value)];
  /** What steering.csv has of a residue. @param {number} residue @returns {Fact[]} */
  const facts = (residue) => {
    const [predicted, steered, own, ownAfter, top, topAfter, moved] = rows[residue - 1];
    return [
      ["predicted", predicted === steered ? predicted : `${predicted} → ${steered}`],
      fact("divergence", moved),
      fact("own before", own),
      fact("own after", ownAfter),
      fact("steered before", top),
      fact("steered after", topAfter),
    ];
  };

  lettersMap(view, view.frame("map"), {
    letters,
    label: () => `Change of log p of ${letters.length} letters at the residues of ${protein.id}`,
    colour: (residue, letter, palette) =>
      shade(palette.d, 0.5 + changeAt(residue, letter) / cap / 2),
    facts: (residue, letter) => [
      ["change", short(changeAt(residue, letter))],
      fact("log p before", before[at(residue, letter)]),
      fact("log p after", after[at(residue, letter)]),
      ...facts(residue),
    ],
    data: () => ({
      columns: ["residue", "own", "letter", "log_p_before", "log_p_after"],
      rows: Array.from({ length }, (_, i) =>
        [...letters].map((letter, k) => [
          ...[view.number(i + 1), protein.letters[i], letter],
          ...[before[at(i + 1, k)], after[at(i + 1, k)]],
        ])).flat(),
    }),
  });

  /** The residue whose letters are shown: the chosen one, or the one that moves most. */
  const shown = () => state.chosen.residue || data.ranked[0];
  const order = () =>
    [...letters].map((_, k) => k)
      .sort((a, b) => after[at(shown(), b)] - after[at(shown(), a)]);
  strips(view, view.frame("letters"), {
    axis: () => "probability",
    label: () => `Probability of each letter at ${view.name(shown())}, before and after`,
    rows: () =>
      order().map((k) => {
        const place = at(shown(), k);
        /** @type {Fact[]} */
        const said = [fact("log p before", before[place]), fact("log p after", after[place])];
        const title = `${letters[k]} at ${view.name(shown())}`;
        return {
          ...{ name: letters[k], item: k, stem: true },
          points: [
            { value: Math.exp(after[place]), title, facts: said },
            { value: Math.exp(before[place]), title, facts: said, hollow: true },
          ],
        };
      }),
    data: () => ({
      columns: ["letter", "log_p_before", "log_p_after"],
      rows: order().map((k) => [letters[k], before[at(shown(), k)], after[at(shown(), k)]]),
    }),
  });
  track(view, view.frame("divergence"), {
    name: "divergence, nats",
    label: () => "How far the prediction of each residue moves",
    values: () => rows.map((row) => row[6]),
    colour: colourOf,
    facts,
    data: () => ({
      columns: ["residue", "letter", "predicted", "steered", "divergence"],
      rows: rows.map((row, i) => [
        ...[view.number(i + 1), protein.letters[i], row[0], row[1], row[6]],
      ]),
    }),
  });
  const shape = await readShape(root);
  if (shape) {
    structure(view, view.frame("structure"), {
      ...shape,
      label: () => `Structure of ${protein.id}`,
      colour: (residue, palette) =>
        residue === 0 ? palette.of("rule") : css(shade(palette.s, divergence(residue) / most)),
      facts,
    });
  }
  strips(view, view.frame("counts"), {
    axis: () => "residues",
    label: () => "Residues at which each amino acid is the most probable, before and after",
    rows: () =>
      counts.map((count, k) => {
        const title = `${count.letter} is the most probable`;
        /** @type {Fact[]} */
        const said = [
          ["before", String(count.before)],
          ["after", String(count.after)],
          ["in the sequence", String(count.own)],
        ];
        return {
          ...{ name: count.letter, item: k, stem: true },
          points: [
            { value: count.after, title, facts: said },
            { value: count.before, title, facts: said, hollow: true },
          ],
        };
      }),
    data: () => ({
      columns: ["letter", "in_sequence", "before", "after"],
      rows: counts.map((one) => [one.letter, one.own, one.before, one.after]),
    }),
  });
  scatter(view, view.frame("own"), {
    ...{ x: "before", y: "after steering", label: () => "log p of each residue’s own letter" },
    dots: () =>
      rows.map((row, i) => ({
        ...{ x: row[2], y: row[3], name: view.name(i + 1), residue: i + 1 },
        ...{ colour: colourOf(i + 1), facts: facts(i + 1) },
      })),
    data: () => ({
      columns: ["residue", "own_before", "own_after"],
      rows: rows.map((row, i) => [view.name(i + 1), row[2], row[3]]),
    }),
  });

  const table = /** @type {HTMLTableElement} */ (root.querySelector("[data-table=residues]"));
  table.tBodies[0].append(...data.ranked.map((residue) => {
    const [predicted, steered, ...values] = rows[residue - 1];
    const line = document.createElement("tr"), name = document.createElement("button");
    line.dataset.residue = String(residue);
    name.type = "button";
    name.textContent = view.name(residue);
    line.insertCell().append(name);
    line.insertCell().textContent = `${predicted} → ${steered}`;
    for (const value of values) line.insertCell().textContent = fixed(value, 3);
    return line;
  }));
  linkedTable(view, table);
  residueBar(view, {
    mark: "steered",
    quantity: () => "divergence of the steered prediction",
    value: (residue) => divergence(residue) / most,
    facts: (residue) => facts(residue).slice(0, 4),
  });
  const follow = () => {
    for (const element of root.querySelectorAll('[data-text="residue"]')) {
      element.textContent = view.name(shown());
    }
  };
  state.follow(follow);
  follow();
}

start(setUp);
