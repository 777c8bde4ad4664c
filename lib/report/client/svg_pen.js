// @ts-check
/**
 * The part of a canvas' drawing context that figures use, written down as SVG: what a figure draws on the
 * screen is what it saves.
 */

const escapeText = (/** @type {unknown} */ text) =>
  String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const round = (/** @type {number} */ x) => Number(x.toFixed(2));

export class SvgPen {
  /** @param {number} width @param {number} height */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    /** @type {string[]} */
    this.parts = [];
    /** @type {string[]} */
    this.path = [];
    /** @type {any[]} */
    this.saved = [];
    this.clips = 0;
    this.fillStyle = "#000";
    this.strokeStyle = "#000";
    this.lineWidth = 1;
    this.globalAlpha = 1;
    this.font = "12px sans-serif";
    this.textAlign = "start";
    this.textBaseline = "alphabetic";
    this.lineCap = "butt";
    this.lineJoin = "miter";
    this.dash = "";
    this.transform = "";
    this.clipped = "";
    this.imageSmoothingEnabled = true;
  }

  save() {
    const { parts: _, path: __, saved: ___, clips: ____, ...kept } = this;
    this.saved.push(kept);
  }
  restore() {
    Object.assign(this, this.saved.pop());
  }
  /** @param {number} x @param {number} y */
  translate(x, y) {
    this.transform += `translate(${round(x)} ${round(y)})`;
  }
  /** @param {number} angle */
  rotate(angle) {
    this.transform += `rotate(${round(angle * 180 / Math.PI)})`;
  }
  /** @param {number} x @param {number} y */
  scale(x, y) {
    this.transform += `scale(${round(x)} ${round(y)})`;
  }
  /** @param {readonly number[]} dash */
  setLineDash(dash) {
    this.dash = dash.join(" ");
  }
  beginPath() {
    this.path = [];
  }
  closePath() {
    this.path.push("Z");
  }
  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.path.push(`M${round(x)} ${round(y)}`);
  }
  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    this.path.push(`${this.path.length === 0 ? "M" : "L"}${round(x)} ${round(y)}`);
  }
  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  rect(x, y, w, h) {
    this.path.push(`M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}Z`);
  }
  /** Whole circles only. @param {number} x @param {number} y @param {number} r */
  arc(x, y, r) {
    const d = round(2 * r), rr = round(r);
    this.path.push(
      `M${round(x - r)} ${round(y)}a${rr} ${rr} 0 1 0 ${d} 0a${rr} ${rr} 0 1 0 ${-d} 0`,
    );
  }
  clip() {
    const id = `clip${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path.join("")}"/></clipPath>`);
    this.clipped = id;
  }
  fill() {
    this.put(`<path d="${this.path.join("")}"${this.paint("fill")}/>`);
  }
  stroke() {
    this.put(`<path d="${this.path.join("")}"${this.paint("stroke")}/>`);
  }
  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  fillRect(x, y, w, h) {
    this.put(
      `<path d="M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}Z"${
        this.paint("fill")
      }/>`,
    );
  }
  /** @param {number} x @param {number} y @param {number} w @param {number} h */
  strokeRect(x, y, w, h) {
    this.put(
      `<path d="M${round(x)} ${round(y)}h${round(w)}v${round(h)}h${round(-w)}Z"${
        this.paint("stroke")
      }/>`,
    );
  }
  clearRect() {}
  /** @param {unknown} text @param {number} x @param {number} y */
  fillText(text, x, y) {
    this.text(text, x, y, this.paint("fill"));
  }
  /** @param {unknown} text @param {number} x @param {number} y */
  strokeText(text, x, y) {
    this.text(text, x, y, this.paint("stroke"));
  }
  /** @param {unknown} text @param {number} x @param {number} y @param {string} paint */
  text(text, x, y, paint) {
    const anchor =
      /** @type {any} */ ({ center: "middle", right: "end", end: "end" })[this.textAlign];
    const shift = /** @type {any} */ ({ middle: ".35em", top: ".8em", bottom: "-.2em" })[
      this.textBaseline
    ];
    const font = /^(?:(\d+|bold) )?([\d.]+)px (.+)$/.exec(this.font);
    this.put(
      `<text x="${round(x)}" y="${round(y)}"${shift ? ` dy="${shift}"` : ""}${
        anchor ? ` text-anchor="${anchor}"` : ""
      } font-size="${font?.[2] ?? 12}"${font?.[1] ? ` font-weight="${font[1]}"` : ""}${paint}>${
        escapeText(text)
      }</text>`,
    );
  }
  /** Width of a text, about. @param {string} text */
  measureText(text) {
    return { width: text.length * 0.55 * Number(/([\d.]+)px/.exec(this.font)?.[1] ?? 12) };
  }
  /** @param {any} image a canvas @param {number} x @param {number} y @param {number} w @param {number} h */
  drawImage(image, x, y, w, h) {
    this.put(
      `<image x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${
        round(h)
      }" preserveAspectRatio="none"${
        this.imageSmoothingEnabled ? "" : ' style="image-rendering:pixelated"'
      } href="${image.toDataURL()}"/>`,
    );
  }
  /** @param {"fill" | "stroke"} kind */
  paint(kind) {
    const alpha = this.globalAlpha === 1 ? "" : ` opacity="${round(this.globalAlpha)}"`;
    if (kind === "fill") return ` fill="${this.fillStyle}"${alpha}`;
    return ` fill="none" stroke="${this.strokeStyle}" stroke-width="${round(this.lineWidth)}"` +
      (this.dash ? ` stroke-dasharray="${this.dash}"` : "") +
      (this.lineCap === "butt" ? "" : ` stroke-linecap="${this.lineCap}"`) +
      (this.lineJoin === "miter" ? "" : ` stroke-linejoin="${this.lineJoin}"`) + alpha;
  }
  /** @param {string} element */
  put(element) {
    const moved = this.transform ? `<g transform="${this.transform}">${element}</g>` : element;
    this.parts.push(this.clipped ? `<g clip-path="url(#${this.clipped})">${moved}</g>` : moved);
  }
  /** The picture with what it is and where it is from.
   * @param {{ title: string, caption: string, source: string, paper: string, ink: string, font: string }} about */
  svg({ title, caption, source, paper, ink, font }) {
    const lines = [...wrap(caption, this.width / 6.2), source];
    const height = this.height + 34 + 16 * lines.length;
    const line = (/** @type {string} */ text, /** @type {number} */ y, more = "") =>
      `<text x="8" y="${y}" fill="${ink}" ${more}>${escapeText(text)}</text>`;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${height}" viewBox="0 0 ${this.width} ${height}" font-family="${
      escapeText(font)
    }" font-size="12"><title>${
      escapeText(title)
    }</title><rect width="100%" height="100%" fill="${paper}"/>${
      line(title, 19, 'font-size="15" font-weight="600"')
    }<g transform="translate(0 28)">${this.parts.join("")}</g>${
      lines.map((text, i) => line(text, this.height + 46 + 16 * i)).join("")
    }</svg>`;
  }
}

/** Lines of about so many letters.
 * @param {string} text @param {number} letters @returns {string[]} */
export function wrap(text, letters) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < letters) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
