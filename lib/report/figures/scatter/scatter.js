// @ts-check
/// <reference lib="dom" />
/** Points of two quantities; a point may stand for a residue or an item. */
import { figure } from "../../client/figure.js";
import { linear, logTicks, short, ticks } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */

/**
 * @typedef {{
 *   x: number, y: number, name: string, residue?: number, item?: number, colour?: string,
 *   facts?: readonly import("../../client/tooltip.js").Fact[],
 * }} Dot
 */

/** A line among the points.
 * @typedef {{ name: string, colour: string, points: readonly (readonly [number, number])[] }} Curve */

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   dots: () => readonly Dot[], x: string, y: string, label: () => string,
 *   log?: "x" | "xy", curves?: () => readonly Curve[],
 *   isChosen?: (dot: Dot) => boolean, pick?: (dot: Dot) => void,
 *   data?: import("../../client/figure.js").FigureSpec["data"], needs?: readonly string[],
 * }} spec `log`: which axes are logarithmic
 */
export function scatter(view, frame, spec) {
  const chosen = spec.isChosen ??
    ((dot) =>
      dot.item !== undefined
        ? dot.item === view.state.chosen.item
        : dot.residue !== undefined && dot.residue === view.state.chosen.residue);
  const scaleOf = (/** @type {"x" | "y"} */ axis) =>
    spec.log?.includes(axis) ? Math.log10 : (/** @type {number} */ value) => value;
  const axisTicks = (
    /** @type {"x" | "y"} */ axis,
    /** @type {number} */ low,
    /** @type {number} */ high,
    /** @type {number} */ count,
  ) => spec.log?.includes(axis) ? logTicks(10 ** low, 10 ** high, count) : ticks(low, high, count);
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
    const dots = spec.dots(), corners = (spec.curves?.() ?? []).flatMap(({ points }) => points);
    const onX = scaleOf("x"), onY = scaleOf("y");
    const [x0, x1] = bounds([...dots.map(({ x }) => x), ...corners.map(([x]) => x)].map(onX));
    const [y0, y1] = bounds([...dots.map(({ y }) => y), ...corners.map(([, y]) => y)].map(onY));
    const alongX = linear(x0, x1, 52, width - 12), alongY = linear(y0, y1, height - 40, 20);
    return {
      ...{ dots, x0, x1, y0, y1, base: height - 40 },
      x: (/** @type {number} */ value) => alongX(onX(value)),
      y: (/** @type {number} */ value) => alongY(onY(value)),
    };
  };
  /** @type {import("../../client/tooltip.js").Hit & { dot?: Dot } | undefined} */
  let last;
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data, needs: spec.needs ?? ["item", "residue", "hovered"] },
    draw(pen, size, palette) {
      const { dots, x0, x1, y0, y1, base, x, y } = layout(size);
      pen.textBaseline = "middle";
      pen.textAlign = "right";
      for (const tick of axisTicks("y", y0, y1, (base - 20) / 45)) {
        pen.fillStyle = palette.of("rule");
        pen.fillRect(52, y(tick), size.width - 64, 1);
        pen.fillStyle = palette.of("muted");
        pen.fillText(short(tick), 46, y(tick));
      }
      pen.textAlign = "center";
      for (const tick of axisTicks("x", x0, x1, size.width / 90)) {
        pen.fillText(short(tick), x(tick), base + 11);
      }
      pen.fillText(spec.x, size.width / 2, base + 29);
      pen.textAlign = "left";
      pen.fillText(spec.y, 0, 7);
      for (const { name, colour, points } of spec.curves?.() ?? []) {
        pen.strokeStyle = pen.fillStyle = palette.of(colour);
        pen.lineWidth = 2;
        pen.beginPath();
        points.forEach(([px, py], i) => {
          if (i === 0) pen.moveTo(x(px), y(py));
          else pen.lineTo(x(px), y(py));
        });
        pen.stroke();
        const [endX, endY] = points[points.length - 1];
        pen.textAlign = "right";
        pen.fillText(name, x(endX), y(endY) - 9);
      }
      pen.globalAlpha = dots.length > 2000 ? 0.45 : 0.75;
      for (const dot of dots) {
        put(pen, x(dot.x), y(dot.y), palette.of(dot.colour ?? "blue"), radiusOf(dots));
      }
      pen.globalAlpha = 1;
    },
    marked: ["item", "residue", "partner", "hovered", "hoveredPartner"],
    marks(pen, size, palette) {
      const { dots, x, y } = layout(size), { hovered } = view.state.chosen;
      for (const dot of dots) {
        const mark = (/** @type {string} */ colour, /** @type {number} */ more) =>
          put(pen, x(dot.x), y(dot.y), palette.of(colour), radiusOf(dots) + more);
        if (hovered && dot.residue === hovered) mark("muted", 1);
        if (chosen(dot)) mark("selected", 3);
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
        facts: [
          ...(best.facts ?? []),
          [spec.x, short(best.x), String(best.x)],
          [spec.y, short(best.y), String(best.y)],
        ],
      };
    },
    pick: spec.pick ? () => last?.dot && spec.pick?.(last.dot) : undefined,
  });
}

/** Smaller where there are many. @param {readonly Dot[]} dots */
const radiusOf = (dots) => dots.length > 2000 ? 1.6 : 3;

/** A point, where it has a place.
 * @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {string} colour @param {number} radius */
function put(pen, x, y, colour, radius) {
  if (!Number.isFinite(x) || !Number.isFinite(y)) return;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fill();
}
