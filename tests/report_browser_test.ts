/** The report in a real browser: what it shows, that it is whole, in light, dark and print. */
import { examples } from "../data/examples.ts";
import { cellsOf } from "../lib/io/columns.ts";
import { formatCsv, parseTable } from "../lib/io/csv.ts";
import { renderSiteReport } from "../lib/sites/report/mod.ts";
import { HEADS, rowsOf } from "../lib/sites/tables.ts";
import type { ProteinResult } from "../lib/sites/types.ts";
import { deepEqual, equal, ok } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import { checkContrast, rgb, TOO_WIDE } from "./page_checks.ts";
import { sampleProtein, sampleSummary } from "./report_sample.ts";

const { a2a } = examples;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const thresholds = { impact: 1.5, snr: 2 };
const provenance = {
  program: "esmscope",
  model: { name: "x", sha256: "0123456789abcdef".repeat(4) },
  command: `esmscope analyze --sequence ${a2a.residues} --title "</script><b>'"`,
};
const notes = ['A note with <b>markup</b> & "quotes"'];

/** A large model on a receptor, as one protein. */
const receptor = sampleProtein({
  id: "sp|P29274|AA2AR_HUMAN",
  residues: a2a.residues,
  sites: [52, 91, 246, 280, 284],
  layers: range(33),
  heads: 20,
  maps: 1,
  seed: 3,
});

/** A small model on three proteins with hostile names, one without maps; layers 1 to 4 only. */
const several = ["TRP_CAGE", "<img src=x onerror=alert(1)>", "三 & co"].map((id, i) =>
  sampleProtein({
    id,
    residues: a2a.residues.slice(60 * i, 60 * i + 60),
    sites: [5, 12, 13, 40].slice(i),
    layers: [1, 2, 3, 4],
    heads: 8,
    maps: i === 2 ? 0 : 1,
    seed: 10 + i,
  })
);

const reports: Record<string, { proteins: ProteinResult[]; html: string }> = {
  "one protein of 412 residues": {
    proteins: [receptor],
    html: renderSiteReport({
      ...{ title: "Attention to the sites of a receptor", subtitle: "33 layers × 20 heads" },
      ...{ notes, proteins: [receptor], provenance, thresholds },
    }),
  },
  "three proteins of 60 residues": {
    proteins: several,
    html: renderSiteReport({
      ...{
        title: "Three <proteins>",
        subtitle: "4 layers × 8 heads",
        summary: sampleSummary(several),
      },
      ...{ notes, proteins: several, provenance, thresholds },
    }),
  },
};

/** Every number of every head as heads.csv has it, by protein, layer and head. */
function csvRows(proteins: ProteinResult[]): Map<string, Record<string, string>> {
  const records = proteins.flatMap(({ rows }, protein) =>
    rowsOf(String(protein), rows).map((row) => cellsOf(HEADS, row))
  );
  const text = formatCsv(HEADS.columns.map(({ name }) => name), records);
  const { rows } = parseTable(text, "heads.csv");
  return new Map(rows.map(({ fields: f }) => [`${f.protein},${f.layer},${f.head}`, f]));
}

interface SeenCell {
  protein: number;
  column: string;
  layer: string;
  head: string;
  value: string;
  title: string;
  shown: Record<string, string>;
}

/** Moves the pointer over every cell of the proteins' heat maps and reads the tooltip. */
const HOVER_CELLS = `
  [...document.querySelectorAll("section.protein")].flatMap((section, protein) =>
    [...section.querySelectorAll(".heatmap td")].map((cell) => {
      const at = { bubbles: true, clientX: 9, clientY: 9 };
      cell.dispatchEvent(new PointerEvent("pointermove", at));
      const shown = {};
      for (const dd of tooltip.querySelectorAll("dd")) shown[dd.dataset.name] = dd.textContent;
      const { column } = cell.closest("table").dataset;
      const title = tooltip.hidden ? "" : tooltip.querySelector("strong").textContent;
      return { protein, column, title, shown, ...cell.dataset };
    }))`;

const TEXTS =
  "h1,.subtitle,.note,.finding,.facts,.sites li,.block i,mark,th,td:not(:empty),.legend,.keys," +
  ".map-notes p,.x-tick,.site-label,.site-tick b,dd,a,button,.profile-title span";

/** Number of different colours of each canvas. */
const CANVAS_COLOURS = `[...document.querySelectorAll("canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
})`;

/** Tables and figures that pass the right edge, or whose contents are cut off. */
const CLIPPED = `[...document.querySelectorAll("table, figure, .scroll, .plot, .sequence")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5 ||
    getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1)
  .map((e) => e.tagName + " " + e.className)`;

browserTest(
  "renderSiteReport gives a page that a browser shows whole and exactly",
  async (browser, dir, t) => {
    for (const [i, [name, { proteins, html }]] of Object.entries(reports).entries()) {
      const url = await writePage(dir, String(i), html);
      const step = (what: string, check: Check) =>
        t.step(`${name}: ${what}`, () => check(browser, url, proteins));
      await step("every cell shows the numbers of heads.csv, and nothing is loaded", checkCells);
      await step("maps are drawn, show their values and zoom", checkMaps);
      await step("the keyboard reaches every head", checkKeyboard);
      await step("text is legible in light and dark", checkColours);
      await step("print and narrow screens clip nothing", checkWidths);
    }
  },
);

type Check = (browser: Browser, url: string, proteins: ProteinResult[]) => Promise<void>;

async function checkCells(browser: Browser, url: string, proteins: ProteinResult[]) {
  await using page = await browser.open(url, {});
  const expected = csvRows(proteins);
  const cells = await page.evaluate<SeenCell[]>(HOVER_CELLS);
  equal(cells.length, 2 * expected.size);
  for (const { protein, column, layer, head, value, title, shown } of cells) {
    const row = expected.get(`${protein},${layer},${head}`)!;
    equal(title, `Layer ${row.layer}, head ${row.head}`);
    equal(value, row[column], `${title} ${column}`);
    deepEqual({ ...shown, protein: row.protein, layer, head }, row, title);
  }
  ok(cells.some(({ value }) => value === "NaN"), "the sample must have an undefined cell");
  equal(await page.evaluate("tooltip.hidden"), false);
  await page.press("Escape");
  equal(await page.evaluate("tooltip.hidden"), true);
  deepEqual(page.complaints, []);
  deepEqual(page.requests, [url]);
}

async function checkMaps(browser: Browser, url: string, proteins: ProteinResult[]) {
  await using page = await browser.open(url, {});
  const maps = proteins.flatMap(({ residues, maps }) => maps.map((map) => ({ residues, ...map })));
  const colours = await page.evaluate<number[]>(CANVAS_COLOURS);
  equal(colours.length, maps.length);
  for (const [i, { residues, attention }] of maps.entries()) {
    ok(colours[i] >= 20, `canvas ${i} has ${colours[i]} colours`);
    const length = residues.length, max = attention.reduce((a, b) => Math.max(a, b), 0);
    const box = await scrollTo(page, "canvas", i);
    for (const [row, column] of [[0, 1], [11, 4], [length - 2, length - 3], [length >> 1, 12]]) {
      const at = (residue: number) => (residue + 0.5) / length;
      await page.point(box.x + box.width * at(column), box.y + box.height * at(row));
      const texts = await tooltipTexts(page);
      deepEqual(texts.slice(0, 2), [row, column].map((each) => `${residues[each]}${each + 1}`));
      const value = attention[row * length + column];
      // Half of one of 255 square-root steps, then three digits.
      const step = Math.sqrt(value * max) / 255 + max / (4 * 255 ** 2);
      ok(Math.abs(Number(texts[2]) - value) <= step + 0.005 * value, `${texts} for ${value}`);
    }
    const button = await scrollTo(page, "[data-zoom='4']", i);
    await page.click(button.x + button.width / 2, button.y + button.height / 2);
    await page.settle();
    const { width } = await scrollTo(page, "canvas", i);
    ok(width > 3.5 * box.width, `zoomed from ${box.width} to ${width}`);
    equal(await page.evaluate(TOO_WIDE), 0);
  }
  deepEqual(page.complaints, []);
}

/** Scrolls to the i-th match of a selector and returns where it is then. */
function scrollTo(page: Page, selector: string, i: number) {
  return page.evaluate<{ x: number; y: number; width: number; height: number }>(
    `{ const element = document.querySelectorAll(${JSON.stringify(selector)})[${i}];
       element.scrollIntoView({ block: "center" });
       element.getBoundingClientRect().toJSON(); }`,
  );
}

function tooltipTexts(page: Page): Promise<string[]> {
  return page.evaluate(`[...tooltip.querySelectorAll("dd")].map((dd) => dd.textContent)`);
}

async function checkKeyboard(browser: Browser, url: string) {
  await using page = await browser.open(url, {});
  const table = `document.querySelector("section.protein .heatmap table")`;
  equal(await page.evaluate(`${table}.querySelectorAll("td[tabindex='0']").length`), 1);
  await page.evaluate(`${table}.querySelector("td[tabindex='0']").focus()`);
  for (
    const key of ["ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft"]
  ) {
    await page.press(key);
  }
  const cell = `${table}.tBodies[0].rows[1].cells[2]`;
  equal(await page.evaluate(`${cell} === document.activeElement`), true);
  equal(await page.evaluate(`tooltip.hidden`), false);
  equal(
    await page.evaluate(`tooltip.querySelector("[data-name=impact]").textContent`),
    await page.evaluate(`${cell}.dataset.value`),
  );
  deepEqual(page.complaints, []);
}

async function checkColours(browser: Browser, url: string) {
  await checkContrast(TEXTS, 20)(browser, url);
  const sums: number[] = [];
  for (const scheme of ["light", "dark"] as const) {
    await using page = await browser.open(url, { scheme });
    const background = await page.evaluate<string>(
      "getComputedStyle(document.body).backgroundColor",
    );
    sums.push(rgb(background).reduce((sum, x) => sum + x));
  }
  ok(sums[0] > 700 && sums[1] < 120, `page backgrounds sum to ${sums}`);
}

async function checkWidths(browser: Browser, url: string) {
  // A4 less the page's margins of 14 mm at 96 px per inch; the paper stays white in a dark room.
  await using page = await browser.open(url, { width: 688, media: "print", scheme: "dark" });
  deepEqual(await page.evaluate(CLIPPED), []);
  equal(await page.evaluate(TOO_WIDE), 0);
  equal(
    await page.evaluate("getComputedStyle(document.body).backgroundColor"),
    "rgb(255, 255, 255)",
  );
  await page.look({ width: 390 });
  equal(await page.evaluate(TOO_WIDE), 0);
}
