// @ts-check
/// <reference lib="dom" />
/** Residues by letters: one cell per substitution, the sequence's own letter dotted. */
import { figure } from "../../client/figure.js";
import { short } from "../../client/numbers.js";
import { inkOn } from "../../client/palette.js";
import { ResidueAxis } from "../../client/residue_axis.js";

/** @typedef {import("../../client/figure.js").View} View */
/** @typedef {import("../../client/figure.js").Pen} Pen */
/** @typedef {import("../../client/palette.js").Palette} Palette */
/** @typedef {import("../../client/palette.js").Rgb} Rgb */

/**
 * A quantity along the sequence above the letters, from `low` to `high`.
 * @typedef {{ name: string, value: (residue: number) => number, low: number, high: number }} Strip
 */

const LEFT = 46, RIGHT = 6, TOP = 4;
/** Of a strip: its name, its bars, air. */
const NAME = 17, BARS = 28, STRIP = NAME + BARS + 7;
/** Pixels of a residue from which its letter is written. */
const LETTER = 9;

/**
 * `item` of the page's state is the chosen letter's place in `letters`.
 *
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   letters: string, colour: (residue: number, letter: number, palette: Palette) => Rgb | undefined,
 *   label: () => string, facts: (residue: number, letter: number) => readonly import("../../client/tooltip.js").Fact[],
 *   weight?: (residue: number, letter: number) => number, strips?: readonly Strip[],
 *   factsAbove?: (residue: number) => readonly import("../../client/tooltip.js").Fact[],
 *   data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec of residues that share a pixel the one with the largest `weight` is shown, without it the last;
 *   colours are asked for again when range, size or look change
 */
export function lettersMap(view, frame, spec) {
  const { protein, state } = view, count = spec.letters.length, { strips = [] } = spec;
  const image = document.createElement("canvas");

  /** @param {{ width: number, height: number }} size */
  const layout = ({ width, height }) => {
    const axis = new ResidueAxis(view, LEFT, Math.max(1, width - LEFT - RIGHT));
    const hasLetters = axis.cell >= LETTER, top = TOP + STRIP * strips.length;
    const base = height - (hasLetters ? 50 : 37);
    return { axis, hasLetters, top, base, tall: Math.max(1, base - top) / count };
  };

  /** One pixel a cell, or as many columns as the screen has; none where there is no value.
   * @param {ResidueAxis} axis @param {Palette} palette */
  const paint = (axis, palette) => {
    const span = axis.last - axis.first + 1;
    const columns = Math.min(span, Math.max(1, Math.round(axis.width * 2)));
    image.width = columns;
    image.height = count;
    const pen = /** @type {Pen} */ (image.getContext("2d"));
    const pixels = pen.createImageData(columns, count);
    for (let c = 0; c < columns; c++) {
      const from = axis.first + Math.floor(c * span / columns);
      const to = Math.max(from + 1, axis.first + Math.floor((c + 1) * span / columns));
      for (let k = 0; k < count; k++) {
        let shown = from, most = -Infinity;
        for (let residue = from; residue < to; residue++) {
          const weight = spec.weight?.(residue, k) ?? residue;
          if (weight > most) [most, shown] = [weight, residue];
        }
        const rgb = spec.colour(shown, k, palette);
        if (rgb) pixels.data.set([...rgb, 255], 4 * (k * columns + c));
      }
    }
    pen.putImageData(pixels, 0, 0);
  };

  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data },
    needs: ["residue", "hovered", "range", "item"],
    draw(pen, size, palette) {
      const { axis, hasLetters, top, base, tall } = layout(size);
      strips.forEach((strip, s) => drawStrip(pen, palette, axis, strip, TOP + STRIP * s));
      paint(axis, palette);
      hatch(pen, palette, LEFT, top, axis.width, base - top);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(image, LEFT, top, axis.width, base - top);
      pen.textBaseline = "middle";
      pen.textAlign = "center";
      pen.fillStyle = palette.of("muted");
      for (let k = 0; k < count; k++) {
        pen.fillText(spec.letters[k], LEFT - 10, top + tall * (k + 0.5));
      }
      dots(pen, palette, axis, top, tall);
      axis.numbers(pen, palette, base + (hasLetters ? 18 : 5));
      if (hasLetters) {
        for (let i = axis.first; i <= axis.last; i++) {
          pen.fillText(protein.letters[i - 1], axis.at(i), base + 4);
        }
      }
      pen.fillText("residue", LEFT + axis.width / 2, base + (hasLetters ? 35 : 22));
    },
    // Colours do not depend on what is chosen.
    marked: ["hovered", "hoveredPartner", "residue", "partner", "item"],
    marks(pen, size, palette) {
      const { axis, top, base, tall } = layout(size);
      strips.forEach((_, s) => {
        const y = TOP + STRIP * s + NAME;
        axis.marks(pen, palette, y - 2, y + BARS + 2);
      });
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
        pen.strokeRect(axis.at(at) - wide / 2, top, wide, base - top);
      };
      box(hovered, "muted", 1);
      box(residue, "selected", 1.5);
      if (residue && item >= 0 && axis.shows(residue)) {
        pen.lineWidth = 2.5;
        const wide = Math.max(axis.cell, 6);
        pen.strokeRect(axis.at(residue) - wide / 2, top + tall * item, wide, tall);
      }
      if (item < 0) return;
      // Over the still letter.
      pen.fillStyle = palette.of("paper");
      pen.fillRect(LEFT - 18, top + tall * item, 16, tall);
      pen.textBaseline = "middle";
      pen.textAlign = "center";
      pen.fillStyle = palette.of("selected");
      pen.fillText(spec.letters[item], LEFT - 10, top + tall * (item + 0.5));
    },
    hit(px, py, size) {
      const { axis, top, base, tall } = layout(size);
      if (!axis.holds(px) || py < TOP || py > base) return undefined;
      const residue = axis.residue(px), item = Math.floor((py - top) / tall);
      if (item < 0) {
        return { residue, title: view.name(residue), facts: spec.factsAbove?.(residue) ?? [] };
      }
      if (item >= count) return undefined;
      return {
        ...{ residue, item },
        title: `${view.name(residue)}${spec.letters[item]}`,
        facts: spec.facts(residue, item),
      };
    },
  });

  /** @param {Pen} pen @param {Palette} palette @param {ResidueAxis} axis @param {Strip} strip @param {number} top */
  function drawStrip(pen, palette, axis, { name, value, low, high }, top) {
    const y = (/** @type {number} */ x) => top + NAME + (high - x) / (high - low) * BARS;
    pen.fillStyle = palette.of("rule");
    pen.fillRect(axis.left, y(0), axis.width, 1);
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    pen.fillStyle = palette.of("muted");
    for (const end of [low, high]) pen.fillText(short(end), axis.left - 6, y(end));
    pen.textAlign = "left";
    pen.fillText(name, axis.left, top + 8);
    pen.fillStyle = palette.of("blue");
    for (let residue = axis.first; residue <= axis.last; residue++) {
      const x = value(residue);
      if (Number.isNaN(x)) continue;
      const [a, b] = [y(Math.min(high, Math.max(0, x))), y(Math.max(low, Math.min(0, x)))];
      const wide = Math.max(0.7, axis.cell - (axis.cell > 4 ? 1 : 0));
      pen.fillRect(axis.at(residue) - wide / 2, a, wide, Math.max(0.5, b - a));
    }
  }

  /** What shows through where there is no value, and looks like no colour of a scale.
   * @param {Pen} pen @param {Palette} palette @param {number} x @param {number} y
   * @param {number} width @param {number} height */
  function hatch(pen, palette, x, y, width, height) {
    pen.fillStyle = palette.of("panel");
    pen.fillRect(x, y, width, height);
    pen.strokeStyle = palette.of("rule");
    pen.lineWidth = 1;
    pen.beginPath();
    for (let c = 6; c < width + height; c += 6) {
      // From the upper or right edge to the left or lower one.
      pen.moveTo(x + Math.min(c, width), y + Math.max(0, c - width));
      pen.lineTo(x + Math.max(0, c - height), y + Math.min(c, height));
    }
    pen.stroke();
  }

  /** The sequence's own letters.
   * @param {Pen} pen @param {Palette} palette @param {ResidueAxis} axis @param {number} top @param {number} tall */
  function dots(pen, palette, axis, top, tall) {
    for (let residue = axis.first; residue <= axis.last; residue++) {
      const k = spec.letters.indexOf(protein.letters[residue - 1]);
      if (k < 0) continue;
      const rgb = spec.colour(residue, k, palette);
      pen.fillStyle = rgb ? inkOn(rgb) : palette.of("muted");
      const y = top + tall * (k + 0.5), wide = Math.min(5, axis.cell * 0.7);
      if (axis.cell < 3) {
        pen.fillRect(axis.at(residue) - wide / 2, y - 1, wide, 2);
        continue;
      }
      pen.beginPath();
      pen.arc(axis.at(residue), y, wide / 2, 0, 7);
      pen.fill();
    }
  }
}
