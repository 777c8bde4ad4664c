// @ts-check
/// <reference lib="dom" />
/** Layers by heads as a grid of buttons with one tab stop; arrow keys walk it. */
import { colours, keepLook, saving, svgOf } from "../../client/figure.js";
import { clamp } from "../../client/numbers.js";
import { css, inkOn, shade } from "../../client/palette.js";
import { hideTip, showTip } from "../../client/tooltip.js";

/** @typedef {import("../../client/figure.js").View} View */

/** Heads of a layer from which cells have no room for a number. */
const MANY = 12;

/**
 * @param {View} view @param {HTMLElement} frame
 * @param {{
 *   layers: readonly number[], heads: number, label: string,
 *   share: (item: number) => number, kind: () => "s" | "d", text: (item: number) => string,
 *   isOutlined: (item: number) => boolean, outlined: string, describe: (item: number) => string,
 *   facts: (item: number) => readonly import("../../client/tooltip.js").Fact[],
 *   data: NonNullable<import("../../client/figure.js").FigureSpec["data"]>,
 * }} spec items are heads, layer by layer; `share` 0..1 on the scale, NaN where undefined
 */
export function headGrid(view, frame, spec) {
  const { layers, heads } = spec, { state } = view;
  const table = document.createElement("table");
  table.className = heads > MANY ? "heads many" : "heads";
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", spec.label);
  frame.append(table);
  const head = table.createTHead().insertRow();
  head.append(th("layer", "unseen"), ...range(heads).map((h) => th(labelled(h) ? h : "", "", h)));
  const body = table.createTBody();
  /** @type {HTMLButtonElement[]} */
  const buttons = [];
  layers.forEach((layer) => {
    const row = body.insertRow();
    row.append(th(layer, "row"));
    for (let h = 0; h < heads; h++) {
      const item = buttons.length, button = document.createElement("button");
      button.type = "button";
      button.dataset.item = String(item);
      const cell = row.insertCell();
      cell.setAttribute("role", "gridcell");
      cell.append(button);
      buttons.push(button);
    }
  });
  function labelled(/** @type {number} */ h) {
    return heads <= MANY || h % 5 === 0;
  }
  const fill = (/** @type {number} */ item) => {
    const share = spec.share(item);
    return Number.isNaN(share) ? undefined : shade(colours()[spec.kind()], share);
  };
  const draw = () => {
    buttons.forEach((button, item) => {
      const rgb = fill(item), isOn = item === state.chosen.item;
      button.style.background = rgb ? css(rgb) : "";
      button.style.color = rgb ? inkOn(rgb) : "";
      button.className = `${spec.isOutlined(item) ? "over" : ""}${rgb ? "" : " undefined"}`;
      button.textContent = heads > MANY ? "" : spec.text(item);
      button.setAttribute("aria-label", spec.describe(item));
      button.setAttribute("aria-pressed", String(isOn));
      button.tabIndex = isOn || state.chosen.item < 0 && item === 0 ? 0 : -1;
    });
  };
  const itemOf = (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("button");
    return button ? Number(button.dataset.item) : -1;
  };
  table.addEventListener("click", (event) => {
    const item = itemOf(event);
    if (item >= 0) state.set({ item });
  });
  table.addEventListener("keydown", (event) => {
    const by = MOVES[event.key];
    if (!by) return;
    event.preventDefault();
    const item = Math.max(0, itemOf(event)), row = Math.floor(item / heads);
    const next = clamp(row + by[0], 0, layers.length - 1) * heads +
      clamp(item % heads + by[1], 0, heads - 1);
    state.set({ item: next });
    buttons[next].focus();
  });
  table.addEventListener("pointermove", (event) => {
    const item = itemOf(event);
    if (item < 0) hideTip();
    else showTip(event, { title: spec.describe(item).split(",")[0], facts: spec.facts(item) });
  });
  table.addEventListener("pointerleave", hideTip);
  state.follow((changed) => {
    if (changed.has("item")) draw();
  });
  keepLook(draw);
  const picture = (/** @type {CanvasRenderingContext2D} */ pen, /** @type {number} */ side) => {
    const { of } = colours();
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const write = (
      /** @type {unknown} */ text,
      /** @type {number} */ x,
      /** @type {number} */ y,
      /** @type {string} */ ink,
    ) => {
      pen.fillStyle = ink;
      pen.fillText(String(text), x, y);
    };
    for (let h = 0; h < heads; h++) {
      if (labelled(h)) write(h, 30 + side * (h + 0.5), 10, of("muted"));
    }
    layers.forEach((layer, l) => {
      write(layer, 14, 20 + side * (l + 0.5), of("muted"));
      for (let h = 0; h < heads; h++) {
        const item = l * heads + h, rgb = fill(item), x = 30 + side * h, y = 20 + side * l;
        pen.fillStyle = rgb ? css(rgb) : of("panel");
        pen.fillRect(x + 1, y + 1, side - 2, side - 2);
        if (spec.isOutlined(item)) {
          pen.strokeStyle = of("ink");
          pen.lineWidth = 2;
          pen.strokeRect(x + 2, y + 2, side - 4, side - 4);
        }
        if (heads <= MANY) {
          write(spec.text(item), x + side / 2, y + side / 2, rgb ? inkOn(rgb) : of("ink"));
        }
      }
    });
  };
  const size = () => {
    const side = heads > MANY ? 24 : 44;
    return { side, width: 40 + side * heads, height: 30 + side * layers.length };
  };
  saving(frame, {
    svg() {
      const { side, width, height } = size();
      return svgOf(
        frame,
        { width: Math.max(420, width), height },
        (pen) => picture(pen, side),
        `${spec.label}. Outlined: ${spec.outlined}.`,
      );
    },
    png() {
      const { side, width, height } = size(), canvas = document.createElement("canvas");
      canvas.width = 2 * width;
      canvas.height = 2 * height;
      const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      pen.scale(2, 2);
      pen.fillStyle = colours().of("paper");
      pen.fillRect(0, 0, width, height);
      picture(pen, side);
      return new Promise((done) => canvas.toBlob((blob) => done(/** @type {Blob} */ (blob))));
    },
    csv: spec.data,
  });
  return { draw };
}

const range = (/** @type {number} */ count) => Array.from({ length: count }, (_, i) => i);

/** @param {string | number} text @param {string} kind @param {number} [number] */
function th(text, kind, number) {
  const cell = document.createElement("th");
  cell.scope = kind === "row" ? "row" : "col";
  const said = kind === "unseen" || text === "" ? document.createElement("span") : undefined;
  if (said) {
    said.className = "unseen";
    said.textContent = String(text === "" ? number : text);
    cell.append(said);
  } else cell.textContent = String(text);
  return cell;
}

/** @type {Record<string, readonly [number, number]>} */
const MOVES = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};
