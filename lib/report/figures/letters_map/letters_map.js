// @ts-check
/// <reference lib="dom" />
/** Residues by letters: one cell per substitution, the sequence's own letter dotted. */
import { figure } from "../../client/figure.js";
import { css, inkOn } from "../../client/palette.js";
import { ResidueAxis } from "../../client/residue_axis.js";

/** @typedef {import("../../client/figure.js").View} View */
/** @typedef {import("../../client/palette.js").Palette} Palette */
/** @typedef {import("../../client/palette.js").Rgb} Rgb */

const LEFT = 30, RIGHT = 6, TOP = 4, BOTTOM = 36;

/**
 * `item` of the page's state is the chosen letter's place in `letters`.
 *
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   letters: string, colour: (residue: number, letter: number, palette: Palette) => Rgb | undefined,
 *   label: () => string, facts: (residue: number, letter: number) => readonly import("../../client/tooltip.js").Fact[],
 *   data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec
 */
export function lettersMap(view, frame, spec) {
  const { protein, state } = view, count = spec.letters.length;
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data },
    draw(pen, { width, height }, palette) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT), base = height - BOTTOM;
      const tall = (base - TOP) / count;
      pen.textBaseline = "middle";
      pen.textAlign = "center";
      for (let k = 0; k < count; k++) {
        pen.fillStyle = palette.of("muted");
        pen.fillText(spec.letters[k], LEFT - 12, TOP + tall * (k + 0.5));
      }
      for (let residue = axis.first; residue <= axis.last; residue++) {
        const x = axis.at(residue) - axis.cell / 2;
        for (let k = 0; k < count; k++) {
          const rgb = spec.colour(residue, k, palette), y = TOP + tall * k;
          pen.fillStyle = rgb ? css(rgb) : palette.of("panel");
          pen.fillRect(x, y, axis.cell + 0.3, tall + 0.3);
          if (spec.letters[k] !== protein.letters[residue - 1]) continue;
          pen.fillStyle = rgb ? inkOn(rgb) : palette.of("ink");
          pen.beginPath();
          pen.arc(axis.at(residue), y + tall / 2, Math.min(2.5, axis.cell / 3), 0, 7);
          pen.fill();
        }
      }
      const { residue, item, hovered } = state.chosen;
      const box = (
        /** @type {number} */ at,
        /** @type {string} */ colour,
        /** @type {number} */ weight,
      ) => {
        if (!axis.shows(at)) return;
        pen.strokeStyle = palette.of(colour);
        pen.lineWidth = weight;
        const wide = Math.max(axis.cell, 3);
        pen.strokeRect(axis.at(at) - wide / 2, TOP, wide, base - TOP);
      };
      box(hovered, "muted", 1);
      box(residue, "selected", 1.5);
      if (residue && item >= 0 && axis.shows(residue)) {
        pen.lineWidth = 2.5;
        const wide = Math.max(axis.cell, 5);
        pen.strokeRect(axis.at(residue) - wide / 2, TOP + tall * item, wide, tall);
      }
      axis.numbers(pen, palette, base + 5);
      pen.fillText("residue", LEFT + axis.width / 2, base + 21);
    },
    hit(px, py, { width, height }) {
      const axis = new ResidueAxis(view, LEFT, width - LEFT - RIGHT);
      const tall = (height - BOTTOM - TOP) / count, item = Math.floor((py - TOP) / tall);
      if (!axis.holds(px) || item < 0 || item >= count) return undefined;
      const residue = axis.residue(px);
      return {
        ...{ residue, item },
        title: `${view.name(residue)}${spec.letters[item]}`,
        facts: spec.facts(residue, item),
      };
    },
  });
}
