/** The report of variant scoring in a real browser: its values, its zoom, light, dark and print. */
import { renderVariantReport } from "../lib/variants/report/report.ts";
import { AMINO_ACIDS } from "../lib/variants/letters.ts";
import { ScoreMatrix } from "../lib/variants/matrix.ts";
import { SampleCollector } from "../lib/variants/samples.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import { checkContrast, TOO_WIDE } from "./page_checks.ts";

/** A score that tells position and letter, between −4 and 4. */
const value = (position: number, letter: string) =>
  Math.fround(4 * Math.sin(position * 1.7 + AMINO_ACIDS.indexOf(letter) * 0.9));

function sample(length: number, offset: number, skipped: (position: number) => boolean) {
  const residues = Array.from({ length }, (_, i) => AMINO_ACIDS[i * 7 % 20]).join("");
  const matrix = new ScoreMatrix({ id: "<b>protein</b>", residues, offset });
  for (let position = 1; position <= length; position++) {
    if (skipped(position)) continue;
    for (const letter of AMINO_ACIDS) {
      const wild = letter === residues[position - 1];
      matrix.setScore(position, letter, wild ? 0 : value(position, letter));
    }
    matrix.entropy[position - 1] = 1 + position % 7 / 4;
  }
  return matrix;
}

const hostile = `<img src=x onerror=alert(1)>"'&`;

function assay(count: number) {
  const samples = new SampleCollector();
  for (let i = 0; i < count; i++) {
    const text = i === 3 ? hostile : `A${i}C`;
    const row = { place: "", text, raw: "", measured: Math.cos(i), functional: i % 3 > 0 };
    const reading = { substitutions: [{ position: 1, from: "A", to: "C" }] };
    samples.add({ row, reading, score: i / count - (i % 2), pll: NaN, perResidue: NaN });
  }
  return samples;
}

const values = { spearman: 0.5, pearson: 0.4, auc: 0.7, mcc: 0.2, ndcg10: NaN };
const range = { low: -0.25, high: 0.75 };
const common = { title: `Mutations of ${hostile}`, subtitle: "a model", notes: [hostile] };

const reports = {
  "66 residues against an assay": {
    matrix: sample(66, 11, () => false),
    samples: assay(200),
    performance: [{
      group: "all",
      variants: 200,
      labelled: 200,
      values,
      intervals: { spearman: range, pearson: range, auc: range, mcc: range, ndcg10: range },
    }],
  },
  "1022 residues, some not computed": {
    matrix: sample(1022, 1, (position) => position > 500 && position <= 510),
    samples: assay(6000),
    performance: [{ group: "all", variants: 6000, labelled: 6000, values }],
  },
};

browserTest(
  "renderVariantReport gives a page that a browser shows whole and exactly",
  async (browser, dir, t) => {
    for (const [i, [name, report]] of Object.entries(reports).entries()) {
      const html = renderVariantReport({
        ...common,
        ...{ proteins: [report], count: 1, summary: [] },
        labels: { score: "score", measured: hostile },
        provenance: { model: { name: hostile } },
      });
      const url = await writePage(dir, String(i), html);
      const step = (what: string, check: Check) =>
        t.step(`${name}: ${what}`, () => check(browser, url, report.matrix));
      await step("hovered cells show their scores, and nothing is loaded", checkHover);
      await step("cells have the colour of their score", checkColours);
      await step("zoom keeps the place and draws only what is in view", checkZoom);
      await step("the keyboard reaches every cell", checkKeyboard);
      await step("text is legible in light and dark", checkContrast(TEXTS, 20));
      await step("print and narrow screens clip nothing", checkWidths);
    }
    await t.step("the scatter names the nearest variant", () => checkScatter(browser, dir));
    await t.step(
      "several proteins are drawn each, the means over all before them",
      () => checkSeveral(browser, dir),
    );
  },
);

type Check = (browser: Browser, url: string, matrix: ScoreMatrix) => Promise<void>;

/** Layout of the canvas, as the script has it. */
const GUTTER = 46, RIGHT = 18, ROW = 16;

interface Frame {
  left: number;
  top: number;
  width: number;
  scroll: number;
  inner: number;
}

async function frameOf(page: Page): Promise<Frame> {
  await page.evaluate(
    `document.querySelector(".matrix-frame").scrollIntoView({ block: "center" })`,
  );
  // Scrolling hides the tooltip, and is heard of only afterwards.
  await page.settle();
  return await page.evaluate(`{
    const frame = document.querySelector(".matrix-frame");
    const { left, top } = document.querySelector(".matrix canvas").getBoundingClientRect();
    ({ left, top, width: frame.clientWidth, scroll: frame.scrollLeft, inner: frame.scrollWidth });
  }`);
}

/** Width of a residue at a zoom. */
const cellOf = ({ width }: Frame, length: number, zoom: number) =>
  zoom * Math.min((width - GUTTER - RIGHT) / length, 22);

async function pointAt(
  page: Page,
  frame: Frame,
  length: number,
  zoom: number,
  at: [number, string],
) {
  const cell = cellOf(frame, length, zoom);
  const x = frame.left + GUTTER + (at[0] - 0.5) * cell - frame.scroll;
  await page.point(x, frame.top + (AMINO_ACIDS.indexOf(at[1]) + 0.5) * ROW);
}

const shown = (page: Page) =>
  page.evaluate<{ title: string; texts: Record<string, string> }>(`{
    const texts = {};
    for (const dd of tooltip.querySelectorAll("dd")) texts[dd.dataset.name] = dd.textContent;
    ({ title: tooltip.hidden ? "" : tooltip.querySelector("strong").textContent, texts });
  }`);

/** The seven digits of a float32, with a true minus sign. */
const exactly = (value: number) => String(Number(value.toPrecision(7))).replaceAll("-", "−");

async function checkHover(browser: Browser, url: string, matrix: ScoreMatrix) {
  await using page = await browser.open(url, {});
  const { residues, offset } = matrix.target, length = residues.length;
  const frame = await frameOf(page);
  for (
    const [position, letter] of [[1, "A"], [7, "W"], [33, "Y"], [length, "C"], [505, "D"]] as const
  ) {
    if (position > length) continue;
    await pointAt(page, frame, length, 1, [position, letter]);
    const { title, texts } = await shown(page);
    const wild = residues[position - 1];
    const name = `${wild}${position + offset - 1}`;
    equal(title, wild === letter ? `${name}, wild type` : `${name}${letter}`);
    const score = matrix.score(position, letter);
    const expected = wild === letter ? "0" : Number.isNaN(score) ? "not computed" : exactly(score);
    equal(texts.score, expected, name);
    if (!Number.isNaN(score)) {
      equal(texts.mean, exactly(Math.fround(matrix.sensitivity(position))));
    }
  }
  await page.point(frame.left + 5, frame.top + 20);
  equal((await shown(page)).title, "", "the letters at the side are no cells");
  deepEqual(page.complaints, []);
  deepEqual(page.requests, [url]);
  equal(await page.evaluate("document.querySelector('h1').textContent"), common.title);
}

/** The pixel in a corner of a cell, and the colour that its score should have. */
async function checkColours(browser: Browser, url: string, matrix: ScoreMatrix) {
  const length = matrix.target.residues.length;
  if (length > 500) return;
  for (const scheme of ["light", "dark"] as const) {
    await using page = await browser.open(url, { scheme });
    const cell = cellOf(await frameOf(page), length, 1);
    const cap = await page.evaluate<number>(
      `JSON.parse(document.querySelector(".matrix-facts").textContent).cap`,
    );
    for (const [position, letter] of [[2, "A"], [9, "K"], [30, "V"], [66, "T"]] as const) {
      if (matrix.target.residues[position - 1] === letter) throw new Error("choose another cell");
      const x = Math.round(GUTTER + (position - 1) * cell + 2);
      const y = AMINO_ACIDS.indexOf(letter) * ROW + 2;
      const share = Math.min(1, Math.max(0, (value(position, letter) + cap) / (2 * cap)));
      const level = Math.round(share * 64);
      const [found, expected] = await page.evaluate<[number[], number[]]>(`[
        [...document.querySelector(".matrix canvas").getContext("2d").getImageData(${x}, ${y}, 1, 1).data],
        getComputedStyle(document.documentElement).getPropertyValue("--d${level}").trim()
          .match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16))]`);
      deepEqual(found.slice(0, 3), expected, `${scheme} ${position}${letter}`);
    }
  }
}

async function checkZoom(browser: Browser, url: string, matrix: ScoreMatrix) {
  await using page = await browser.open(url, {});
  const { residues } = matrix.target, length = residues.length;
  const before = await frameOf(page);
  await page.evaluate(`document.querySelector(".matrix .zoom [data-zoom='16']").click()`);
  await page.settle();
  const after = await frameOf(page);
  const cell = cellOf(before, length, 16);
  ok(Math.abs(after.inner - (GUTTER + RIGHT + cell * length)) < 2, `${after.inner} px wide`);
  const middle = (after.scroll + (after.width - GUTTER - RIGHT) / 2) / cell;
  ok(Math.abs(middle - length / 2) < 1.5 || before.inner > before.width, `${middle} in the middle`);
  const size = await page.evaluate<number>("document.querySelector('.matrix canvas').width");
  equal(size, after.width, "the canvas is as wide as the frame, not as the protein");
  const position = Math.floor(middle) + 1;
  await pointAt(page, after, length, 16, [position, "F"]);
  match((await shown(page)).title, new RegExp(`^${residues[position - 1]}\\d+`));
  await page.evaluate(`document.querySelector(".matrix-frame").scrollLeft = 1e9`);
  await page.settle();
  const end = await frameOf(page);
  await pointAt(page, end, length, 16, [length, "F"]);
  const { title } = await shown(page);
  ok(title.startsWith(`${residues[length - 1]}${length + matrix.target.offset - 1}`), title);
  equal(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), true);
  deepEqual(page.complaints, []);
}

async function checkKeyboard(browser: Browser, url: string, matrix: ScoreMatrix) {
  await using page = await browser.open(url, {});
  const { residues, offset } = matrix.target;
  await page.evaluate(`document.querySelector(".matrix canvas").focus({ focusVisible: true })`);
  for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "ArrowUp", "ArrowLeft"]) {
    await page.press(key);
  }
  const at = async () => (await shown(page)).title;
  equal(await at(), `${residues[1]}${1 + offset}A`);
  await page.press("End");
  match(await at(), new RegExp(`^${residues.at(-1)}${residues.length + offset - 1}`));
  await page.press("Home");
  match(await at(), new RegExp(`^${residues[0]}${offset}\\D`));
  await page.press("Escape");
  equal(await at(), "");
}

const TEXTS =
  "h1,.subtitle,.note,.finding,.facts,.hint,th,td:not(:empty),small,.legend,.keys,dd,button";

async function checkWidths(browser: Browser, url: string) {
  await using page = await browser.open(url, { width: 688, media: "print", scheme: "dark" });
  equal(await page.evaluate(TOO_WIDE), 0);
  await page.evaluate(`document.querySelector("[data-zoom='8']").click()`);
  await page.settle();
  const paper = await frameOf(page);
  ok(paper.inner <= paper.width + 1, "paper has the whole protein, whatever the zoom");
  await page.evaluate(`document.querySelector("[data-zoom='1']").click()`);
  await page.look({ width: 390 });
  await page.settle();
  equal(await page.evaluate(TOO_WIDE), 0);
  const frame = await frameOf(page);
  ok(frame.inner <= frame.width + 1, "the whole protein fits at the smallest zoom");
}

async function checkScatter(browser: Browser, dir: string) {
  const url = new URL(`file://${dir}/0.html`).href;
  await using page = await browser.open(url, {});
  const canvas = `document.querySelector(".scatter canvas")`;
  await page.evaluate(`${canvas}.scrollIntoView({ block: "center" })`);
  await page.settle();
  const box = await page.evaluate<{ left: number; top: number }>(
    `${canvas}.getBoundingClientRect().toJSON()`,
  );
  const { width, height } = await page.evaluate<{ width: number; height: number }>(
    `{ const { clientWidth: width, clientHeight: height } = ${canvas}; ({ width, height }); }`,
  );
  const data = await page.evaluate<
    { x: number[]; y: number[]; points: number[][]; names: string[] }
  >(
    `JSON.parse(document.querySelector("script.scatter-data").textContent)`,
  );
  equal(data.points.length, 200);
  for (const i of [0, 3, 77, 199]) {
    const [x, y] = data.points[i];
    const left = 64 + (width - 76) * (x - data.x[0]) / (data.x[1] - data.x[0]);
    const top = height - 48 - (height - 58) * (y - data.y[0]) / (data.y[1] - data.y[0]);
    await page.point(box.left + left, box.top + top);
    const { title, texts } = await shown(page);
    equal(title, i === 3 ? hostile : `A${i}C`);
    deepEqual([texts.score, texts.measured], [x, y].map(exactly));
  }
  deepEqual(page.complaints, []);
}

async function checkSeveral(browser: Browser, dir: string) {
  const html = renderVariantReport({
    ...common,
    proteins: Object.values(reports),
    count: 25,
    summary: [
      { group: "all", statistic: "spearman", proteins: 25, mean: -0.5, interval: range },
    ],
    labels: { score: "score", measured: hostile },
    provenance: {},
  });
  const url = await writePage(dir, "several", html);
  for (const width of [1200, 400]) {
    await using page = await browser.open(url, { width });
    const drawn = await page.evaluate<number[]>(
      `[...document.querySelectorAll("figure canvas")].map(({ width }) => width)`,
    );
    equal(drawn.length, 4);
    ok(drawn.every((pixels) => pixels > 300), drawn.join());
    equal(await page.evaluate(TOO_WIDE), 0);
    const text = await page.evaluate<string>("document.body.innerText");
    match(text, /Of 25 proteins the first 2 are drawn here/);
    match(text, /all\s+Spearman\s+25\s+-0\.500\s+-0\.250 to 0\.750/);
    ok(text.indexOf("Across proteins") < text.indexOf("Every mutation of <b>protein</b>"));
    deepEqual(page.complaints, []);
  }
}
