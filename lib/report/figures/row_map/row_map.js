// @ts-check
/// <reference lib="dom" />
/** The page's items by residues: a cell where an item has a value, with columns for what is before and behind. */
import { figure } from "../../client/figure.js";
import { css, inkOn } from "../../client/palette.js";
import { ResidueAxis } from "../../client/residue_axis.js";

/** @typedef {import("../../client/figure.js").View} View */
/** @typedef {import("../../client/palette.js").Palette} Palette */
/** @typedef {import("../../client/palette.js").Rgb} Rgb */

/** `token` 0 is what is before the residues, the number behind the last what is behind them.
 * @typedef {{ row: number, token: number, value: number }} Cell */

const RIGHT = 6, TOP = 14, BOTTOM = 36, END = 30;
/** Pixels from which a cell has room for a letter: across and down. */
const LETTER = 8.5, LINE = 11;

/**
 * Rows are the page's items, from 0.
 *
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   rows: () => readonly string[], titleOf: (row: number) => string, cells: () => readonly Cell[],
 *   ends: readonly [before: string, behind: string],
 *   colour: (value: number, palette: Palette) => Rgb, label: () => string, axis: string,
 *   letter?: (row: number, token: number) => string,
 *   facts: (row: number, token: number) => readonly import("../../client/tooltip.js").Fact[],
 *   data: NonNullable<import("../../client/figure.js").FigureSpec["data"]>,
 * }} spec `letter` is written in cells that have room
 */
export function rowMap(view, frame, spec) {
  const { state } = view, { length } = state;
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const rows = spec.rows(), cells = spec.cells();
    const left = 16 + 6.8 * Math.max(6, ...rows.map((name) => name.length));
    const isLeft = cells.some(({ token }) => token === 0);
    const isRight = cells.some(({ token }) => token > length);
    const from = left + (isLeft ? END : 0), to = width - RIGHT - (isRight ? END : 0);
    const axis = new ResidueAxis(view, from, to - from);
    return {
      ...{ rows, cells, left, isLeft, isRight, axis, base: height - BOTTOM, to },
      tall: (height - TOP - BOTTOM) / Math.max(1, rows.length),
    };
  };
  const nameOf = (/** @type {number} */ token) =>
    token === 0 ? spec.ends[0] : token > length ? spec.ends[1] : view.name(token);
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data },
    draw(pen, size, palette) {
      const { rows, cells, left, isLeft, isRight, axis, base, tall, to } = layout(size);
      const { residue, hovered, item } = state.chosen;
      /** Left edge and width of a token's column; it is as wide as can be seen.
       * @param {number} token @returns {[number, number] | undefined} */
      const column = (token) => {
        if (token === 0) return [left, END - 6];
        if (token > length) return [to + 6, END - 6];
        if (!axis.shows(token)) return undefined;
        const wide = Math.max(axis.cell, 2);
        return [axis.at(token) - wide / 2, wide];
      };
      pen.textBaseline = "middle";
      rows.forEach((name, k) => {
        const y = TOP + tall * k;
        if (k === item) {
          pen.fillStyle = palette.of("panel");
          pen.fillRect(0, y, size.width, tall);
          pen.fillStyle = palette.of("selected");
          pen.fillRect(0, y, 3, tall);
        }
        pen.fillStyle = palette.of("rule");
        pen.fillRect(left, y + tall - 0.5, size.width - RIGHT - left, 1);
        pen.fillStyle = palette.of(k === item ? "ink" : "muted");
        pen.textAlign = "right";
        pen.fillText(name, left - 10, y + tall / 2);
      });
      // Of several on a pixel the farthest from zero is drawn last.
      for (const { row, token, value } of cells) {
        const at = column(token);
        if (!at) continue;
        const rgb = spec.colour(value, palette);
        pen.fillStyle = css(rgb);
        pen.fillRect(at[0], TOP + tall * row + 1, at[1], Math.max(1, tall - 2));
        if (!spec.letter || at[1] < LETTER || tall < LINE) continue;
        pen.fillStyle = inkOn(rgb);
        pen.textAlign = "center";
        pen.fillText(spec.letter(row, token), at[0] + at[1] / 2, TOP + tall * (row + 0.5));
      }
      pen.fillStyle = palette.of("site");
      for (const mark of view.protein.marks ?? []) {
        if (!axis.shows(mark)) continue;
        const x = axis.at(mark);
        pen.beginPath();
        pen.moveTo(x - 5, 3);
        pen.lineTo(x + 5, 3);
        pen.lineTo(x, 11);
        pen.closePath();
        pen.fill();
      }
      const box = (
        /** @type {number} */ token,
        /** @type {string} */ colour,
        /** @type {number} */ weight,
        /** @type {number} */ from,
        /** @type {number} */ tallness,
      ) => {
        const at = token > 0 && token <= length ? column(token) : undefined;
        if (!at) return;
        pen.strokeStyle = palette.of(colour);
        pen.lineWidth = weight;
        pen.strokeRect(at[0], from, Math.max(3, at[1]), tallness);
      };
      box(hovered, "muted", 1, TOP, base - TOP);
      box(residue, "selected", 1.5, TOP, base - TOP);
      if (item >= 0 && item < rows.length) {
        box(residue, "selected", 2.5, TOP + tall * item, tall);
      }
      axis.numbers(pen, palette, base + 5);
      pen.textAlign = "center";
      if (isLeft) pen.fillText(spec.ends[0], left + END / 2 - 3, base + 5);
      if (isRight) pen.fillText(spec.ends[1], to + END / 2 + 3, base + 5);
      pen.fillText("residue", axis.left + axis.width / 2, base + 21);
      pen.textAlign = "right";
      pen.fillText(spec.axis, left - 10, base + 5);
    },
    hit(px, py, size) {
      const { rows, left, isLeft, isRight, axis, base, tall, to } = layout(size);
      const row = Math.floor((py - TOP) / tall);
      if (py < TOP || py > base || row < 0 || row >= rows.length) return undefined;
      const title = spec.titleOf(row);
      const token = isLeft && px >= left && px < axis.left
        ? 0
        : isRight && px > to
        ? length + 1
        : axis.holds(px)
        ? axis.residue(px)
        : undefined;
      if (token === undefined) return px < left ? { item: row, title, facts: [] } : undefined;
      return {
        item: row,
        ...(token > 0 && token <= length && { residue: token }),
        title: `${title} at ${nameOf(token)}`,
        facts: spec.facts(row, token),
      };
    },
  });
}
