// @ts-check
/// <reference lib="dom" />
/** Points of two quantities; a point may stand for a residue or an item. */
import { figure } from "../../client/figure.js";
import { linear, short, ticks } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */

/**
 * @typedef {{
 *   x: number, y: number, name: string, residue?: number, item?: number, colour?: string,
 *   facts?: readonly import("../../client/tooltip.js").Fact[],
 * }} Dot
 */

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   dots: () => readonly Dot[], x: string, y: string, label: () => string,
 *   isChosen?: (dot: Dot) => boolean, pick?: (dot: Dot) => void,
 *   data?: import("../../client/figure.js").FigureSpec["data"], needs?: readonly string[],
 *   isLog?: boolean, curve?: { points: readonly (readonly [number, number])[], name: string },
 * }} spec `isLog` where the x axis is logarithmic; `curve` what the dots are compared with, by x
 */
export function scatter(view, frame, spec) {
  const chosen = spec.isChosen ??
    ((dot) =>
      dot.item !== undefined
        ? dot.item === view.state.chosen.item
        : dot.residue !== undefined && dot.residue === view.state.chosen.residue);
  const bounds = (/** @type {readonly number[]} */ values) => {
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (!(high > low)) {
      return [Number.isFinite(low) ? low - 0.5 : 0, Number.isFinite(low) ? low + 0.5 : 1];
    }
    const edge = 0.04 * (high - low);
    return [low - edge, high + edge];
  };
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const dots = spec.dots(), curve = spec.curve?.points ?? [];
    const on = (/** @type {number} */ x) => spec.isLog ? Math.log10(x) : x;
    const [x0, x1] = bounds(dots.map(({ x }) => on(x)));
    const [y0, y1] = bounds([...dots.map(({ y }) => y), ...curve.map(([, y]) => y)]);
    const along = linear(x0, x1, 52, width - 12);
    return {
      ...{ dots, curve, x0, x1, y0, y1, base: height - 40 },
      x: (/** @type {number} */ x) => along(on(x)),
      y: linear(y0, y1, height - 40, 20),
    };
  };
  /** @type {import("../../client/tooltip.js").Hit & { dot?: Dot } | undefined} */
  let last;
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data, needs: spec.needs ?? ["item", "residue", "hovered"] },
    draw(pen, size, palette) {
      const { dots, curve, x0, x1, y0, y1, base, x, y } = layout(size);
      pen.textBaseline = "middle";
      pen.textAlign = "right";
      for (const tick of ticks(y0, y1, (base - 20) / 45)) {
        pen.fillStyle = palette.of("rule");
        pen.fillRect(52, y(tick), size.width - 64, 1);
        pen.fillStyle = palette.of("muted");
        pen.fillText(short(tick), 46, y(tick));
      }
      pen.textAlign = "center";
      const across = spec.isLog ? decades(x0, x1) : ticks(x0, x1, size.width / 90);
      for (const tick of across) pen.fillText(short(tick), x(tick), base + 11);
      pen.fillText(spec.x, size.width / 2, base + 29);
      pen.textAlign = "left";
      pen.fillText(spec.y, 0, 7);
      const size_ = dots.length > 2000 ? 1.6 : 3;
      const put = (
        /** @type {Dot} */ dot,
        /** @type {string} */ colour,
        /** @type {number} */ radius,
      ) => {
        if (!Number.isFinite(dot.x) || !Number.isFinite(dot.y)) return;
        pen.fillStyle = palette.of(colour);
        pen.beginPath();
        pen.arc(x(dot.x), y(dot.y), radius, 0, 7);
        pen.fill();
      };
      pen.globalAlpha = dots.length > 2000 ? 0.45 : 0.75;
      for (const dot of dots) put(dot, dot.colour ?? "blue", size_);
      pen.globalAlpha = 1;
      if (curve.length > 0) {
        pen.strokeStyle = palette.of("ink");
        pen.lineWidth = 1.5;
        pen.beginPath();
        curve.forEach(([a, b], k) => k === 0 ? pen.moveTo(x(a), y(b)) : pen.lineTo(x(a), y(b)));
        pen.stroke();
        const [a, b] = curve[curve.length >> 1];
        pen.textAlign = "right";
        pen.lineJoin = "round";
        pen.lineWidth = 4;
        pen.strokeStyle = palette.of("paper");
        pen.fillStyle = palette.of("ink");
        pen.strokeText(spec.curve?.name ?? "", x(a) - 8, y(b) - 10);
        pen.fillText(spec.curve?.name ?? "", x(a) - 8, y(b) - 10);
      }
      const { hovered } = view.state.chosen;
      for (const dot of dots) {
        if (hovered && dot.residue === hovered) put(dot, "muted", size_ + 1);
        if (chosen(dot)) put(dot, "selected", size_ + 2);
      }
    },
    hit(px, py, size) {
      const { dots, x, y } = layout(size);
      /** @type {Dot | undefined} */
      let best;
      let least = 10;
      for (const dot of dots) {
        const away = Math.hypot(x(dot.x) - px, y(dot.y) - py);
        if (away < least) [least, best] = [away, dot];
      }
      if (!best) return last = undefined;
      const { name, residue, item } = best;
      return last = {
        ...{ residue, item, title: name, dot: best },
        facts: [...(best.facts ?? []), [spec.x, short(best.x)], [spec.y, short(best.y)]],
      };
    },
    pick: spec.pick ? () => last?.dot && spec.pick?.(last.dot) : undefined,
  });
}

/** 1, 2 and 5 times the powers of ten between two of their logarithms; powers alone where these are many.
 * @param {number} low @param {number} high @returns {number[]} */
function decades(low, high) {
  const found = [], steps = high - low > 2 ? [1] : [1, 2, 5];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (Math.log10(tick) >= low && Math.log10(tick) <= high) found.push(tick);
    }
  }
  return found;
}
