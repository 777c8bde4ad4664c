/** The report of sparse features in a real browser: its charts, its map, light, dark and print. */
import { renderSaeReport, type SaeReport } from "../lib/causal/report/sae_report.ts";
import { mapRows } from "../lib/causal/report/sae_map.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import { checkContrast, TOO_WIDE } from "./page_checks.ts";
import { sampleSaeReport } from "./sae_report_sample.ts";
import { runSae } from "./sae_run.ts";

const hostile = `<img src=x onerror=alert(1)>"'&`;

const reports: Record<string, SaeReport> = {
  "two proteins at three layers": sampleSaeReport({
    proteins: [{ id: "EPHB2", length: 66, mutations: 3 }, {
      id: hostile,
      length: 40,
      mutations: 2,
    }],
    layers: [8, 16, 24],
    nodes: 150,
    seed: 4,
  }, `Features of ${hostile}`),
  "one mutation of 700 residues": sampleSaeReport({
    proteins: [{ id: "long", length: 700, mutations: 1 }],
    layers: [16],
    nodes: 5000,
    seed: 5,
  }, "A long protein"),
};

browserTest(
  "renderSaeReport gives a page that a browser shows whole and exactly",
  async (browser, dir, t) => {
    for (const [i, [name, report]] of Object.entries(reports).entries()) {
      const url = await writePage(dir, String(i), renderSaeReport(report));
      const step = (what: string, check: Check) =>
        t.step(`${name}: ${what}`, () => check(browser, url, report));
      await step("one mutation of each kind is shown, the chosen one", checkPanels);
      await step("cells of the map show their attribution, in its colour", checkMap);
      await step("marks of charts are named on hover and by the arrow keys", checkMarks);
      await step("text is legible in light and dark", checkContrast(TEXTS, 40));
      await step("print and narrow screens clip nothing", checkWidths);
    }
  },
);

const MUTATIONS = [
  "--mutations",
  "S1N,S20P:E19Y",
  "--layers",
  "1,2",
  "--backend",
  "cpu",
  "--quiet",
];

for (const name of ["patch", "ig", "circuit"]) {
  browserTest(
    `sae ${name} writes a report that a browser shows as its tables have it`,
    (browser) =>
      runSae([name, ...MUTATIONS], async ({ dir, code, err }) => {
        equal(code, 0, err);
        await using page = await browser.open(new URL(`file://${dir}/out/report.html`).href, {});
        deepEqual(page.complaints, []);
        match(await page.evaluate<string>("document.querySelector('.note').textContent"), /demon/);
        equal(await page.evaluate("document.querySelectorAll('article').length"), 4);
        const text = await page.evaluate<string>("document.querySelector('main').innerText");
        deepEqual(text.match(/.*(NaN|undefined|Infinity).*/g), null);
        match(text, /Loss recovered[^]*1\d\d %|9\d %/);
        deepEqual(text.match(/[-−]0(\.0+)?( |$)/gm), null, "nothing has no sign");
        if (name === "patch") {
          match(text, /Of 20 patches of single latents over 2 mutations/);
        } else if (name === "ig") {
          match(text, /All 4 explanations of 2 mutations add up to the effect/);
          match(
            text,
            /20 nodes \(latents at tokens\).* hold \d+ % of the sum of all \|attribution\|/,
          );
          const changed = await page.evaluate<number[][]>(
            `[...document.querySelectorAll(".matrix-facts")].map((each) =>
              JSON.parse(each.textContent).changed)`,
          );
          deepEqual(changed, [[1], [19, 20], [1], [19, 20]]);
        } else {
          match(text, /To restore 70 % of the effect of 2 mutations/);
        }
      }),
    { sanitize: false },
  );
}

type Check = (browser: Browser, url: string, report: SaeReport) => Promise<void>;

const SHOWN = `[...document.querySelectorAll(".panels")].map((section) =>
  [...section.querySelectorAll("article:not([hidden]) h3")].map((h3) => h3.textContent))`;

async function checkPanels(browser: Browser, url: string, report: SaeReport) {
  await using page = await browser.open(url, {});
  const before = await page.evaluate<string[][]>(SHOWN);
  equal(before.length, 3);
  for (const names of before) equal(names.length, 1);
  const several = report.attributions!.length > 1;
  equal(
    await page.evaluate("document.querySelectorAll('.chooser:not([hidden])').length"),
    several ? 3 : 0,
  );
  if (several) {
    await page.evaluate(`{
      const section = document.querySelectorAll(".panels")[1];
      const select = section.querySelector("select");
      select.value = String(select.options.length - 1);
      select.dispatchEvent(new Event("change"));
      section.querySelector("button[data-layer='24']").click();
    }`);
    const { protein, mutation } = report.attributions!.at(-1)!;
    const after = await page.evaluate<string[][]>(SHOWN);
    deepEqual(after[1], [`${protein.id} ${mutation}, layer 24`]);
    deepEqual([after[0], after[2]], [before[0], before[2]]);
  }
  equal(await page.evaluate("document.querySelector('h1').textContent"), report.title);
  deepEqual(page.complaints, []);
  deepEqual(page.requests, [url]);
}

/** Layout of the map, as the script has it. */
const GUTTER = 92, RIGHT = 112, ROW = 16;

const shown = (page: Page) =>
  page.evaluate<{ title: string; texts: Record<string, string> }>(`{
    const texts = {};
    for (const dd of tooltip.querySelectorAll("dd")) texts[dd.dataset.name] = dd.textContent;
    ({ title: tooltip.hidden ? "" : tooltip.querySelector("strong").textContent, texts });
  }`);

const number = (text: string) => Number(text.replace("−", "-"));

async function checkMap(browser: Browser, url: string, report: SaeReport) {
  for (const scheme of ["light", "dark"] as const) {
    await using page = await browser.open(url, { scheme });
    const figure = `document.querySelector("article:not([hidden]) .attributions")`;
    const place = await page.evaluate<string>(
      `${figure}.closest("article").querySelector("h3").textContent`,
    );
    const several = report.attributions!.length > 1;
    const result = report.attributions!.find(({ protein, mutation, layer }) =>
      place === (several ? `${protein.id} ${mutation}, layer ${layer}` : mutation)
    )!;
    const { residues, offset } = result.protein, columns = residues.length + 2;
    const { labels, rowOf } = mapRows(result.nodes);
    const value = (row: number, token: number) =>
      result.nodes.filter((node) => node.token === token && rowOf(node.latent) === row)
        .reduce((sum, { attribution }) => sum + attribution, 0);
    await page.evaluate(`${figure}.scrollIntoView()`);
    await page.settle();
    const frame = await page.evaluate<{ left: number; top: number; width: number; cap: number }>(`{
      const { left, top } = ${figure}.querySelector("canvas").getBoundingClientRect();
      const { cap } = JSON.parse(${figure}.querySelector(".matrix-facts").textContent);
      ({ left, top, width: ${figure}.querySelector(".matrix-frame").clientWidth, cap });
    }`);
    const cell = Math.min((frame.width - GUTTER - RIGHT) / columns, 22);
    const strongest = result.nodes.slice(0, 3).map(({ latent, token }) => [rowOf(latent), token]);
    for (const [row, token] of [...strongest, [0, 1], [labels.length - 1, columns - 1]]) {
      await page.point(frame.left + GUTTER + (token + 0.5) * cell, frame.top + (row + 0.5) * ROW);
      const { title, texts } = await shown(page);
      const name = token === 0
        ? "<cls>"
        : token === columns - 1
        ? "<eos>"
        : `${residues[token - 1]}${token + offset - 1}`;
      equal(title, `${labels[row]} at ${name}`);
      const expected = value(row, token);
      // A float32, of which the tooltip has every digit.
      ok(
        Math.abs(number(texts.attribution) - expected) <= 1e-6 * Math.abs(expected),
        `${texts.attribution} for ${expected}`,
      );
      const sum = result.nodes.filter((node) => node.token === token)
        .reduce((all, { attribution }) => all + attribution, 0);
      ok(
        Math.abs(number(texts.place) - sum) <= 1e-5 * Math.abs(sum) + 1e-6,
        `${texts.place} for ${sum}`,
      );
    }
    if (cell > 4) {
      const [row, token] = strongest[0];
      const share = Math.min(1, Math.max(0, (value(row, token) + frame.cap) / (2 * frame.cap)));
      const [found, expected] = await page.evaluate<[number[], number[]]>(`[
        [...${figure}.querySelector("canvas").getContext("2d").getImageData(
          ${Math.round(GUTTER + token * cell + 3)}, ${row * ROW + 3}, 1, 1).data],
        getComputedStyle(document.documentElement).getPropertyValue("--d${
        Math.round(64 * share)
      }").trim()
          .match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16))]`);
      deepEqual(found.slice(0, 3), expected, scheme);
    }
    // The letters of the mutated residues are below their marks, however narrow a residue is.
    for (const token of result.tokens) {
      const inked = await page.evaluate<number>(`{
        const canvas = ${figure}.querySelector("canvas"), context = canvas.getContext("2d");
        const [r, g, b] = getComputedStyle(document.documentElement).getPropertyValue("--site")
          .match(/[0-9a-f]{2}/gi).map((pair) => parseInt(pair, 16));
        const { data } = context.getImageData(
          ${Math.round(GUTTER + (token + 0.5) * cell) - 6}, ${labels.length * ROW + 9}, 12, 10);
        let found = 0;
        for (let i = 0; i < data.length; i += 4) {
          const far = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
          if (data[i + 3] > 100 && far < 60) found++;
        }
        found; }`);
      ok(inked >= 8, `${inked} pixels of a letter at ${token}, ${scheme}`);
    }
    await page.evaluate(`${figure}.querySelector("[data-zoom='8']").click()`);
    await page.settle();
    const [inner, width] = await page.evaluate<number[]>(`{
      const frame = ${figure}.querySelector(".matrix-frame");
      [frame.scrollWidth, frame.querySelector("canvas").width]; }`);
    ok(Math.abs(inner - (GUTTER + RIGHT + 8 * cell * columns)) < 2, `${inner} px wide`);
    equal(width, frame.width, "the canvas is as wide as the frame, not as the protein");
    // What the browser says of this test's reading is not the page's.
    deepEqual(page.complaints.filter((text) => !/willReadFrequently/.test(text)), []);
  }
}

async function checkMarks(browser: Browser, url: string, report: SaeReport) {
  await using page = await browser.open(url, {});
  const charts = await page.evaluate<number>(`document.querySelectorAll("svg.marks").length`);
  ok(charts >= 4, `${charts} charts with marks`);
  const faults = await page.evaluate<string[]>(`
    [...document.querySelectorAll("svg [d], svg [cx], svg [x], svg [width]")]
      .filter((e) => [...e.attributes].some(({ value }) => /NaN|Infinity|undefined/.test(value)))
      .map((e) => e.outerHTML)`);
  deepEqual(faults, []);
  // Lollipops of the patched latents.
  const chart = `document.querySelector("article:not([hidden]) .wide svg.marks")`;
  await page.evaluate(`${chart}.scrollIntoView({ block: "center" })`);
  await page.settle();
  const boxes = await page.evaluate<{ x: number; y: number; width: number; height: number }[]>(
    `[...${chart}.querySelectorAll("[data-tip]")].map((e) => e.getBoundingClientRect().toJSON())`,
  );
  await page.point(boxes[1].x + boxes[1].width / 2, boxes[1].y + boxes[1].height / 2);
  const second = await shown(page);
  match(second.title, /^Latent \d+ at [A-Z]\d+$/);
  const heading = await page.evaluate<string>(
    `${chart}.closest("article").querySelector("h3").textContent`,
  );
  const result = report.patches!.find(({ protein, mutation, layer }) =>
    [mutation, `${protein.id} ${mutation}, layer ${layer}`].includes(heading)
  )!;
  const changes = result.rows.filter(({ kind }) => kind === "real")
    .map(({ patched, baseline }) => patched - baseline)
    .sort((a, b) => Math.abs(b) - Math.abs(a));
  ok(Math.abs(number(second.texts.change) - changes[1]) <= 0.006 * Math.abs(changes[1]));
  equal(await page.evaluate(`${chart}.querySelectorAll(".pointed").length`), 1);
  await page.evaluate(`${chart}.focus({ focusVisible: true })`);
  await page.press("ArrowLeft");
  ok(
    Math.abs(number((await shown(page)).texts.change) - changes[0]) <= 0.006 * Math.abs(changes[0]),
  );
  await page.press("End");
  ok(
    Math.abs(number((await shown(page)).texts.change) - changes.at(-1)!) <=
      0.006 * Math.abs(changes.at(-1)!) + 1e-6,
  );
  await page.press("Escape");
  equal((await shown(page)).title, "");
  const unnamed = await page.evaluate<number>(
    `document.querySelectorAll("canvas:not([aria-label]), svg:not([aria-label]):not([aria-hidden])").length`,
  );
  equal(unnamed, 0);
  deepEqual(page.complaints, []);
}

const TEXTS =
  "h1,.subtitle,.note,.finding,.facts,.hint,th,td:not(:empty),small,.legend,.keys,dd,button,label," +
  "select,figcaption,h4,.chart-keys,svg text";

async function checkWidths(browser: Browser, url: string) {
  await using page = await browser.open(url, { width: 688, media: "print", scheme: "dark" });
  equal(await page.evaluate(TOO_WIDE), 0);
  equal(
    await page.evaluate("getComputedStyle(document.body).backgroundColor"),
    "rgb(255, 255, 255)",
  );
  // Paper cannot be scrolled: whatever the zoom, the whole matrix is on it.
  await page.evaluate(
    `for (const each of document.querySelectorAll("[data-zoom='8']")) each.click()`,
  );
  await page.settle();
  const hidden = await page.evaluate<number[]>(
    `[...document.querySelectorAll("article:not([hidden]) .matrix-frame")]
      .map((frame) => frame.scrollWidth - frame.clientWidth)`,
  );
  ok(hidden.length > 0 && hidden.every((px) => px <= 1), hidden.join());
  await page.look({ width: 390 });
  await page.settle();
  equal(await page.evaluate(TOO_WIDE), 0);
}
