// @ts-check
/// <reference lib="dom" />
/** Curves over shared axes, with their intervals and what chance gives. */
import { figure } from "../../client/figure.js";
import { fixed, linear, short, ticks } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */

/**
 * `colour` is a name of the style sheet; `low` and `high` an interval at each point; `chance` a level that
 * chance gives; `item` what a click selects.
 * @typedef {{
 *   name: string, colour: string, points: readonly (readonly [number, number])[],
 *   low?: readonly number[], high?: readonly number[], dashed?: boolean, chance?: number,
 *   dots?: boolean, item?: number,
 * }} Curve
 */

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   curves: () => readonly Curve[], x: string, y: string, label: () => string,
 *   xTicks?: readonly (readonly [number, string])[], xRange?: readonly [number, number],
 *   yRange?: readonly [number, number], isPercent?: boolean, isLog?: boolean,
 *   data?: import("../../client/figure.js").FigureSpec["data"], needs?: readonly string[],
 * }} spec
 */
export function lines(view, frame, spec) {
  const say = (/** @type {number} */ y) =>
    spec.isPercent ? `${fixed(100 * y, 0)}\u202f%` : short(y);
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const curves = spec.curves();
    const longest = Math.max(0, ...curves.map(({ name }) => name.length));
    const right = curves.length > 1 && width > 360 ? Math.min(170, 12 + 7 * longest) : 12;
    const xs = curves.flatMap(({ points }) => points.map(([x]) => x));
    const ys = curves.flatMap(({ points, low = [], high = [], chance }) => [
      ...points.map(([, y]) => y),
      ...[...low, ...high],
      ...(chance === undefined ? [] : [chance]),
    ]).filter(Number.isFinite);
    const [x0, x1] = spec.xRange ?? [Math.min(...xs), Math.max(...xs)];
    const [y0, y1] = spec.yRange ?? [Math.min(0, ...ys), Math.max(...ys)];
    const at = spec.isLog ? Math.log10 : (/** @type {number} */ v) => v;
    const across = linear(at(x0), at(x1 > x0 ? x1 : x0 + 1), 52, width - right);
    return {
      ...{ curves, right, x0, x1, y0, y1: y1 > y0 ? y1 : y0 + 1, base: height - 40, left: 52 },
      x: (/** @type {number} */ v) => across(at(v)),
      y: linear(y0, y1 > y0 ? y1 : y0 + 1, height - 40, 20),
    };
  };
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data, needs: spec.needs ?? ["item"] },
    draw(pen, size, palette) {
      const { curves, right, x0, x1, y0, y1, base, left, x, y } = layout(size);
      pen.textBaseline = "middle";
      pen.textAlign = "right";
      for (const tick of ticks(y0, y1, (base - 20) / 45)) {
        pen.fillStyle = palette.of("rule");
        pen.fillRect(left, y(tick), size.width - left - right, 1);
        pen.fillStyle = palette.of("muted");
        pen.fillText(say(tick), left - 6, y(tick));
      }
      pen.textAlign = "center";
      const marks = spec.xTicks ??
        (spec.isLog ? powers : ticks)(x0, x1, (size.width - left - right) / 70).map((
          t,
        ) => /** @type {[number, string]} */ ([t, short(t)]));
      for (const [tick, text] of marks) pen.fillText(text, x(tick), base + 11);
      pen.fillText(spec.x, (left + size.width - right) / 2, base + 29);
      pen.textAlign = "left";
      pen.fillText(spec.y, 0, 7);
      for (const { points, low, high, colour } of curves) {
        if (!low || !high || points.length === 0) continue;
        if (points.length === 1) {
          // One point has no band.
          pen.fillStyle = palette.of(colour);
          const at = x(points[0][0]), [a, b] = [y(high[0]), y(low[0])];
          pen.fillRect(at - 1, a, 2, b - a);
          for (const end of [a, b]) pen.fillRect(at - 6, end - 1, 12, 2);
          continue;
        }
        pen.globalAlpha = 0.18;
        pen.fillStyle = palette.of(colour);
        pen.beginPath();
        points.forEach(([px], k) =>
          k === 0 ? pen.moveTo(x(px), y(high[k])) : pen.lineTo(x(px), y(high[k]))
        );
        [...points].reverse().forEach(([px], k) =>
          pen.lineTo(x(px), y(low[points.length - 1 - k]))
        );
        pen.closePath();
        pen.fill();
        pen.globalAlpha = 1;
      }
      for (const { points, colour, dashed, chance, dots, item } of curves) {
        pen.strokeStyle = palette.of(colour);
        if (chance !== undefined) {
          pen.lineWidth = 1;
          pen.setLineDash([2, 3]);
          pen.beginPath();
          pen.moveTo(left, y(chance));
          pen.lineTo(size.width - right, y(chance));
          pen.stroke();
        }
        pen.setLineDash(dashed ? [5, 4] : []);
        pen.lineWidth = item !== undefined && item === view.state.chosen.item ? 3 : 2;
        pen.beginPath();
        let isOn = false;
        for (const [px, py] of points) {
          if (Number.isNaN(py)) isOn = false;
          else if (isOn) pen.lineTo(x(px), y(py));
          else {
            pen.moveTo(x(px), y(py));
            isOn = true;
          }
        }
        pen.stroke();
        pen.setLineDash([]);
        if (!dots) continue;
        for (const [px, py] of points) {
          pen.fillStyle = palette.of(colour);
          pen.beginPath();
          pen.arc(x(px), y(py), 3, 0, 7);
          pen.fill();
        }
      }
      if (right > 12) endNames(pen, curves, size, right, y, palette);
    },
    hit(px, py, size) {
      const { curves, x, y } = layout(size);
      /** @type {{ curve: Curve, k: number } | undefined} */
      let best;
      let least = 24;
      for (const curve of curves) {
        curve.points.forEach(([cx, cy], k) => {
          const away = Math.hypot(x(cx) - px, y(cy) - py);
          if (away < least) [least, best] = [away, { curve, k }];
        });
      }
      if (!best) return undefined;
      const { curve, k } = best, [cx, cy] = curve.points[k];
      return {
        ...(curve.item !== undefined && { item: curve.item }),
        title: curve.name,
        facts: [
          [spec.x, short(cx)],
          [spec.y, say(cy)],
          ...(curve.low && curve.high
            ? [
              /** @type {[string, string]} */ ([
                "interval",
                `${say(curve.low[k])} to ${say(curve.high[k])}`,
              ]),
            ]
            : []),
        ],
      };
    },
  });

  /** Names at the lines' ends, moved apart.
   * @param {import("../../client/figure.js").Pen} pen @param {readonly Curve[]} curves
   * @param {{ width: number }} size @param {number} right @param {(v: number) => number} y
   * @param {import("../../client/palette.js").Palette} palette */
  function endNames(pen, curves, { width }, right, y, palette) {
    const ends = curves.map(({ name, colour, points }) => ({
      ...{ name, colour },
      at: y(points.findLast(([, v]) => Number.isFinite(v))?.[1] ?? 0),
    })).sort((a, b) => a.at - b.at);
    let free = -Infinity;
    pen.textAlign = "left";
    for (const { name, colour, at } of ends) {
      const place = Math.max(at, free);
      pen.fillStyle = palette.of(colour);
      pen.fillText(name, width - right + 6, place);
      free = place + 14;
    }
  }
}

/** Powers of ten, and where they leave room 2 and 5 times them.
 * @param {number} low @param {number} high @param {number} count @returns {number[]} */
function powers(low, high, count) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const leads = count > 3 * (last - first) ? [1, 2, 5] : [1];
  return Array.from({ length: last - first + 1 }, (_, k) => 10 ** (first + k))
    .flatMap((power) => leads.map((lead) => Number((lead * power).toPrecision(12))))
    .filter((tick) => tick >= low && tick <= high);
}
