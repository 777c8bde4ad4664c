// @ts-check
/// <reference lib="dom" />
/** Predictions beside labels: residues along a protein, classes against classes, numbers against numbers. */
import { fixed, percent, short } from "../../report/client/numbers.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { cellMap } from "../../report/figures/cell_map/cell_map.js";
import { scatter } from "../../report/figures/scatter/scatter.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/**
 * @typedef {{
 *   classes: string[], labels: (number | null)[], predicted: (number | null)[],
 *   probability: (number | null)[],
 * }} ResidueData
 */

/**
 * Residues of a protein, how probable their labels are.
 *
 * @param {View} view @param {ResidueData} data
 */
export function residueTrack(view, { classes, labels, predicted, probability }) {
  const name = (/** @type {number | null} */ k) => k === null ? "none" : classes[k];
  const isWrong = (/** @type {number} */ i) => labels[i - 1] !== predicted[i - 1];
  /** @param {number} i @returns {Fact[]} */
  const facts = (i) =>
    labels[i - 1] === null ? [["label", "none"]] : [
      ["label", name(labels[i - 1])],
      ["predicted", name(predicted[i - 1])],
      ["probability of the label", fixed(probability[i - 1] ?? NaN, 3), String(probability[i - 1])],
    ];
  track(view, view.frame("residues"), {
    values: () => probability.map((value) => value ?? NaN),
    ...{ name: "probability", least: 1, facts },
    colour: (i) => isWrong(i) ? "orange" : "blue",
    label: () => {
      const wrong = labels.filter((label, i) => label !== null && label !== predicted[i]).length;
      return `Probability of the right class along ${view.protein.id}; ${wrong} residues are wrong`;
    },
    data: () => ({
      columns: ["position", "residue", "label", "predicted", "probability"],
      rows: labels.flatMap((label, i) =>
        label === null ? [] : [[
          ...[i + 1, view.protein.letters[i], name(label), name(predicted[i])],
          probability[i] ?? NaN,
        ]]
      ),
    }),
  });
  residueBar(view, {
    value: (i) => probability[i - 1] ?? NaN,
    facts,
    quantity: () => "probability of the right class",
  });
}

/**
 * How often each class was taken for which.
 *
 * @param {View} view @param {{ classes: string[], counts: number[] }} confusion
 */
export function confusionMap(view, confusion) {
  const { classes, counts } = confusion, n = classes.length;
  const support = classes.map((_, k) =>
    counts.slice(k * n, (k + 1) * n).reduce((sum, count) => sum + count, 0)
  );
  const share = (/** @type {number} */ item) => counts[item] / support[Math.floor(item / n)];
  cellMap(view, view.frame("confusion"), {
    ...{ rows: classes, columns: classes, share, rowAxis: "label", columnAxis: "predicted" },
    text: (item) => counts[item] === 0 ? "" : String(counts[item]),
    label: () => "How often each class was taken for which",
    facts: (item) => [
      ["members", String(counts[item])],
      ["of the class's", percent(share(item), 1), String(share(item))],
    ],
    data: () => ({
      columns: ["label", "predicted", "count", "share"],
      rows: counts.map((count, item) => [
        ...[classes[Math.floor(item / n)], classes[item % n]],
        ...[count, share(item)],
      ]),
    }),
  });
}

/**
 * Predicted numbers against those given.
 *
 * @param {View} view @param {{ name: string, x: number, y: number }[]} dots
 */
export function numberDots(view, dots) {
  scatter(view, view.frame("numbers"), {
    dots: () =>
      dots.map(({ name, x, y }) => ({
        ...{ name, x, y },
        facts: [["given", short(x), String(x)], ["predicted", short(y), String(y)]],
      })),
    ...{ x: "given", y: "predicted", label: () => "Predicted numbers against those given" },
    data: () => ({
      columns: ["row", "given", "predicted"],
      rows: dots.map(({ name, x, y }) => [name, x, y]),
    }),
  });
}
