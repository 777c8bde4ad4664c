// @ts-check
/// <reference lib="dom" />
/** The page of a probe. */
import { fixed, percent, short } from "../../report/client/numbers.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { start } from "../../report/client/start.js";
import { cellMap } from "../../report/figures/cell_map/cell_map.js";
import { lines } from "../../report/figures/lines/lines.js";
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

/** @param {View} view @param {ResidueData} data */
function setUp(view, { classes, labels, predicted, probability }) {
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
 * @typedef {{
 *   headline: string, isShare: boolean, curves: import("../../report/figures/lines/lines.js").Curve[],
 *   xTicks: [number, string][], metricRows: (string | number | null)[][],
 *   confusion?: { classes: string[], counts: number[] },
 *   dots?: { name: string, x: number, y: number }[],
 * }} SummaryData
 */

/** @param {View} view @param {SummaryData} data */
function setUpSummary(view, data) {
  lines(view, view.frame("layers"), {
    ...{ curves: () => data.curves, x: "layer", y: data.headline, xTicks: data.xTicks },
    isPercent: data.isShare,
    label: () => `${data.headline} on the test set by layer`,
    data: () => ({
      columns: ["features", "layer", "pool", "value", "low", "high"],
      rows: data.metricRows.map((row) => row.map((cell) => cell ?? NaN)),
    }),
  });
  const { confusion, dots } = data;
  if (confusion) {
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
  if (dots) {
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
}

start(setUp, setUpSummary);
