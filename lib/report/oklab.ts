/**
 * The Oklab colour space, in which equal distances look about equally different.
 *
 * Source: Björn Ottosson, A perceptual color space for image processing (2020),
 * https://bottosson.github.io/posts/oklab/.
 */

/** Lightness 0..1, chroma about 0..0.4, hue in degrees. */
export interface Oklch {
  lightness: number;
  chroma: number;
  hue: number;
}

export type Triple = [number, number, number];

/** Oklab coordinates [L, a, b]. */
export function oklab({ lightness, chroma, hue }: Oklch): Triple {
  const angle = hue * Math.PI / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

/** Linear-light sRGB; components beyond 0..1 are colours that screens cannot show. */
export function linearRgb([lightness, a, b]: Triple): Triple {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** Oklab coordinates of a linear-light sRGB colour. */
export function oklabOfLinear([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** The nearest colour of the same lightness and hue that sRGB holds, as #rrggbb. */
export function hexOf({ lightness, chroma: wanted, hue }: Oklch): string {
  const [, cos, sin] = oklab({ lightness, chroma: 1, hue });
  const at = (chroma: number) => linearRgb([lightness, chroma * cos, chroma * sin]);
  const shows = (x: number) => x >= -1e-4 && x <= 1.0001;
  let chroma = wanted, [red, green, blue] = at(chroma);
  while (chroma > 0 && !(shows(red) && shows(green) && shows(blue))) {
    chroma -= 0.002;
    [red, green, blue] = at(Math.max(0, chroma));
  }
  const hex = [red, green, blue].reduce((sum, x) => 256 * sum + Math.round(255 * encode(x)), 1);
  return "#" + hex.toString(16).slice(1);
}

/** Linear-light sRGB of #rrggbb. */
export function linearOfHex(hex: string): Triple {
  return [1, 3, 5].map((at) => decode(parseInt(hex.slice(at, at + 2), 16) / 255)) as Triple;
}

function encode(x: number): number {
  const clipped = Math.min(1, Math.max(0, x));
  return clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
}

function decode(x: number): number {
  return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
}
