// @ts-check
/// <reference lib="dom" />
/** The sequence's letters where a feature fires, as tall as it fires there. */
import { figure } from "../../client/figure.js";
import { clamp, linear, short, ticks } from "../../client/numbers.js";
import { ResidueAxis } from "../../client/residue_axis.js";

/** @typedef {import("../../client/figure.js").View} View */

const LEFT = 44, RIGHT = 6, TOP = 22, BOTTOM = 52;
/** Pixels of a residue from which every letter of the sequence is written. */
const SPELLED = 6.5;
/** Size of a letter before it is stretched, and the height of a capital of it. */
const SIZE = 20, CAPITAL = 0.72 * SIZE;

/** Four chemical groups: more colours than that cannot be told apart. */
export const GROUPS = [
  { name: "acidic", letters: "DE", colour: "orange" },
  { name: "basic", letters: "KRH", colour: "blue" },
  { name: "hydrophobic", letters: "AVLIMFWYC", colour: "green" },
  { name: "polar and other", letters: "", colour: "violet" },
];

/** Name of the colour of a letter's group. @param {string} letter */
export const groupColour = (letter) =>
  (GROUPS.find(({ letters }) => letters.includes(letter)) ?? GROUPS[3]).colour;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   values: () => ArrayLike<number>, name: string, label: () => string,
 *   facts: (residue: number) => readonly import("../../client/tooltip.js").Fact[],
 *   data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec `values` one a residue, from 0
 */
export function letterHeights(view, frame, spec) {
  const { state, protein } = view;
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data },
    draw(pen, { width, height }, palette) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT), values = spec.values();
      const base = height - BOTTOM, font = pen.font;
      let most = 0;
      for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]);
      const y = linear(0, most || 1, base, TOP);
      pen.textBaseline = "middle";
      for (const tick of ticks(0, most || 1, 3)) {
        pen.fillStyle = palette.of("rule");
        pen.fillRect(LEFT, y(tick), axis.width, 1);
        pen.fillStyle = palette.of("muted");
        pen.textAlign = "right";
        pen.fillText(short(tick), LEFT - 6, y(tick));
      }
      pen.textAlign = "left";
      pen.fillText(spec.name, 0, 7);
      pen.textAlign = "center";
      pen.textBaseline = "alphabetic";
      for (let i = axis.first; i <= axis.last; i++) {
        const value = values[i - 1], letter = protein.letters[i - 1], x = axis.at(i);
        if (value > 0) {
          pen.save();
          pen.font = `700 ${SIZE}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace`;
          pen.translate(x, base);
          pen.scale(clamp(axis.cell / 11, 0.9, 2.6), (base - y(value)) / CAPITAL);
          pen.lineWidth = 1;
          pen.strokeStyle = palette.of("paper");
          pen.fillStyle = palette.of(
            i === state.chosen.residue ? "selected" : groupColour(letter),
          );
          pen.strokeText(letter, 0, 0);
          pen.fillText(letter, 0, 0);
          pen.restore();
        }
        if (axis.cell < SPELLED) continue;
        pen.font = font.replace(/[\d.]+px/, `${Math.min(12, 1.45 * axis.cell)}px`);
        pen.fillStyle = palette.of(value > 0 ? "ink" : "muted");
        pen.fillText(letter, x, base + 13);
        pen.font = font;
      }
      axis.numbers(pen, palette, base + 20);
      pen.fillText("residue", LEFT + axis.width / 2, height - 13);
    },
    marks(pen, { width, height }, palette) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT);
      axis.marks(pen, palette, TOP - 4, height - BOTTOM + 16);
    },
    hit(x, _y, { width }) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT);
      if (!axis.holds(x)) return undefined;
      const residue = axis.residue(x);
      return { residue, title: view.name(residue), facts: spec.facts(residue) };
    },
  });
}
