// @ts-check
/// <reference lib="dom" />
/** Points of a plane whose axes mean nothing: moved, enlarged, filtered, and tied to their neighbours. */
import { figure } from "../../client/figure.js";
import { clamp } from "../../client/numbers.js";

/** @typedef {import("../../client/figure.js").View} View */
/** @typedef {import("../../client/figure.js").Pen} Pen */
/** @typedef {import("../../client/figure.js").Size} Size */
/** @typedef {import("../../client/palette.js").Palette} Palette */

/** Forms that are told apart where colours are too few. */
export const FORMS = /** @type {const} */ (["circle", "square", "triangle", "diamond", "cross"]);
/** @typedef {typeof FORMS[number]} Form */

/** How far a map can be enlarged. */
const CLOSEST = 400;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   x: Float32Array, y: Float32Array, label: () => string,
 *   look: (item: number, palette: Palette) => { colour: string, form: Form },
 *   isShown: (item: number) => boolean,
 *   linked: (item: number) => readonly number[],
 *   title: (item: number) => string,
 *   key: () => readonly { name: string, colour: string, form: Form }[],
 *   facts: (item: number) => import("../../client/tooltip.js").Fact[],
 *   data: NonNullable<import("../../client/figure.js").FigureSpec["data"]>,
 * }} spec `linked`: items that lines lead to from the chosen one; `key`: colours by name, for saved pictures
 */
export function pointMap(view, frame, spec) {
  const { x, y } = spec, count = x.length;
  let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
  for (let i = 0; i < count; i++) {
    x0 = Math.min(x0, x[i]);
    x1 = Math.max(x1, x[i]);
    y0 = Math.min(y0, y[i]);
    y1 = Math.max(y1, y[i]);
  }
  const middle = () => ({ x: (x0 + x1) / 2, y: (y0 + y1) / 2, times: 1 });
  let on = middle();
  /** Pixels a unit, the same along both axes. @param {Size} size */
  const unit = ({ width, height }) =>
    on.times * Math.min((width - 24) / (x1 - x0 || 1), (height - 24) / (y1 - y0 || 1));
  const placing = (/** @type {Size} */ size) => {
    const scale = unit(size), { x: cx, y: cy } = on;
    return {
      x: (/** @type {number} */ item) => size.width / 2 + (x[item] - cx) * scale,
      // Up is more.
      y: (/** @type {number} */ item) => size.height / 2 - (y[item] - cy) * scale,
    };
  };
  const radius = () =>
    clamp((count > 2000 ? 2 : count > 300 ? 3 : 4) * Math.sqrt(Math.sqrt(on.times)), 2, 7);
  const drawn = figure(view, frame, {
    label: spec.label,
    data: spec.data,
    needs: ["item"],
    draw(pen, size, palette) {
      const at = placing(size), r = radius();
      pen.globalAlpha = count > 2000 ? 0.6 : 0.8;
      for (let i = 0; i < count; i++) {
        if (!spec.isShown(i)) continue;
        const px = at.x(i), py = at.y(i);
        if (px < -r || py < -r || px > size.width + r || py > size.height + r) continue;
        const { colour, form } = spec.look(i, palette);
        pen.fillStyle = colour;
        put(pen, form, px, py, r);
      }
      pen.globalAlpha = 1;
    },
    marked: ["item"],
    marks(pen, size, palette) {
      const { item } = view.state.chosen;
      if (item < 0 || item >= count) return;
      const at = placing(size), r = radius();
      const [px, py] = [at.x(item), at.y(item)];
      pen.strokeStyle = palette.of("strong-rule");
      pen.lineWidth = 1;
      pen.beginPath();
      for (const other of spec.linked(item)) {
        pen.moveTo(px, py);
        pen.lineTo(at.x(other), at.y(other));
      }
      pen.stroke();
      for (const other of spec.linked(item)) {
        const { colour, form } = spec.look(other, palette);
        pen.fillStyle = colour;
        put(pen, form, at.x(other), at.y(other), r + 2);
      }
      pen.strokeStyle = palette.of("selected");
      pen.lineWidth = 3;
      pen.beginPath();
      pen.arc(px, py, r + 4, 0, 7);
      pen.stroke();
      const { colour, form } = spec.look(item, palette);
      pen.fillStyle = colour;
      put(pen, form, px, py, r + 1);
    },
    saved(pen, _, palette) {
      pen.textAlign = "left";
      pen.textBaseline = "middle";
      spec.key().forEach(({ name, colour, form }, row) => {
        pen.fillStyle = palette.of(colour);
        put(pen, form, 8, 10 + 16 * row, 4);
        pen.fillStyle = palette.of("ink");
        pen.fillText(name, 18, 10 + 16 * row);
      });
    },
    hit(px, py, size) {
      const at = placing(size);
      let best = -1, least = 12;
      for (let i = 0; i < count; i++) {
        if (!spec.isShown(i)) continue;
        const away = Math.hypot(at.x(i) - px, at.y(i) - py);
        if (away < least) [least, best] = [away, i];
      }
      return best < 0
        ? undefined
        : { item: best, title: spec.title(best), facts: spec.facts(best) };
    },
    pick(hit) {
      // The end of a drag is no choice.
      if (!hasMoved) view.state.set({ item: hit.item });
    },
  });
  const { canvas } = drawn;
  const size = () => ({ width: frame.clientWidth, height: frame.clientHeight });

  /** Enlarges about a point of the frame. @param {number} factor @param {number} [px] @param {number} [py] */
  const zoom = (factor, px = frame.clientWidth / 2, py = frame.clientHeight / 2) => {
    const before = unit(size()), times = clamp(on.times * factor, 1, CLOSEST);
    if (times === on.times) return;
    const after = before * times / on.times, { width, height } = size();
    const dx = px - width / 2, dy = py - height / 2;
    on = {
      x: on.x + dx / before - dx / after,
      y: on.y - dy / before + dy / after,
      times,
    };
    keep();
  };
  const move = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    const scale = unit(size());
    on = { ...on, x: on.x - dx / scale, y: on.y + dy / scale };
    keep();
  };
  /** The middle stays among the points; enlarged once only, all of them are on view. */
  const keep = () => {
    on = on.times === 1 ? middle() : { ...on, x: clamp(on.x, x0, x1), y: clamp(on.y, y0, y1) };
    canvas.style.touchAction = on.times === 1 ? "pan-y" : "none";
    drawn.repaint();
  };
  const all = () => {
    on = middle();
    keep();
  };
  /** Enlarges about the chosen point where there is one. @param {number} factor */
  const zoomOnChosen = (factor) => {
    const { item } = view.state.chosen;
    if (item >= 0 && item < count && factor > 1) on = { ...on, x: x[item], y: y[item] };
    zoom(factor);
  };
  canvas.addEventListener("wheel", (event) => {
    // Where there is nothing more to take in, the page scrolls.
    if (event.deltaY > 0 && on.times === 1) return;
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    zoom(1.0015 ** -event.deltaY, event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  let hasMoved = false;
  /** @type {Map<number, { x: number, y: number }>} */
  const held = new Map();
  canvas.addEventListener("pointerdown", (event) => {
    hasMoved = false;
    held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const last = held.get(event.pointerId);
    if (!last) return;
    const next = { x: event.clientX, y: event.clientY };
    const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (other) {
      // Two fingers.
      const box = canvas.getBoundingClientRect();
      const apart = (/** @type {{ x: number, y: number }} */ p) =>
        Math.hypot(p.x - other.x, p.y - other.y);
      hasMoved = true;
      zoom(
        apart(next) / Math.max(1, apart(last)),
        (next.x + other.x) / 2 - box.left,
        (next.y + other.y) / 2 - box.top,
      );
    } else {
      if (!hasMoved && Math.hypot(next.x - last.x, next.y - last.y) < 4) return;
      hasMoved = true;
      move(next.x - last.x, next.y - last.y);
    }
    held.set(event.pointerId, next);
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(end, ({ pointerId }) => held.delete(pointerId));
  }
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", "Map; + and − enlarge and reduce, arrows move, 0 shows all");
  frame.addEventListener("keydown", (event) => {
    const step = 60;
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => zoomOnChosen(1.5),
      "=": () => zoomOnChosen(1.5),
      "-": () => zoom(1 / 1.5),
      "0": all,
      ArrowLeft: () => move(step, 0),
      ArrowRight: () => move(-step, 0),
      ArrowUp: () => move(0, step),
      ArrowDown: () => move(0, -step),
    };
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  // What was chosen elsewhere comes into view.
  view.state.follow((changed) => {
    const { item } = view.state.chosen;
    if (!changed.has("item") || item < 0 || item >= count) return;
    const at = placing(size()), { width, height } = size();
    const [px, py] = [at.x(item), at.y(item)];
    if (px >= 0 && py >= 0 && px <= width && py <= height) return;
    on = { ...on, x: x[item], y: y[item] };
    keep();
  });
  keep();
  return { repaint: drawn.repaint, zoom: zoomOnChosen, all };
}

/** Draws a form of about the same area.
 * @param {Pen} pen @param {Form} form @param {number} x @param {number} y @param {number} r */
export function put(pen, form, x, y, r) {
  const corners = (/** @type {readonly (readonly [number, number])[]} */ of) => {
    pen.beginPath();
    of.forEach(([dx, dy], i) =>
      i === 0 ? pen.moveTo(x + dx * r, y + dy * r) : pen.lineTo(x + dx * r, y + dy * r)
    );
    pen.closePath();
    pen.fill();
  };
  if (form === "circle") {
    pen.beginPath();
    pen.arc(x, y, r, 0, 7);
    pen.fill();
  } else if (form === "square") pen.fillRect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
  else if (form === "triangle") corners([[0, -1.25], [1.15, 0.85], [-1.15, 0.85]]);
  else if (form === "diamond") corners([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]]);
  else {
    pen.fillRect(x - 1.25 * r, y - 0.42 * r, 2.5 * r, 0.84 * r);
    pen.fillRect(x - 0.42 * r, y - 1.25 * r, 0.84 * r, 2.5 * r);
  }
}
