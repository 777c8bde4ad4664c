// @ts-check
/// <reference lib="dom" />
/** Two shares of each letter side by side, with a line where the first would be by chance. */
import { figure } from "../../client/figure.js";
import { linear, percent, ticks } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */
/** @typedef {{ letter: string, first: number, second: number, chance: number }} LetterBar */

const LEFT = 44, RIGHT = 8, TOP = 14, BOTTOM = 26;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   bars: () => readonly LetterBar[], label: () => string, needs: readonly string[], top?: number,
 *   facts: (bar: LetterBar) => readonly import("../../client/tooltip.js").Fact[],
 *   data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec shares are 0..1, or 0..top; the first is blue, the second orange
 */
export function letterBars(view, frame, spec) {
  const { top = 1 } = spec;
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const bars = spec.bars(), cell = (width - LEFT - RIGHT) / Math.max(1, bars.length);
    return { bars, cell, base: height - BOTTOM, y: linear(0, top, height - BOTTOM, TOP) };
  };
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data, needs: spec.needs },
    draw(pen, size, palette) {
      const { bars, cell, base, y } = layout(size), wide = Math.min(14, cell * 0.4);
      pen.textBaseline = "middle";
      for (const tick of ticks(0, top, (base - TOP) / 40)) {
        pen.fillStyle = palette.of("rule");
        pen.fillRect(LEFT, y(tick), size.width - LEFT - RIGHT, 1);
        pen.fillStyle = palette.of("muted");
        pen.textAlign = "right";
        pen.fillText(percent(tick), LEFT - 6, y(tick));
      }
      pen.textAlign = "center";
      bars.forEach(({ letter, first, second, chance }, k) => {
        const x = LEFT + cell * (k + 0.5);
        pen.fillStyle = palette.of("blue");
        pen.fillRect(x - wide, y(first), wide, base - y(first));
        pen.fillStyle = palette.of("orange");
        pen.fillRect(x, y(second), wide, base - y(second));
        pen.fillStyle = palette.of("ink");
        pen.fillRect(x - wide - 2, y(chance) - 1, wide + 4, 2);
        pen.fillText(letter, x, base + 13);
      });
    },
    hit(x, _y, size) {
      const { bars, cell } = layout(size), bar = bars[Math.floor((x - LEFT) / cell)];
      return bar && x >= LEFT ? { title: bar.letter, facts: spec.facts(bar) } : undefined;
    },
  });
}
