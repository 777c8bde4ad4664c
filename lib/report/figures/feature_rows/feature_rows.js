// @ts-check
/// <reference lib="dom" />
/** Features in rows along the sequence: bars where each fires; a click chooses the feature, and the residue. */
import { figure } from "../../client/figure.js";
import { clamp, linear } from "../../client/numbers.js";
import { css, shade } from "../../client/palette.js";
import { ResidueAxis } from "../../client/residue_axis.js";

/** @typedef {import("../../client/figure.js").View} View */

/**
 * One feature: `residues` where it fires, ascending, with their `values`, above zero.
 * @typedef {{
 *   item: number, name: string, note: string, most: number,
 *   residues: ArrayLike<number>, values: ArrayLike<number>,
 * }} FeatureRow
 */

const TALL = 26, RIGHT = 4, BOTTOM = 40;
/** Frames narrower than this have no room for notes. */
const NARROW = 500;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   rows: () => readonly FeatureRow[], isShared: () => boolean, label: () => string,
 *   facts: (item: number, residue: number) => readonly import("../../client/tooltip.js").Fact[],
 *   step: (by: number) => void, data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec `isShared` whether all rows have one scale; `step` chooses the next feature or the one before
 */
export function featureRows(view, frame, spec) {
  const { state } = view;
  frame.style.height = `${spec.rows().length * TALL + BOTTOM}px`;
  const axisOf = (/** @type {number} */ width) => {
    const left = width < NARROW ? 58 : 146;
    return new ResidueAxis(view, left, width - left - RIGHT);
  };
  const made = figure(view, frame, {
    label: () => `${spec.label()}; up and down arrow keys choose a row`,
    data: spec.data,
    draw(pen, { width }, palette) {
      const axis = axisOf(width), { left } = axis, rows = spec.rows(), font = pen.font;
      const most = Math.max(...rows.map((row) => row.most), Number.MIN_VALUE);
      rows.forEach((row, k) => {
        const top = k * TALL, base = top + TALL - 4, isOn = row.item === state.chosen.item;
        if (isOn) {
          pen.fillStyle = palette.of("panel");
          pen.fillRect(0, top, width, TALL);
          pen.fillStyle = palette.of("selected");
          pen.fillRect(0, top, 3, TALL);
        }
        pen.fillStyle = palette.of("rule");
        pen.fillRect(left, base, axis.width, 1);
        const height = linear(0, spec.isShared() ? most : row.most, 0, TALL - 7);
        const wide = Math.max(1.5, axis.cell - (axis.cell > 4 ? 1 : 0));
        for (let e = 0; e < row.residues.length; e++) {
          if (!axis.shows(row.residues[e])) continue;
          const tall = Math.max(1, height(row.values[e]));
          pen.fillStyle = isOn
            ? palette.of("blue")
            : css(shade(palette.s, 0.35 + 0.5 * row.values[e] / most));
          pen.fillRect(axis.at(row.residues[e]) - wide / 2, base - tall, wide, tall);
        }
        pen.textAlign = "left";
        pen.textBaseline = "alphabetic";
        pen.fillStyle = palette.of("ink");
        if (isOn) pen.font = `600 ${font}`;
        pen.fillText(row.name, 8, base - 3);
        pen.font = font;
        if (width < NARROW) return;
        pen.fillStyle = palette.of("muted");
        pen.fillText(row.note, 62, base - 3);
      });
      axis.numbers(pen, palette, rows.length * TALL + 6);
      pen.fillText("residue", left + axis.width / 2, rows.length * TALL + 23);
    },
    marks(pen, { width }, palette) {
      axisOf(width).marks(pen, palette, 0, spec.rows().length * TALL);
    },
    hit(x, y, { width }) {
      const row = spec.rows()[Math.floor(y / TALL)], axis = axisOf(width);
      if (!row) return undefined;
      const { item, name } = row;
      if (!axis.holds(x)) return { item, title: `${name} ${row.note}`, facts: spec.facts(item, 0) };
      // A bar may be wider than its residue.
      const residue = nearest(row.residues, axis.residue(x), 2 / axis.cell);
      return { item, residue, title: view.name(residue), facts: spec.facts(item, residue) };
    },
  });
  made.canvas.tabIndex = 0;
  made.canvas.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (!by) return;
    event.preventDefault();
    spec.step(by);
  });
  return made;
}

/** @type {Record<string, number>} */
const STEPS = { ArrowUp: -1, ArrowDown: 1 };

/** The residue itself, or the nearest of some that is no farther than `reach`.
 * @param {ArrayLike<number>} residues @param {number} residue @param {number} reach */
export function nearest(residues, residue, reach) {
  let best = residue, least = clamp(reach, 0, 1e9) + 1e-9;
  for (let e = 0; e < residues.length; e++) {
    const away = Math.abs(residues[e] - residue);
    if (away < least) [least, best] = [away, residues[e]];
  }
  return best;
}
