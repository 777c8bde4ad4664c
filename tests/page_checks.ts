/** What every report's page must keep to, whatever it shows. */

/**
 * Kind, colour and background of every text that selectors match, the background from the first ancestor
 * with one.
 */
export const textColours = (selectors: string) => `
  [...document.querySelectorAll(${JSON.stringify(selectors)})].map((element) => {
    let under = element;
    while (/, 0\\)/.test(getComputedStyle(under).backgroundColor)) under = under.parentElement;
    const { color, fill } = getComputedStyle(element);
    const ink = element.ownerSVGElement ? fill : color;
    return [element.className || element.tagName, ink, getComputedStyle(under).backgroundColor];
  })`;

/** How far the page as a whole scrolls sideways, px. */
export const TOO_WIDE =
  "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** Red, green and blue of a computed colour. */
export const rgb = (css: string): number[] => css.match(/[\d.]+/g)!.slice(0, 3).map(Number);

/** WCAG 2 contrast ratio of two opaque colours. */
export function contrast(a: string, b: string): number {
  const [light, dark] = [a, b].map((css) => {
    const [red, green, blue] = rgb(css).map((x) =>
      x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }).sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}
