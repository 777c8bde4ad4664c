/** What every report's page must keep to, whatever it shows. */
import { deepEqual, equal, ok } from "./assert.ts";
import { checkAccessible } from "./axe.ts";
import type { Browser, Page } from "./browser.ts";

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

/** Where a figure is, scrolled into view, CSS px. */
export const figureBox = (page: Page, name: string) =>
  page.evaluate<{ x: number; y: number; width: number; height: number }>(
    `{ const element = document.querySelector('[data-figure="${name}"]');
       element.scrollIntoView({ block: "center", behavior: "instant" });
       const { x, y } = element.getBoundingClientRect();
       ({ x, y, width: element.clientWidth, height: element.clientHeight }); }`,
  );

/**
 * Where a cell of a map of residues by letters is, as the figure lays it out.
 *
 * @param at place of the residue on view, and of the letter, from 0
 * @param strips that stand above the map
 */
export async function letterCell(
  page: Page,
  name: string,
  length: number,
  at: readonly [residue: number, letter: number],
  strips = 0,
) {
  const box = await figureBox(page, name), left = 46, cell = (box.width - left - 6) / length;
  const top = 4 + 52 * strips, base = box.height - (cell >= 9 ? 50 : 37), tall = (base - top) / 20;
  const x = box.x + left + (at[0] + 0.5) * cell, y = box.y + top + (at[1] + 0.5) * tall;
  return { box, cell, tall, x, y };
}

/** Elements that pass the right edge, except in boxes that scroll. */
const CLIPPED = `[...document.querySelectorAll("main *")]
  .filter((e) => !e.closest(".scroll, .save, .unseen, svg") && e.checkVisibility() &&
    e.getBoundingClientRect().right > innerWidth + 0.5)
  .map((e) => e.tagName + " " + e.className)`;

/** What a driver says of its software renderer is not the page's. */
export const OF_DRIVERS = /WebGL|GL Driver/;

/** A page loads nothing, complains of nothing, and fits wide, narrow and on paper. */
export async function checkPage(browser: Browser, url: string): Promise<void> {
  for (const scheme of ["light", "dark"] as const) {
    await using page = await browser.open(url, { scheme, width: 1280 });
    const background = await page.evaluate<string>(
      "getComputedStyle(document.body).backgroundColor",
    );
    const sum = rgb(background).reduce((a, b) => a + b);
    ok(scheme === "light" ? sum > 700 : sum < 120, `${scheme} ${background}`);
    for (const width of [1280, 800, 400]) {
      await page.look({ width, scheme });
      await page.settle();
      equal(await page.evaluate(TOO_WIDE), 0, `${width} px`);
      deepEqual(await page.evaluate(CLIPPED), [], `${width} px`);
    }
    deepEqual(page.complaints.filter((text) => !OF_DRIVERS.test(text)), []);
    deepEqual(page.requests.filter((one) => !one.startsWith("blob:")), [url]);
  }
  // The paper stays white in a dark room.
  await using page = await browser.open(url, { scheme: "dark", width: 1280 });
  await page.evaluate(`dispatchEvent(new Event("beforeprint"))`);
  // 186 mm, and the scroll bar that paper has not.
  await page.look({ media: "print", scheme: "dark", width: 703 + 15 });
  await page.settle();
  equal(
    await page.evaluate("getComputedStyle(document.body).backgroundColor"),
    "rgb(255, 255, 255)",
  );
  equal(await page.evaluate(TOO_WIDE), 0, "paper");
  await page.evaluate(`dispatchEvent(new Event("afterprint"))`);
  ok(!await page.evaluate(`document.documentElement.classList.contains("printing")`));
}

/** Every figure's menu gives an SVG that parses, a PNG, and a CSV with a header and rows; `least` files. */
export async function checkSaved(browser: Browser, url: string, least = 4): Promise<void> {
  await using page = await browser.open(url, { width: 1280 });
  const saved = await page.evaluate<{ title: string; kind: string; text: string }[]>(`(async () => {
    const found = [];
    const create = URL.createObjectURL;
    let blob;
    URL.createObjectURL = (given) => { blob = given; return create.call(URL, given); };
    HTMLAnchorElement.prototype.click = function () {};
    for (const menu of document.querySelectorAll(".save")) {
      const title = menu.closest("header").textContent;
      for (const button of menu.querySelectorAll("button")) {
        blob = undefined;
        button.click();
        for (let i = 0; i < 100 && !blob; i++) await new Promise((r) => setTimeout(r, 20));
        const bytes = new Uint8Array(await blob.arrayBuffer());
        const kind = button.textContent;
        const text = kind === "PNG" ? String.fromCharCode(...bytes.subarray(1, 4)) : new TextDecoder().decode(bytes);
        found.push({ title, kind, text });
      }
    }
    return found;
  })()`);
  ok(saved.length >= least, `${saved.length} files`);
  for (const { title, kind, text } of saved) {
    if (kind === "PNG") equal(text, "PNG", title);
    else if (kind === "CSV") ok(text.split("\n").length > 2, `${title}: ${text}`);
    else {
      const parsed = await page.evaluate<{ name: string; errors: number; texts: number }>(`{
        const { documentElement: root } = new DOMParser().parseFromString(${
        JSON.stringify(text)
      }, "image/svg+xml");
        ({ name: root.localName, errors: root.querySelectorAll("parsererror").length,
          texts: root.querySelectorAll("text").length }); }`);
      deepEqual([parsed.name, parsed.errors], ["svg", 0], title);
      ok(parsed.texts > 3, title);
      ok(text.includes("esmscope"), `${title} says where it is from`);
    }
  }
  deepEqual(page.complaints.filter((text) => !OF_DRIVERS.test(text)), []);
}

/** Pages of A4 that a page is printed on. */
export async function printedPages(browser: Browser, url: string): Promise<number> {
  await using page = await browser.open(url, { width: 1280 });
  const text = new TextDecoder("latin1").decode(await page.pdf());
  return text.match(/\/Type\s*\/Page\b/g)?.length ?? 0;
}

/** Forced colours reach the figures, and nothing moves for those who want it still. */
export async function checkPreferences(browser: Browser, url: string): Promise<void> {
  const features = { "forced-colors": "active", "prefers-reduced-motion": "reduce" };
  await using page = await browser.open(url, { width: 1280, features });
  equal(await page.evaluate("matchMedia('(forced-colors: active)').matches"), true);
  equal(await page.evaluate("getComputedStyle(document.documentElement).scrollBehavior"), "auto");
  await page.evaluate(`document.querySelector("[role=slider]").focus()`);
  await page.press("ArrowRight");
  await page.settle();
  // The selected residue is framed in the system's highlight.
  const seen = await page.evaluate<{ highlight: string; isDrawn: boolean }>(`{
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = "Highlight";
    const highlight = getComputedStyle(probe).color, [r, g, b] = highlight.match(/\\d+/g).map(Number);
    const canvas = document.querySelector("[role=slider]");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let isDrawn = false;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) isDrawn = true;
    }
    ({ highlight, isDrawn }); }`);
  ok(seen.isDrawn, `${seen.highlight} is in the residue bar`);
  deepEqual(page.complaints.filter((text) => !OF_DRIVERS.test(text)), []);
}

/** Runs a check of a page as a step of its test. */
export type Step = (
  what: string,
  check: (browser: Browser, url: string) => Promise<void>,
) => Promise<unknown>;

/**
 * What every report's page is held to before what it shows.
 *
 * @param texts selectors of what must be legible, and how many there are at least
 */
export async function checkWhole(step: Step, texts: string, least = 20): Promise<void> {
  await step("nothing is loaded or complained of; wide, narrow and on paper", checkPage);
  await step("text is legible in light and dark", checkContrast(texts, least));
  await step("an accessibility checker finds nothing", async (browser, url) => {
    await using page = await browser.open(url, { width: 1280 });
    await checkAccessible(page);
  });
}
