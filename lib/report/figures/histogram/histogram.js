// @ts-check
/// <reference lib="dom" />
/** Counts in bins, with a line that parts them. */
import { figure } from "../../client/figure.js";
import { linear, short, ticks } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   values: () => readonly number[], bin: number, from: number, to: number, x: string, y: string,
 *   colour: (middle: number) => string, line?: { at: number, name: string }, label: () => string,
 *   data?: import("../../client/figure.js").FigureSpec["data"], needs?: readonly string[],
 * }} spec values beyond `to` are in the last bin
 */
export function histogram(view, frame, spec) {
  const counts = () => {
    const found = new Array(Math.ceil((spec.to - spec.from) / spec.bin)).fill(0);
    for (const value of spec.values()) {
      if (Number.isNaN(value)) continue;
      const at = Math.floor((value - spec.from) / spec.bin);
      found[Math.min(found.length - 1, Math.max(0, at))]++;
    }
    return found;
  };
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const found = counts(), most = Math.max(1, ...found);
    return {
      ...{ found, most, base: height - 40 },
      x: linear(spec.from, spec.to, 44, width - 12),
      y: linear(0, most, height - 40, 26),
    };
  };
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data, needs: spec.needs },
    draw(pen, size, palette) {
      const { found, most, base, x, y } = layout(size);
      pen.textBaseline = "middle";
      pen.textAlign = "right";
      for (const tick of ticks(0, most, 3).filter(Number.isInteger)) {
        pen.fillStyle = palette.of("rule");
        pen.fillRect(44, y(tick), size.width - 56, 1);
        pen.fillStyle = palette.of("muted");
        pen.fillText(short(tick), 38, y(tick));
      }
      found.forEach((count, b) => {
        const begin = spec.from + b * spec.bin;
        pen.fillStyle = palette.of(spec.colour(begin + spec.bin / 2));
        pen.fillRect(x(begin) + 0.5, y(count), x(begin + spec.bin) - x(begin) - 1, base - y(count));
      });
      pen.fillStyle = palette.of("muted");
      pen.textAlign = "center";
      for (const tick of ticks(spec.from, spec.to, size.width / 70)) {
        pen.fillText(short(tick), x(tick), base + 11);
      }
      pen.fillText(spec.x, size.width / 2, base + 29);
      pen.textAlign = "left";
      pen.fillText(spec.y, 0, 7);
      if (!spec.line) return;
      pen.strokeStyle = palette.of("ink");
      pen.lineWidth = 1;
      pen.setLineDash([4, 3]);
      pen.beginPath();
      pen.moveTo(x(spec.line.at), 16);
      pen.lineTo(x(spec.line.at), base);
      pen.stroke();
      pen.setLineDash([]);
      pen.fillStyle = palette.of("ink");
      pen.fillText(spec.line.name, x(spec.line.at) + 4, 16);
    },
    hit(px, _py, size) {
      const { found, x } = layout(size);
      const b = found.findIndex((_, k) =>
        px >= x(spec.from + k * spec.bin) && px < x(spec.from + (k + 1) * spec.bin)
      );
      if (b < 0) return undefined;
      const begin = spec.from + b * spec.bin, end = begin + spec.bin;
      const range = b === found.length - 1
        ? `from ${short(begin)}`
        : `${short(begin)} to ${short(end)}`;
      return { title: range, facts: [[spec.y, String(found[b])]] };
    },
  });
}
