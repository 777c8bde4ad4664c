// @ts-check
/// <reference lib="dom" />
/** Rows of a dot with an interval, its own or the one that chance gives, and a few numbers. */
import { figure } from "../../client/figure.js";
import { clamp, linear, logTicks, short, ticks } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */

/** @typedef {{ value: number, low: number, high: number, filled: boolean, colour?: string }} Dot */

/**
 * Rows with an item below 0 cannot be chosen; `others` are more dots of a row.
 * @typedef {Dot & {
 *   item: number, name: string, numbers: readonly string[], others?: readonly Dot[],
 * }} Row
 */

const TOP = 24, BOTTOM = 38;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   rows: () => readonly Row[], head: string, columns: readonly string[], axis: string,
 *   chance: number, chanceName: string, least: number, from?: number, left?: number, log?: boolean,
 *   write?: (value: number) => string,
 *   label: () => string,
 *   facts: (row: Row) => readonly import("../../client/tooltip.js").Fact[],
 *   data?: import("../../client/figure.js").FigureSpec["data"],
 * }} spec the axis reaches from `from`, else 0, to `least` at least; names have
 *   `left` pixels or what there is, and are cut; `write` says a value of the axis
 */
export function intervalRows(view, frame, spec) {
  const { from = 0, write: said = short } = spec;
  const scale = spec.log ? Math.log10 : (/** @type {number} */ x) => x;
  const layout = (/** @type {{ width: number, height: number }} */ { width, height }) => {
    const rows = spec.rows(), right = 12 + 50 * spec.columns.length;
    const room = Math.min(spec.left ?? 56, 0.7 * (width - right));
    const most = Math.max(
      spec.least,
      ...rows.flatMap((row) => [row, ...(row.others ?? [])])
        .map(({ value }) => Number.isFinite(value) ? value : 0),
    );
    const cap = Math.min(most, 4 * spec.least);
    return {
      ...{ rows, right, cap, left: room, tall: (height - TOP - BOTTOM) / Math.max(1, rows.length) },
      along: linear(scale(from), scale(cap), room, width - right),
    };
  };
  return figure(view, frame, {
    ...{ label: spec.label, data: spec.data },
    needs: ["item"],
    draw(pen, size, palette) {
      const { rows, right, cap, left, tall, along } = layout(size), base = size.height - BOTTOM;
      const x = (/** @type {number} */ value) => along(scale(value));
      const inside = (/** @type {number} */ value) => x(clamp(value, from, cap));
      pen.textBaseline = "middle";
      const columnX = (/** @type {number} */ c) =>
        size.width - 4 - 50 * (spec.columns.length - 1 - c);
      const write = (
        /** @type {string} */ text,
        /** @type {number} */ at,
        /** @type {number} */ y,
        /** @type {CanvasTextAlign} */ align,
        ink = "muted",
      ) => {
        pen.fillStyle = palette.of(ink);
        pen.textAlign = align;
        pen.fillText(text, at, y);
      };
      write(spec.head, left - 10, 10, "right");
      spec.columns.forEach((name, c) => write(name, columnX(c), 10, "right"));
      rows.forEach((row, k) => {
        if (row.item < 0 || row.item !== view.state.chosen.item) return;
        pen.fillStyle = palette.of("panel");
        pen.fillRect(0, TOP + tall * k, size.width, tall);
        pen.fillStyle = palette.of("selected");
        pen.fillRect(0, TOP + tall * k, 3, tall);
      });
      for (
        const tick of (spec.log ? logTicks : ticks)(from, cap, (size.width - left - right) / 60)
      ) {
        pen.fillStyle = palette.of(tick === spec.chance ? "strong-rule" : "rule");
        pen.fillRect(x(tick), TOP, 1, base - TOP);
        write(said(tick), x(tick), base + 10, "center");
      }
      pen.fillStyle = palette.of("strong-rule");
      pen.fillRect(x(spec.chance) - 0.5, TOP, 1.5, base - TOP);
      write(
        `${spec.axis}; ${said(spec.chance)} is ${spec.chanceName}`,
        (left + size.width - right) / 2,
        size.height - 8,
        "center",
      );
      rows.forEach((row, k) => {
        const y = TOP + tall * (k + 0.5);
        for (const dot of [row, ...(row.others ?? [])]) {
          if (Number.isFinite(dot.low) && Number.isFinite(dot.high)) {
            pen.fillStyle = palette.of("grey");
            pen.fillRect(
              inside(dot.low),
              y - 3,
              Math.max(2, inside(dot.high) - inside(dot.low)),
              6,
            );
          }
          if (Number.isNaN(dot.value)) continue;
          pen.beginPath();
          pen.arc(inside(dot.value), y, Math.min(5, tall / 2 - 1), 0, 7);
          pen.fillStyle = palette.of(dot.filled ? dot.colour ?? "blue" : "paper");
          pen.fill();
          pen.strokeStyle = palette.of(dot.colour ?? "blue");
          pen.lineWidth = 2;
          pen.stroke();
        }
        write(cut(pen, row.name, left - 10), left - 10, y, "right", "ink");
        row.numbers.forEach((text, c) => write(text, columnX(c), y, "right"));
      });
    },
    hit(_x, y, size) {
      const { rows, tall } = layout(size), row = rows[Math.floor((y - TOP) / tall)];
      return row && y >= TOP
        ? { item: row.item < 0 ? undefined : row.item, title: row.name, facts: spec.facts(row) }
        : undefined;
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
