// @ts-check
/// <reference lib="dom" />
/** A quantity along the sequence: bars that share the page's range. */
import { figure } from "../../client/figure.js";
import { short, ticks } from "../../client/numbers.js";
import { ResidueAxis } from "../../client/residue_axis.js";

/** @typedef {import("../../client/figure.js").View} View */

const LEFT = 44, RIGHT = 6, TOP = 22, BOTTOM = 36;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   values: () => ArrayLike<number>, name: string, label: () => string,
 *   facts: (residue: number) => readonly import("../../client/tooltip.js").Fact[],
 *   colour?: (residue: number) => string, least?: number,
 *   reference?: () => { at: number, name: string } | undefined,
 *   data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec values from 0 or on both sides of it; `colour` a name of the style sheet; the axis reaches
 *   `least`; `reference` a line such as the mean
 */
export function track(view, frame, spec) {
  /** Those of what is shown now. */
  let marks = new Set(view.protein.marks ?? []);
  return figure(view, frame, {
    label: spec.label,
    data: spec.data,
    draw(pen, { width, height }, palette) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT), values = spec.values();
      const base = height - BOTTOM;
      marks = new Set(view.protein.marks ?? []);
      let low = 0, high = spec.least ?? 0;
      for (let i = axis.first; i <= axis.last; i++) {
        const value = values[i - 1];
        if (value > high) high = value;
        if (value < low) low = value;
      }
      if (high === low) high = low + 1;
      const y = (/** @type {number} */ value) => base - (value - low) / (high - low) * (base - TOP);
      pen.textBaseline = "middle";
      pen.textAlign = "right";
      for (const tick of ticks(low, high, low < 0 ? 6 : 3)) {
        pen.fillStyle = palette.of("rule");
        pen.fillRect(LEFT, y(tick), axis.width, 1);
        pen.fillStyle = palette.of("muted");
        pen.fillText(short(tick), LEFT - 6, y(tick));
      }
      for (let i = axis.first; i <= axis.last; i++) {
        const value = values[i - 1];
        if (Number.isNaN(value)) continue;
        const wide = Math.max(marks.has(i) ? 2.5 : 1, axis.cell - (axis.cell > 4 ? 1 : 0));
        pen.fillStyle = palette.of(spec.colour?.(i) ?? (marks.has(i) ? "site" : "blue"));
        const [a, b] = [y(Math.max(0, value)), y(Math.min(0, value))];
        pen.fillRect(axis.at(i) - wide / 2, a, wide, Math.max(0.5, b - a));
      }
      const line = spec.reference?.();
      if (line && line.at >= low && line.at <= high) {
        pen.strokeStyle = palette.of("ink");
        pen.lineWidth = 1;
        pen.setLineDash([4, 3]);
        pen.beginPath();
        pen.moveTo(LEFT, y(line.at));
        pen.lineTo(LEFT + axis.width, y(line.at));
        pen.stroke();
        pen.setLineDash([]);
        pen.textAlign = "right";
        pen.strokeStyle = palette.of("paper");
        pen.lineWidth = 4;
        pen.lineJoin = "round";
        pen.strokeText(line.name, width - RIGHT, y(line.at) - 9);
        pen.fillStyle = palette.of("ink");
        pen.fillText(line.name, width - RIGHT, y(line.at) - 9);
      }
      names(pen, axis, palette);
      axis.numbers(pen, palette, base + 5);
      pen.fillText("residue", LEFT + axis.width / 2, height - 13);
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      pen.fillText(spec.name, 0, 7);
    },
    marks(pen, { width, height }, palette) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT);
      axis.marks(pen, palette, TOP - 4, height - BOTTOM);
    },
    hit(x, _y, { width }) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT);
      if (!axis.holds(x)) return undefined;
      const residue = axis.residue(x);
      return { residue, title: view.name(residue), facts: spec.facts(residue) };
    },
  });

  /** Names of the marked residues, where they have room.
   * @param {import("../../client/figure.js").Pen} pen @param {ResidueAxis} axis
   * @param {import("../../client/palette.js").Palette} palette */
  function names(pen, axis, palette) {
    pen.fillStyle = palette.of("site");
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    let free = LEFT + 6.6 * spec.name.length;
    for (const mark of [...marks].sort((a, b) => a - b)) {
      if (!axis.shows(mark)) continue;
      const text = view.name(mark), half = pen.measureText(text).width / 2;
      const x = Math.min(axis.at(mark), axis.left + axis.width - half);
      if (x - half < free + 4) continue;
      pen.fillText(text, x, 8);
      free = x + half;
    }
  }
}
