// @ts-check
/// <reference lib="dom" />
/** Axes of residues: where each lies, its number, and the lines of what is chosen. */
import { clamp, residueTicks } from "./numbers.js";

/** @typedef {import("./figure.js").View} View */
/** @typedef {import("./figure.js").Pen} Pen */
/** @typedef {import("./palette.js").Palette} Palette */

export class ResidueAxis {
  /** The residues on view over `width` pixels from `left`.
   * @param {View} view @param {number} left @param {number} width */
  constructor(view, left, width) {
    const [first, last] = view.state.chosen.range;
    this.first = first;
    this.last = last;
    this.view = view;
    this.left = left;
    this.width = width;
    /** Pixels of a residue. */
    this.cell = width / (last - first + 1);
  }
  /** Centre of a residue. @param {number} residue */
  at(residue) {
    return this.left + (residue - this.first + 0.5) * this.cell;
  }
  /** @param {number} x */
  residue(x) {
    return clamp(this.first + Math.floor((x - this.left) / this.cell), this.first, this.last);
  }
  /** @param {number} residue */
  shows(residue) {
    return residue >= this.first && residue <= this.last;
  }
  /** @param {number} x */
  holds(x) {
    return x >= this.left && x <= this.left + this.width;
  }
  /** Numbers below a line.
   * @param {Pen} pen @param {Palette} colours @param {number} y */
  numbers(pen, colours, y) {
    pen.fillStyle = colours.of("muted");
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const residue of this.ticks()) {
      pen.fillText(String(this.view.number(residue)), this.at(residue), y);
    }
  }
  /** Residues to number. */
  ticks() {
    const shift = this.view.number(1) - 1;
    return residueTicks([this.first + shift, this.last + shift], this.width / 70)
      .map((number) => number - shift);
  }
  /** Columns of what is hovered and selected.
   * @param {Pen} pen @param {Palette} colours @param {number} top @param {number} bottom */
  marks(pen, colours, top, bottom) {
    const { hovered, residue, partner } = this.view.state.chosen;
    const column = (
      /** @type {number} */ at,
      /** @type {string} */ colour,
      /** @type {number} */ weight,
    ) => {
      if (!this.shows(at)) return;
      const x = this.at(at), wide = Math.max(this.cell, weight);
      pen.save();
      pen.fillStyle = colour;
      pen.globalAlpha = this.cell > 3 ? 0.22 : 1;
      pen.fillRect(x - wide / 2, top, wide, bottom - top);
      pen.globalAlpha = 1;
      pen.fillRect(x - wide / 2, top, wide, weight);
      pen.restore();
    };
    column(hovered, colours.of("muted"), 1);
    column(residue, colours.of("selected"), 2);
    column(partner, colours.of("selected"), 2);
  }
}
