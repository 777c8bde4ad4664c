// @ts-check
/// <reference lib="dom" />
/** Rows of points along one axis: groups beside each other, or bars from zero with what they are compared with. */
import { figure } from "../../client/figure.js";
import { linear, short, ticks } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */

/**
 * @typedef {{
 *   value: number, title: string, facts: readonly import("../../client/tooltip.js").Fact[],
 *   item?: number, residue?: number, hollow?: boolean,
 * }} Point
 * `low` and `high` are an interval to compare with; `stem` joins the first point to zero; `colour` is a
 * name of the style sheet; `item` and `residue` are what the row stands for
 * @typedef {{
 *   name: string, points: readonly Point[], low?: number, high?: number, stem?: boolean,
 *   colour?: string, item?: number, residue?: number,
 * }} Row
 */

const TOP = 6, BOTTOM = 40, RIGHT = 14;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   rows: () => readonly Row[], axis: () => string, label: () => string,
 *   reference?: () => number | undefined,
 *   data: NonNullable<import("../../client/figure.js").FigureSpec["data"]>,
 * }} spec `reference` a value to mark
 */
export function strips(view, frame, spec) {
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const rows = spec.rows(), marked = spec.reference?.();
    const longest = Math.max(0, ...rows.map(({ name }) => name.length));
    const left = Math.min(0.45 * width, 18 + 6.8 * longest);
    let low = Math.min(0, marked ?? 0), high = Math.max(0, marked ?? 0);
    for (const { points, low: from, high: to } of rows) {
      for (const value of [...points.map(({ value }) => value), from, to]) {
        if (value === undefined || !Number.isFinite(value)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (low === high) high = 1;
    const room = 0.03 * (high - low);
    return {
      ...{ rows, left, low, high, marked, base: height - BOTTOM },
      tall: (height - TOP - BOTTOM) / Math.max(1, rows.length),
      x: linear(low - room, high + room, left, width - RIGHT),
    };
  };
  /** Where a point lies in its row: spread, so that many can be told apart.
   * @param {Row} row @param {number} k @param {number} tall */
  const shift = ({ points, stem }, k, tall) =>
    stem || points.length < 4 ? 0 : ((k * 0.618034) % 1 - 0.5) * Math.min(tall * 0.7, 40);
  const isChosen = (/** @type {Row} */ { item, residue }) => {
    const { chosen } = view.state;
    return item !== undefined && item === chosen.item &&
      (residue === undefined || chosen.residue === 0 || residue === chosen.residue);
  };
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data, needs: ["item", "residue"] },
    draw(pen, size, palette) {
      const { rows, left, low, high, marked, base, tall, x } = layout(size);
      pen.textBaseline = "middle";
      rows.forEach((row, k) => {
        if (!isChosen(row)) return;
        pen.fillStyle = palette.of("panel");
        pen.fillRect(0, TOP + tall * k, size.width, tall);
        pen.fillStyle = palette.of("selected");
        pen.fillRect(0, TOP + tall * k, 3, tall);
      });
      pen.textAlign = "center";
      for (const tick of ticks(low, high, (size.width - left - RIGHT) / 70)) {
        pen.fillStyle = palette.of(tick === 0 ? "strong-rule" : "rule");
        pen.fillRect(x(tick) - 0.5, TOP, 1, base - TOP);
        pen.fillStyle = palette.of("muted");
        pen.fillText(short(tick), x(tick), base + 11);
      }
      pen.fillText(spec.axis(), (left + size.width - RIGHT) / 2, base + 29);
      if (marked !== undefined) {
        pen.strokeStyle = palette.of("ink");
        pen.lineWidth = 1;
        pen.setLineDash([4, 3]);
        pen.beginPath();
        pen.moveTo(x(marked), TOP);
        pen.lineTo(x(marked), base);
        pen.stroke();
        pen.setLineDash([]);
      }
      rows.forEach((row, k) => {
        const { name, points, low: from, high: to, stem, colour = "blue" } = row;
        const y = TOP + tall * (k + 0.5);
        pen.fillStyle = palette.of("ink");
        pen.textAlign = "right";
        pen.fillText(name, left - 10, y);
        if (from !== undefined && to !== undefined && Number.isFinite(from + to)) {
          pen.fillStyle = palette.of("grey");
          pen.fillRect(x(from), y - 4, Math.max(2, x(to) - x(from)), 8);
        }
        pen.fillStyle = pen.strokeStyle = palette.of(colour);
        if (stem && points.length > 0) {
          const [a, b] = [x(0), x(points[0].value)].sort((p, q) => p - q);
          pen.fillRect(a, y - 1, Math.max(1, b - a), 2);
        }
        pen.lineWidth = 1.5;
        // What it is compared with lies beneath.
        for (const [i, { value, hollow }] of [...points.entries()].reverse()) {
          if (!Number.isFinite(value)) continue;
          pen.beginPath();
          pen.arc(x(value), y + shift(row, i, tall), hollow ? 3 : stem ? 4.5 : 3.5, 0, 7);
          pen.fillStyle = palette.of(hollow ? "paper" : colour);
          pen.strokeStyle = palette.of(hollow ? "muted" : colour);
          pen.globalAlpha = !hollow && points.length > 40 ? 0.5 : 1;
          pen.fill();
          pen.globalAlpha = 1;
          if (hollow) pen.stroke();
        }
      });
    },
    hit(px, py, size) {
      const { rows, tall, x, base } = layout(size);
      if (py < TOP || py > base) return undefined;
      const at = Math.floor((py - TOP) / tall), row = rows[at];
      if (!row) return undefined;
      let least = 12;
      /** @type {Point | undefined} */
      let best = row.stem ? row.points[0] : undefined;
      row.points.forEach((point, k) => {
        const y = TOP + tall * (at + 0.5) + shift(row, k, tall);
        const away = Math.hypot(x(point.value) - px, y - py);
        if (away < least) [least, best] = [away, point];
      });
      if (!best) return undefined;
      const { title, facts, item = row.item, residue = row.residue } = best;
      return { title, facts, ...(item !== undefined && { item }), ...(residue && { residue }) };
    },
  });
}
