// @ts-check
/// <reference lib="dom" />
/** The page of predictions of other proteins. */
import { fixed, percent, short } from "../../report/client/numbers.js";
import { residueBar } from "../../report/client/residue_bar.js";
import { start } from "../../report/client/start.js";
import { cellMap } from "../../report/figures/cell_map/cell_map.js";
import { histogram } from "../../report/figures/histogram/histogram.js";
import { track } from "../../report/figures/track/track.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/** @typedef {import("../../report/client/tooltip.js").Fact} Fact */

/** As many as the page has keys for. */
const COLOURS = ["blue", "orange", "violet", "green", "ochre", "grey"];

/** @param {View} view @param {{ classes: string[], probabilities: number[] }} data */
function setUp(view, { classes, probabilities }) {
  const n = classes.length;
  const of = (/** @type {number} */ i) => probabilities.slice((i - 1) * n, i * n);
  const called = (/** @type {number} */ i) => of(i).indexOf(Math.max(...of(i)));
  /** @param {number} i @returns {Fact[]} */
  const facts = (i) => [
    ["predicted", classes[called(i)]],
    ...of(i).map((p, k) => /** @type {Fact} */ ([classes[k], fixed(p, 3), String(p)])).slice(0, 8),
  ];
  const length = probabilities.length / n;
  track(view, view.frame("residues"), {
    values: () => Array.from({ length }, (_, i) => Math.max(...of(i + 1))),
    ...{ name: "probability", least: 1, facts },
    colour: (i) => n <= COLOURS.length ? COLOURS[called(i)] : "blue",
    label: () => `The likeliest class of each residue of ${view.protein.id}, and its probability`,
    data: () => ({
      columns: ["position", "residue", "predicted", ...classes.map((name) => `p_${name}`)],
      rows: Array.from({ length }, (_, i) => [
        ...[i + 1, view.protein.letters[i], classes[called(i + 1)]],
        ...of(i + 1),
      ]),
    }),
  });
  residueBar(view, {
    value: (i) => Math.max(...of(i)),
    facts,
    quantity: () => "probability of the likeliest class",
  });
}

/**
 * @param {View} view
 * @param {{ isNumber: boolean, classes: string[], ids: string[], values: number[][], bin: number }} data
 */
function setUpSummary(view, { isNumber, classes, ids, values, bin }) {
  if (view.has("numbers")) {
    const numbers = values.map(([value]) => value);
    histogram(view, view.frame("numbers"), {
      values: () => numbers,
      ...{ bin, x: "predicted", y: "proteins", colour: () => "blue" },
      from: Math.floor(Math.min(...numbers) / bin) * bin,
      to: Math.ceil(Math.max(...numbers) / bin + 1e-9) * bin,
      label: () => "Predicted numbers of the proteins",
      data: () => ({
        columns: ["protein", "predicted"],
        rows: ids.map((id, p) => [id, numbers[p]]),
      }),
    });
  }
  if (isNumber || !view.has("classes")) return;
  const share = (/** @type {number} */ item) =>
    values[Math.floor(item / classes.length)][item % classes.length];
  cellMap(view, view.frame("classes"), {
    ...{ rows: ids, columns: classes, share, rowAxis: "protein", columnAxis: "class" },
    text: (item) => classes.length > 12 ? "" : short(share(item)),
    label: () => "Probability of each class for each protein",
    facts: (item) => [["probability", percent(share(item), 1), String(share(item))]],
    data: () => ({
      columns: ["protein", ...classes],
      rows: ids.map((id, p) => [id, ...values[p]]),
    }),
  });
}

start(setUp, setUpSummary);
