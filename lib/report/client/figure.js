// @ts-check
/// <reference lib="dom" />
/**
 * Figures: each draws itself at the size of its frame, again on resize, theme, print and whatever it
 * depends on, and saves what it shows.
 */
import { readPalette } from "./palette.js";
import { PageState } from "./state.js";
import { SvgPen } from "./svg_pen.js";
import { hideTip, showTip } from "./tooltip.js";

/** @typedef {import("./tooltip.js").Hit} Hit */
/** @typedef {import("./palette.js").Palette} Palette */
/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {{ width: number, height: number }} Size */

/** Everything on the page that is redrawn when its look changes. @type {(() => void)[]} */
const looks = [];
/** @type {Palette | undefined} */
let palette;

/** The colours of the page as it looks now. @returns {Palette} */
export function colours() {
  return palette ??= readPalette();
}

/** Calls now and whenever theme, contrast or paper change.
 * @param {() => void} draw */
export function keepLook(draw) {
  looks.push(draw);
  draw();
}

/** Draws everything again with the colours as they are now. */
export function redrawAll() {
  palette = undefined;
  for (const draw of looks) draw();
}

/** Listens to what changes the look of the whole page; once. */
export function followLook() {
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", redrawAll);
  }
  // Figures are drawn for paper before it is printed: in light colours, as wide as the sheet.
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    redrawAll();
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    redrawAll();
  });
}

/** One protein of the page, and what its reader has chosen. */
export class View {
  /**
   * @param {HTMLElement} root the element that holds its figures
   * @param {{ id: string, letters: string, first?: number, marks?: readonly number[], secondary?: string }} protein
   *   `letters` one a residue; `first` the number of the first where it is not 1; `marks` residues that
   *   came with the input; `secondary` H, E or - a residue
   */
  constructor(root, protein) {
    /** @readonly */
    this.root = root;
    /** @readonly */
    this.protein = protein;
    this.state = new PageState(protein.letters.length);
  }
  /** `W246`. @param {number} residue */
  name(residue) {
    const { letters, first = 1 } = this.protein;
    return `${letters[residue - 1]}${residue + first - 1}`;
  }
  /** The number that people read. @param {number} residue */
  number(residue) {
    return residue + (this.protein.first ?? 1) - 1;
  }
  /** @param {string} name @returns {HTMLElement} */
  frame(name) {
    const found = this.root.querySelector(`[data-figure="${name}"]`);
    if (!found) throw new Error(`the page has no frame ${name}`);
    return /** @type {HTMLElement} */ (found);
  }
  /** @param {string} name */
  has(name) {
    return this.root.querySelector(`[data-figure="${name}"]`) !== null;
  }
}

/**
 * What a figure is.
 * @typedef {{
 *   draw: (pen: Pen, size: Size, colours: Palette) => void,
 *   marks?: (pen: Pen, size: Size, colours: Palette) => void, marked?: readonly string[],
 *   saved?: (pen: Pen, size: Size, colours: Palette) => void,
 *   label: () => string,
 *   hit?: (x: number, y: number, size: Size) => Hit | undefined,
 *   pick?: (hit: Hit) => void,
 *   data?: () => { columns: readonly string[], rows: readonly (readonly (string | number)[])[] },
 *   needs?: readonly string[],
 * }} FigureSpec
 * `needs`: names of the state that it shows; without them every change draws it again. `marks` draws
 * what stands over the rest; where only what it is `marked` with has changed, HOVERED unless said, the
 * rest is copied. `saved` draws what a saved picture needs over both: a key that the page has beside it.
 */

/** What follows the pointer. */
const HOVERED = ["hovered", "hoveredPartner"];

/**
 * Makes a frame a figure.
 *
 * @param {View} view @param {HTMLElement} frame @param {FigureSpec} spec
 */
export function figure(view, frame, spec) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  frame.append(canvas);
  const size = () => ({ width: frame.clientWidth, height: frame.clientHeight });
  const { marks, marked = HOVERED, saved } = spec;
  // What marks leave as it is; its own size says which canvas it was drawn for.
  const still = marks && document.createElement("canvas");
  let isStale = true;
  const scale = () => Math.max(2, devicePixelRatio || 1);
  const penOn = (/** @type {HTMLCanvasElement} */ target) => {
    const { width, height } = size();
    target.width = Math.round(width * scale());
    target.height = Math.round(height * scale());
    return /** @type {Pen} */ (target.getContext("2d"));
  };
  const scaled = (/** @type {Pen} */ pen) => {
    pen.scale(scale(), scale());
    pen.font = `12px ${fontOfPage()}`;
    return pen;
  };
  const paint = () => {
    const { width, height } = size();
    canvas.setAttribute("aria-label", spec.label());
    if (width < 2 || height < 2) return;
    const { width: before, height: tallBefore } = canvas, pen = penOn(canvas);
    isStale ||= before !== canvas.width || tallBefore !== canvas.height;
    if (still) {
      if (isStale) spec.draw(scaled(penOn(still)), { width, height }, colours());
      pen.drawImage(still, 0, 0);
      marks(scaled(pen), { width, height }, colours());
    } else spec.draw(scaled(pen), { width, height }, colours());
    isStale = false;
  };
  let isWaiting = false;
  const paintSoon = () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      paint();
    });
  };
  const repaint = () => {
    isStale = true;
    paintSoon();
  };
  new ResizeObserver(repaint).observe(frame);
  view.state.follow((changed) => {
    if (spec.needs && !spec.needs.some((name) => changed.has(name))) return;
    if ([...changed].every((name) => marked.includes(name))) paintSoon();
    else repaint();
  });
  keepLook(() => {
    isStale = true;
    paint();
  });
  if (spec.hit) follow(view, frame, canvas, spec, size);
  saving(frame, {
    svg: () =>
      svgOf(frame, size(), (pen, size) => {
        for (const draw of [spec.draw, marks, saved]) draw?.(pen, size, colours());
      }),
    png() {
      const picture = saved ? document.createElement("canvas") : canvas;
      if (saved) {
        const pen = penOn(picture);
        pen.drawImage(canvas, 0, 0);
        saved(scaled(pen), size(), colours());
      }
      return new Promise((resolve) =>
        picture.toBlob((blob) => resolve(/** @type {Blob} */ (blob)))
      );
    },
    csv: spec.data,
  });
  return { canvas, repaint };
}

/**
 * A figure as SVG, with its title, caption and source.
 *
 * @param {HTMLElement} frame @param {Size} size @param {(pen: Pen, size: Size) => void} draw
 * @param {string} [caption] that of its panel, unless given
 */
export function svgOf(frame, size, draw, caption) {
  const { of } = colours(), font = fontOfPage(), pen = new SvgPen(size.width, size.height);
  const text = about(frame);
  pen.font = `12px ${font}`;
  draw(/** @type {any} */ (pen), size);
  return pen.svg({
    ...{ ...text, caption: caption ?? text.caption },
    ...{ paper: of("paper"), ink: of("ink"), font },
  });
}

const fontOfPage = () => getComputedStyle(document.body).fontFamily;

/** Hover marks and explains; a click selects.
 * @param {View} view @param {HTMLElement} frame @param {HTMLCanvasElement} canvas
 * @param {FigureSpec} spec @param {() => Size} size */
function follow(view, frame, canvas, spec, size) {
  const at = (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    const { width, height } = size();
    // A printed or zoomed page has other pixels.
    const x = (event.clientX - box.left) / box.width * width;
    const y = (event.clientY - box.top) / box.height * height;
    return spec.hit?.(x, y, { width, height });
  };
  canvas.addEventListener("pointermove", (event) => {
    const hit = at(event);
    if (hit) showTip(event, hit);
    else hideTip();
    view.state.set({ hovered: hit?.residue ?? 0, hoveredPartner: hit?.partner ?? 0 });
    frame.style.cursor = hit ? "pointer" : "";
  });
  canvas.addEventListener("pointerleave", () => {
    hideTip();
    view.state.set({ hovered: 0, hoveredPartner: 0 });
  });
  // A click says whole pixels only, where a pixel may hold two residues.
  /** @type {PointerEvent | undefined} */
  let pressed;
  canvas.addEventListener("pointerup", (event) => pressed = event);
  canvas.addEventListener("click", (event) => {
    const hit = at(pressed ?? event);
    pressed = undefined;
    if (!hit) return;
    if (spec.pick) return spec.pick(hit);
    if (hit.item !== undefined) view.state.set({ item: hit.item });
    if (hit.residue && hit.partner) view.state.selectPair(hit.residue, hit.partner);
    else if (hit.residue) view.state.select(hit.residue);
  });
}

/** Title, caption and source of a figure, for what is saved of it.
 * @param {HTMLElement} frame */
function about(frame) {
  const panel = frame.closest(".small, .panel") ?? frame;
  const text = (/** @type {string} */ selector) =>
    panel.querySelector(selector)?.textContent?.replace(/\s+/g, " ").trim() ?? "";
  return {
    title: text("h2, h3"),
    caption: text(".caption"),
    source: document.body.dataset.source ?? "",
  };
}

/**
 * Gives a panel a menu that saves its figure.
 *
 * @param {HTMLElement} frame
 * @param {{ svg?: () => string, png?: () => Promise<Blob>, csv?: FigureSpec["data"] }} kinds
 */
export function saving(frame, kinds) {
  const header = frame.closest(".small, .panel")?.querySelector("header");
  if (!header) return;
  const menu = document.createElement("details");
  menu.className = "save";
  const summary = document.createElement("summary");
  summary.textContent = "Save";
  const list = document.createElement("div");
  menu.append(summary, list);
  const name = () => fileName(`${about(frame).title || "figure"}`);
  /** @type {Record<string, () => Promise<Blob> | Blob>} */
  const makers = {};
  const { svg, png, csv } = kinds;
  if (svg) makers.SVG = () => new Blob([svg()], { type: "image/svg+xml" });
  if (png) makers.PNG = png;
  if (csv) {
    makers.CSV = () => {
      const { columns, rows } = csv();
      return new Blob([csvText([columns, ...rows])], { type: "text/csv" });
    };
  }
  for (const [kind, make] of Object.entries(makers)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = kind;
    button.addEventListener("click", async () => {
      save(await make(), `${name()}.${kind.toLowerCase()}`);
      menu.open = false;
    });
    list.append(button);
  }
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") menu.open = false;
  });
  header.append(menu);
}

/** @param {string} title */
export const fileName = (title) =>
  title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60) || "figure";

/** @param {readonly (readonly (string | number)[])[]} rows */
export function csvText(rows) {
  const cell = (/** @type {string | number} */ value) => {
    const text = value === Infinity ? "inf" : value === -Infinity ? "-inf" : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join()}\n`).join("");
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
