// @ts-check
/// <reference lib="dom" />
/** The style sheet's colours as figures draw with them: of the theme, of paper, of forced colours. */
import { clamp } from "./numbers.js";

/** Red, green and blue, 0..255.
 * @typedef {readonly [number, number, number]} Rgb */

/**
 * `s` and `d` are the sequential and the diverging scale.
 * @typedef {{ s: Rgb[], d: Rgb[], of: (name: string) => string }} Palette
 */

/** The numbers of a computed colour.
 * @param {string} css @returns {Rgb} */
export function channels(css) {
  const hex = /^#(..)(..)(..)$/.exec(css);
  if (hex) return /** @type {any} */ (hex.slice(1).map((part) => parseInt(part, 16)));
  const [red, green, blue] = (css.match(/[\d.]+/g) ?? ["0", "0", "0"]).map(Number);
  return [red, green, blue];
}

/** @param {Rgb} rgb */
export const css = ([red, green, blue]) => `rgb(${red},${green},${blue})`;

/** @param {Rgb} a @param {Rgb} b @param {number} t @returns {Rgb} */
export const mix = (
  a,
  b,
  t,
) => /** @type {any} */ (a.map((x, k) => Math.round(x + clamp(t, 0, 1) * (b[k] - x))));

/** Black or white, whichever reads better on a colour: by relative luminance, as WCAG has it.
 * @param {Rgb} rgb */
export function inkOn(rgb) {
  const [red, green, blue] = rgb.map((x) =>
    x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}

/** The colour of a share of a scale.
 * @param {readonly Rgb[]} scale @param {number} t 0..1 @returns {Rgb} */
export const shade = (scale, t) => scale[Math.round(clamp(t, 0, 1) * (scale.length - 1))];

/** Reads the style sheet as it is now. @returns {Palette} */
export function readPalette() {
  const style = getComputedStyle(document.documentElement);
  /** @type {Map<string, string>} */
  const known = new Map();
  // Names that the system gives colours become numbers only when they are used.
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.display = "none";
  const of = (/** @type {string} */ name) => {
    let found = known.get(name);
    if (found === undefined) {
      document.body.append(probe);
      probe.style.color = `var(--${name})`;
      known.set(name, found = css(channels(getComputedStyle(probe).color)));
      probe.remove();
    }
    return found;
  };
  probe.remove();
  const scale = (/** @type {string} */ name) =>
    style.getPropertyValue(name).trim().split(/\s+/).map(channels);
  return { s: scale("--s"), d: scale("--d"), of };
}
