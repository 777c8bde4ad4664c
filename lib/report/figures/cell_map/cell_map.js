// @ts-check
/// <reference lib="dom" />
/** A matrix of named rows and columns; a cell is coloured by its value and says it where there is room. */
import { figure } from "../../client/figure.js";
import { css, inkOn, shade } from "../../client/palette.js";

/** @typedef {import("../../client/figure.js").View} View */

const TOP = 6, RIGHT = 6;
/** Room below for names of columns that stand on end. */
const MOST_BELOW = 110;

/**
 * Items of the page are cells, row by row.
 *
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   rows: readonly string[], columns: readonly string[], share: (item: number) => number,
 *   text: (item: number) => string, rowAxis: string, columnAxis: string, label: () => string,
 *   facts: (item: number) => readonly import("../../client/tooltip.js").Fact[],
 *   data: NonNullable<import("../../client/figure.js").FigureSpec["data"]>,
 * }} spec `share` 0..1 on the scale, NaN where there is nothing
 */
export function cellMap(view, frame, spec) {
  const { rows, columns } = spec;
  const longest = (/** @type {readonly string[]} */ names) =>
    6.8 * Math.max(1, ...names.map((name) => name.length));
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const left = Math.min(0.4 * width, 30 + longest(rows));
    const wide = (width - left - RIGHT) / columns.length;
    const isFlat = longest(columns) < wide - 4;
    const below = 26 + (isFlat ? 14 : Math.min(MOST_BELOW, longest(columns)));
    const tall = (height - TOP - below) / rows.length;
    return { left, wide, tall, isFlat, base: TOP + tall * rows.length };
  };
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data, needs: ["item"] },
    draw(pen, size, palette) {
      const { left, wide, tall, isFlat, base } = layout(size);
      pen.textBaseline = "middle";
      rows.forEach((name, r) => {
        const y = TOP + tall * r;
        columns.forEach((_, c) => {
          const item = r * columns.length + c, share = spec.share(item), x = left + wide * c;
          const rgb = Number.isNaN(share) ? undefined : shade(palette.s, share);
          if (rgb) {
            pen.fillStyle = css(rgb);
            pen.fillRect(x, y, Math.max(1, wide - 1), Math.max(1, tall - 1));
          }
          const text = spec.text(item);
          if (rgb && text && pen.measureText(text).width < wide - 4 && tall > 13) {
            pen.fillStyle = inkOn(rgb);
            pen.textAlign = "center";
            pen.fillText(text, x + wide / 2, y + tall / 2);
          }
          if (item !== view.state.chosen.item) return;
          pen.strokeStyle = palette.of("selected");
          pen.lineWidth = 2.5;
          pen.strokeRect(x, y, wide - 1, tall - 1);
        });
        pen.fillStyle = palette.of("ink");
        pen.textAlign = "right";
        if (tall > 9) pen.fillText(cut(pen, name, left - 28), left - 6, y + tall / 2);
      });
      columns.forEach((name, c) => {
        const x = left + wide * (c + 0.5);
        pen.fillStyle = palette.of("ink");
        if (isFlat) {
          pen.textAlign = "center";
          pen.fillText(name, x, base + 10);
          return;
        }
        if (wide < 9) return;
        pen.save();
        pen.translate(x, base + 4);
        pen.rotate(-Math.PI / 2);
        pen.textAlign = "right";
        pen.fillText(cut(pen, name, MOST_BELOW), 0, 0);
        pen.restore();
      });
      pen.fillStyle = palette.of("muted");
      pen.textAlign = "center";
      pen.fillText(spec.columnAxis, left + wide * columns.length / 2, size.height - 8);
      pen.save();
      pen.translate(8, (TOP + base) / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillText(spec.rowAxis, 0, 0);
      pen.restore();
    },
    hit(px, py, size) {
      const { left, wide, tall } = layout(size);
      const c = Math.floor((px - left) / wide), r = Math.floor((py - TOP) / tall);
      if (c < 0 || c >= columns.length || r < 0 || r >= rows.length) return undefined;
      const item = r * columns.length + c;
      return { item, title: `${rows[r]} as ${columns[c]}`, facts: spec.facts(item) };
    },
  });
}

/** As much of a text as so many pixels hold.
 * @param {import("../../client/figure.js").Pen} pen @param {string} text @param {number} width */
function cut(pen, text, width) {
  let most = text.length;
  const shown = () => most < text.length ? `${text.slice(0, most)}…` : text;
  while (most > 1 && pen.measureText(shown()).width > width) most--;
  return shown();
}
