// @ts-check
/// <reference lib="dom" />
/** A square map of residue pairs; the part on view is the page's range on both axes. */
import { colours, figure } from "../../client/figure.js";
import { channels } from "../../client/palette.js";
import { ResidueAxis } from "../../client/residue_axis.js";

/** @typedef {import("../../client/figure.js").View} View */
/** @typedef {import("../../client/figure.js").Pen} Pen */
/** @typedef {import("../../client/palette.js").Palette} Palette */
/** @typedef {import("../../client/palette.js").Rgb} Rgb */

/** Pixels that a letter needs along an axis. */
const LETTER = 9;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   colour: (row: number, column: number, palette: Palette) => Rgb | undefined,
 *   version?: () => unknown,
 *   rows: string, columns: string, label: () => string,
 *   facts: (row: number, column: number) => readonly import("../../client/tooltip.js").Fact[],
 *   over?: (pen: Pen, x: ResidueAxis, y: ResidueAxis, palette: Palette) => void,
 *   data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec `colour` of a pair, none where nothing is known; `version` changes with what `colour` shows
 */
export function pairMap(view, frame, spec) {
  const image = document.createElement("canvas");
  let imageOf = "";
  /** One pixel a pair, made again only when what it shows has changed.
   * @param {Palette} palette @param {number} side pixels that there are for it */
  const draw = (palette, side) => {
    const [first, last] = view.state.chosen.range, count = last - first + 1;
    const wanted = [first, last, side, palette.of("paper"), palette.of("ink"), spec.version?.()]
      .join();
    if (wanted === imageOf) return;
    imageOf = wanted;
    // More pairs than device pixels cannot be seen: each pixel has the pair at its middle.
    const pixels = Math.min(count, side);
    image.width = image.height = pixels;
    const pen = /** @type {CanvasRenderingContext2D} */ (image.getContext("2d"));
    const data = pen.createImageData(pixels, pixels), words = new Uint32Array(data.data.buffer);
    const pack = (/** @type {Rgb} */ [r, g, b]) => (255 << 24 | b << 16 | g << 8 | r) >>> 0;
    const none = pack(channels(palette.of("panel")));
    const at = Array.from(
      { length: pixels },
      (_, p) => first + Math.floor((p + 0.5) * count / pixels),
    );
    /** @type {Map<Rgb, number>} */
    const packed = new Map();
    for (let r = 0, w = 0; r < pixels; r++) {
      for (let c = 0; c < pixels; c++, w++) {
        const rgb = spec.colour(at[r], at[c], palette);
        let word = rgb ? packed.get(rgb) : none;
        if (word === undefined) {
          packed.set(/** @type {Rgb} */ (rgb), word = pack(/** @type {Rgb} */ (rgb)));
        }
        words[w] = word;
      }
    }
    pen.putImageData(data, 0, 0);
  };
  const plot = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const narrow = width < 500, left = narrow ? 44 : 58;
    // Letters beneath the columns, where they have room, stand above the numbers.
    const [first, last] = view.state.chosen.range;
    const isDense = (width - left - 4) / (last - first + 1) < LETTER;
    const bottom = narrow && isDense ? 38 : 50;
    const side = Math.max(10, Math.min(width - left - 4, height - 4 - bottom));
    return { left, top: 4, side };
  };
  const result = figure(view, frame, {
    label: spec.label,
    draw(pen, size, palette) {
      const { left, top, side } = plot(size);
      const x = new ResidueAxis(view, left, side), y = new ResidueAxis(view, top, side);
      draw(palette, Math.round(side * 2));
      pen.imageSmoothingEnabled = x.cell < 1;
      pen.drawImage(image, left, top, side, side);
      pen.save();
      pen.beginPath();
      pen.rect(left, top, side, side);
      pen.clip();
      spec.over?.(pen, x, y, palette);
      pen.restore();
      pen.strokeStyle = palette.of("rule");
      pen.lineWidth = 1;
      pen.strokeRect(left, top, side, side);
      axes(pen, x, y, palette);
    },
    marks(pen, size, palette) {
      const { left, top, side } = plot(size);
      const x = new ResidueAxis(view, left, side), y = new ResidueAxis(view, top, side);
      pen.beginPath();
      pen.rect(left, top, side, side);
      pen.clip();
      cross(pen, x, y, palette);
    },
    hit(px, py, size) {
      const { left, top, side } = plot(size);
      const x = new ResidueAxis(view, left, side), y = new ResidueAxis(view, top, side);
      if (!x.holds(px) || !y.holds(py)) return undefined;
      const residue = y.residue(py), partner = x.residue(px);
      return {
        ...{ residue, partner },
        title: `${view.name(residue)} – ${view.name(partner)}`,
        facts: spec.facts(residue, partner),
      };
    },
    data: spec.data,
  });

  /** @param {Pen} pen @param {ResidueAxis} x @param {ResidueAxis} y @param {Palette} palette */
  function cross(pen, x, y, palette) {
    const half = x.cell / 2, right = x.left + x.width, bottom = y.left + y.width;
    const frameOf = (
      /** @type {number} */ row,
      /** @type {number} */ column,
      /** @type {string} */ colour,
      /** @type {number} */ weight,
    ) => {
      pen.strokeStyle = palette.of(colour);
      pen.lineWidth = weight;
      // Wide rows are framed, not crossed out.
      for (const d of half >= 3 ? [-half, half] : [0]) {
        pen.beginPath();
        if (y.shows(row)) {
          pen.moveTo(x.left, y.at(row) + d);
          pen.lineTo(right, y.at(row) + d);
        }
        if (x.shows(column)) {
          pen.moveTo(x.at(column) + d, y.left);
          pen.lineTo(x.at(column) + d, bottom);
        }
        pen.stroke();
      }
    };
    const { hovered, hoveredPartner, residue, partner } = view.state.chosen;
    if (hovered) frameOf(hovered, hoveredPartner || hovered, "muted", 1);
    if (residue) frameOf(residue, residue, "selected", 1.5);
    if (!partner) return;
    frameOf(partner, partner, "selected", 1.5);
    pen.lineWidth = 2;
    for (const [row, column] of [[residue, partner], [partner, residue]]) {
      if (!y.shows(row) || !x.shows(column)) continue;
      pen.beginPath();
      pen.arc(x.at(column), y.at(row), Math.max(6, half + 2), 0, 7);
      pen.stroke();
    }
  }

  /** @param {Pen} pen @param {ResidueAxis} x @param {ResidueAxis} y @param {Palette} palette */
  function axes(pen, x, y, palette) {
    const hasLetters = x.cell >= LETTER, base = y.left + y.width;
    x.numbers(pen, palette, base + (hasLetters ? 17 : 4));
    pen.fillText(spec.columns, x.left + x.width / 2, base + (hasLetters ? 34 : 22));
    const { letters } = view.protein;
    if (hasLetters) {
      for (let i = x.first; i <= x.last; i++) pen.fillText(letters[i - 1], x.at(i), base + 4);
    }
    pen.textBaseline = "middle";
    if (hasLetters) {
      for (let i = y.first; i <= y.last; i++) pen.fillText(letters[i - 1], x.left - 9, y.at(i));
    }
    pen.textAlign = "right";
    for (const i of y.ticks()) {
      pen.fillText(String(view.number(i)), x.left - (hasLetters ? 18 : 5), y.at(i));
    }
    pen.save();
    pen.translate(8, y.left + y.width / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(spec.rows, 0, 0);
    pen.restore();
  }
  return result;
}

/** Numbers of the sequential scale. @param {number} t 0..1 */
export const sequential = (t) => {
  const { s } = colours();
  return s[Math.round(Math.min(1, Math.max(0, t)) * (s.length - 1))];
};
