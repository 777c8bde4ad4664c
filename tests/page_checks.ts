/** What every report's page must keep to, whatever it shows. */
import { ok } from "./assert.ts";
import type { Browser } from "./browser.ts";

/**
 * Kind, colour and background of every text that selectors match, the background from the first ancestor
 * with one.
 */
const textColours = (selectors: string) => `
  [...document.querySelectorAll(${JSON.stringify(selectors)})].map((element) => {
    let under = element;
    while (/, 0\\)/.test(getComputedStyle(under).backgroundColor)) under = under.parentElement;
    const { color, fill } = getComputedStyle(element);
    const ink = element.ownerSVGElement ? fill : color;
    return [element.className || element.tagName, ink, getComputedStyle(under).backgroundColor];
  })`;

/** Requires WCAG 2's contrast of 4.5 of every such text, in light and dark, and more than `least` texts. */
export const checkContrast =
  (selectors: string, least: number) => async (browser: Browser, url: string): Promise<void> => {
    for (const scheme of ["light", "dark"] as const) {
      await using page = await browser.open(url, { scheme });
      const texts = await page.evaluate<string[][]>(textColours(selectors));
      ok(texts.length > least, `${texts.length} texts`);
      for (const [name, colour, under] of texts) {
        const ratio = contrast(colour, under);
        ok(ratio >= 4.5, `${scheme} ${name}: ${colour} on ${under} is ${ratio.toFixed(2)}`);
      }
    }
  };

/** How far the page as a whole scrolls sideways, px. */
export const TOO_WIDE =
  "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** Red, green and blue of a computed colour. */
export const rgb = (css: string): number[] => css.match(/[\d.]+/g)!.slice(0, 3).map(Number);

/** WCAG 2 contrast ratio of two opaque colours. */
function contrast(a: string, b: string): number {
  const [light, dark] = [a, b].map((css) => {
    const [red, green, blue] = rgb(css).map((x) =>
      x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4
    );
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }).sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}
