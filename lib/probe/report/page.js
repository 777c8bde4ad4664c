// @ts-check
/// <reference lib="dom" />
/** The page of a probe. */
import { start } from "../../report/client/start.js";
import { lines } from "../../report/figures/lines/lines.js";
import { confusionMap, numberDots, residueTrack } from "./predictions.js";

/** @typedef {import("../../report/client/figure.js").View} View */

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
  if (data.confusion) confusionMap(view, data.confusion);
  if (data.dots) numberDots(view, data.dots);
}

start(residueTrack, setUpSummary);
