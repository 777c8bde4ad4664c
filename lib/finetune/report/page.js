// @ts-check
/// <reference lib="dom" />
/** The page of a fine-tuning. */
import { start } from "../../report/client/start.js";
import { lines } from "../../report/figures/lines/lines.js";
import { confusionMap, numberDots, residueTrack } from "../../probe/report/predictions.js";

/** @typedef {import("../../report/client/figure.js").View} View */
/**
 * `steps` are epoch, loss, rate and norm; `epochs` are epoch, loss and metric of the validation set.
 * @typedef {{
 *   modes: {
 *     mode: string, colour: string, steps: [number, number, number, number][],
 *     epochs: [number, number, number][],
 *   }[],
 *   headline: string, isShare: boolean, lossUnit: string,
 *   confusion?: { classes: string[], counts: number[] },
 *   dots?: { name: string, x: number, y: number }[],
 * }} FinetuneData
 */

/** @typedef {import("../../report/figures/lines/lines.js").Curve} Curve */

/** @param {View} view @param {FinetuneData} data */
function setUpSummary(view, { modes, headline, isShare, lossUnit, confusion, dots }) {
  const several = modes.length > 1;
  const named = (/** @type {string} */ mode, /** @type {string} */ what) =>
    several ? `${mode}, ${what}` : what;
  /** @param {string} frame @param {1 | 2 | 3} column @param {string} y @param {Curve[]} more */
  const overSteps = (frame, column, y, more = []) => {
    /** @type {Curve[]} */
    const curves = [
      ...modes.map(({ mode, colour, steps }) => ({
        ...{ name: several ? mode : "training", colour },
        points: steps.map((row) => /** @type {[number, number]} */ ([row[0], row[column]])),
      })),
      ...more,
    ];
    const values = curves.flatMap(({ points }) => points.map(([, value]) => value))
      .filter(Number.isFinite);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const room = 0.05 * (most - least);
    lines(view, view.frame(frame), {
      // A loss does not come near zero: its change is what is to be seen.
      ...(column === 1 && values.length > 0 && { yRange: [least - room, most + room] }),
      ...{ curves: () => curves, x: "epoch", y, label: () => `${y} over the training` },
      data: () => ({
        columns: ["curve", "epoch", frame],
        rows: curves.flatMap(({ name, points }) => points.map(([x, value]) => [name, x, value])),
      }),
    });
  };
  overSteps(
    "loss",
    1,
    `loss, ${lossUnit}`,
    modes.map(({ mode, colour, epochs }) => ({
      ...{ name: named(mode, "validation"), colour, dashed: true, dots: epochs.length < 30 },
      points: epochs.map(([epoch, loss]) => [epoch, loss]),
    })),
  );
  overSteps("rate", 2, "learning rate");
  overSteps("norm", 3, "gradient");
  const longest = Math.max(...modes.map(({ epochs }) => epochs.length));
  const values = modes.flatMap(({ epochs }) => epochs.map(([, , metric]) => metric))
    .filter(Number.isFinite);
  const least = Math.min(...values), most = Math.max(...values), room = 0.1 * (most - least) || 0.1;
  lines(view, view.frame("metric"), {
    curves: () =>
      modes.map(({ mode, colour, epochs }) => ({
        ...{ name: several ? mode : headline, colour, dots: epochs.length < 30 },
        points: epochs.map(([epoch, , metric]) => [epoch, metric]),
      })),
    ...{ x: "epoch", y: headline, isPercent: isShare },
    ...(longest <= 12 &&
      { xTicks: Array.from({ length: longest }, (_, i) => [i + 1, `${i + 1}`]) }),
    ...(values.length > 0 && { yRange: [least - room, most + room] }),
    label: () => `${headline} of the validation set after each epoch`,
    data: () => ({
      columns: ["mode", "epoch", "loss", "metric"],
      rows: modes.flatMap(({ mode, epochs }) => epochs.map((row) => [mode, ...row])),
    }),
  });
  if (confusion) confusionMap(view, confusion);
  if (dots) numberDots(view, dots);
}

start(residueTrack, setUpSummary);
