/** The report of analyze in a real browser: what it shows, that it is whole, in light, dark and print. */
import { examples } from "../data/examples.ts";
import { csvValue } from "../lib/io/csv.ts";
import { renderSiteReport } from "../lib/sites/report/mod.ts";
import { MUTANT_COLUMNS } from "../lib/sites/mutant_tables.ts";
import { HEAD_COLUMNS, rowsOf } from "../lib/sites/tables.ts";
import type { ProteinResult } from "../lib/sites/types.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import {
  checkPreferences,
  checkSaved,
  checkWhole,
  figureBox,
  printedPages,
} from "./page_checks.ts";
import { sampleMutant, sampleProtein, sampleSummary } from "./report_sample.ts";

const { a2a } = examples;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const record = {
  esmscope: "0.1.0",
  command: "analyze",
  model: { name: "x", sha256: "0123456789abcdef".repeat(4) },
  arguments: ["--title", "</script><b>'"],
};
const run = { record, input: "a2a", options: "threshold 0.3", files: ["heads.csv"] };
const notes = ['A note with <b>markup</b> & "quotes"'];

const shape = {
  id: "A2A </script><b>",
  residues: a2a.residues,
  sites: [85, 89, 246, 253],
  layers: range(4),
  heads: 8,
  maps: 2,
  seed: 1,
};
const one = sampleProtein(shape);
const large = sampleProtein({
  id: "large",
  residues: a2a.residues,
  sites: [85],
  layers: range(33),
  heads: 20,
  maps: 3,
  seed: 2,
});
const mutated: ProteinResult = {
  ...one,
  mutants: [
    sampleMutant(one, { position: 246, to: "A", largest: 3, seed: 5 }),
    sampleMutant(one, { position: 7, to: "K", largest: 0, seed: 6 }),
  ],
};
const several = [one, sampleProtein({ ...shape, id: "second", sites: [85], seed: 3 })];
const reports: Record<string, ProteinResult[]> = {
  one: [one],
  large: [large],
  mutated: [mutated],
  several,
};
const html = (proteins: ProteinResult[]) =>
  renderSiteReport({
    ...{ notes, proteins, run },
    summary: proteins.length > 1 ? sampleSummary(proteins) : undefined,
  });

browserTest(
  "renderSiteReport gives a page that a browser shows whole and exactly",
  async (browser, dir, t) => {
    for (const [name, proteins] of Object.entries(reports)) {
      const url = await writePage(dir, name, html(proteins));
      const step = (what: string, check: (browser: Browser, url: string) => Promise<void>) =>
        t.step(`${name}: ${what}`, () => check(browser, url));
      await checkWhole(step, TEXTS);
      if (name === "several") await step("proteins are drawn when they are opened", checkFolds);
      else {
        await step(
          "every head shows the numbers of heads.csv",
          (browser, url) => checkHeads(browser, url, proteins[0]),
        );
        await step(
          "a click on the map selects the pair everywhere",
          (browser, url) => checkMap(browser, url, proteins[0]),
        );
        if (name === "mutated") {
          await step("mutations show the numbers of their tables", checkMutants);
        }
        // Each grid of heads has a tab stop of its own.
        if (name !== "mutated") {
          await step("the keyboard reaches every head and residue", checkKeyboard);
        }
        await step("figures are saved", checkSaved);
        await step("forced colours and reduced motion are heeded", checkPreferences);
        await step(
          "it is printed on two pages, three where there are many layers",
          async (browser, url) => {
            equal(await printedPages(browser, url), name === "large" ? 3 : 2);
          },
        );
      }
    }
  },
);

const TEXTS =
  "h1,.finding,.method,.caution,.masthead li,.caption,.key,.ramp,dt,dd,th,td,button,summary,output";

interface SeenHead {
  title: string;
  shown: Record<string, string>;
}

/** Moves the pointer over every head and reads the tooltip's exact values. */
const HOVER_HEADS = hoverHeads("heads");

function hoverHeads(figure: string) {
  return `[...document.querySelectorAll('[data-view] [data-figure="${figure}"] button[data-item]')].map((cell) => {
  cell.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 9, clientY: 9 }));
  const shown = {};
  for (const said of document.querySelectorAll("#tip [data-fact]")) {
    shown[said.dataset.fact] = said.dataset.exact;
  }
  return { title: document.querySelector("#tip b").textContent, shown };
})`;
}

async function checkHeads(browser: Browser, url: string, protein: ProteinResult) {
  await using page = await browser.open(url, {});
  const cells = await page.evaluate<SeenHead[]>(HOVER_HEADS);
  equal(cells.length, protein.rows.length);
  rowsOf(protein.id, protein.rows).forEach((row, item) => {
    equal(cells[item].title, `layer ${row.layer} head ${row.head}`);
    for (const column of HEAD_COLUMNS.slice(2)) {
      const expected = csvValue(column.of(row));
      const exact = cells[item].shown[column.name];
      equal(csvValue(Number(exact)), expected, `${cells[item].title} ${column.name}`);
    }
  });
}

async function checkMutants(browser: Browser, url: string) {
  await using page = await browser.open(url, {});
  for (const [m, mutant] of mutated.mutants!.entries()) {
    await page.evaluate(`document.querySelector('[data-mutation="${m}"]').click()`);
    const cells = await page.evaluate<SeenHead[]>(hoverHeads("mutant-heads"));
    equal(cells.length, mutant.rows.length);
    mutant.rows.forEach((row, item) => {
      const cellsOfRow = { ...row, protein: "", mutation: mutant.name };
      for (const column of MUTANT_COLUMNS.slice(2)) {
        equal(
          csvValue(Number(cells[item].shown[column.name])),
          csvValue(column.of(cellsOfRow)),
          `${mutant.name} ${cells[item].title} ${column.name}`,
        );
      }
    });
    await page.evaluate(`document.querySelector('[data-figure="mutant-heads"] button').click()`);
    const box = await figureBox(page, "mutant-received");
    await page.point(box.x + box.width / 2, box.y + box.height / 2);
    const [residue, ...shown] = await page.evaluate<string[]>(
      `[document.querySelector("#tip b").textContent,
        ...[...document.querySelectorAll("#tip [data-fact]")].slice(0, 3).map((f) => f.dataset.exact)]`,
    );
    const at = Number(residue.slice(1)) - 1, [{ received, mean, sd }] = mutant.profiles;
    deepEqual(shown.map((x) => Math.fround(Number(x))), [received[at], mean[at], sd[at]]);
  }
}

async function checkMap(browser: Browser, url: string, { residues, maps, rows }: ProteinResult) {
  await using page = await browser.open(url, {});
  const [{ layer, head, steps, max }] = maps, { length } = residues;
  const item = rows.findIndex((row) => row.layer === layer && row.head === head);
  await page.evaluate(`document.querySelector('.heads button[data-item="${item}"]').click()`);
  for (const [i, j] of [[1, 1], [12, 5], [length - 1, length - 2], [length >> 1, 13]]) {
    const box = await figureBox(page, "map");
    // As the figure lays it out: room for numbers to the left and beneath.
    const side = Math.min(box.width - 58 - 4, box.height - 4 - 50);
    const at = (residue: number) => (residue - 0.5) / length * side;
    await page.point(box.x + 58 + at(j), box.y + 4 + at(i));
    await page.click(box.x + 58 + at(j), box.y + 4 + at(i));
    await page.settle();
    const names = [i, j].map((residue) => `${residues[residue - 1]}${residue}`);
    const readout = await page.evaluate<string>(`document.querySelector(".readout").textContent`);
    match(readout, new RegExp(`^${names.join(" – ")}`));
    const seen = await page.evaluate<string>(
      `document.querySelector("#tip [data-fact]").textContent`,
    );
    const value = max * (steps[(i - 1) * length + j - 1] / 255) ** 2;
    // Three digits.
    ok(Math.abs(Number(seen) - value) <= 0.005 * value, `${seen} for ${value}`);
    match(
      await page.evaluate<string>(
        `document.querySelector("[data-list=partners]").previousElementSibling.textContent`,
      ),
      new RegExp(names[0]),
    );
  }
  deepEqual(page.complaints, []);
}

async function checkKeyboard(browser: Browser, url: string) {
  await using page = await browser.open(url, {});
  const tabStops = `document.querySelectorAll(".heads button[tabindex='0']").length`;
  equal(await page.evaluate(tabStops), 1);
  await page.evaluate(`document.querySelector(".heads button").click();
    document.querySelector(".heads button").focus()`);
  for (
    const key of ["ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft"]
  ) {
    await page.press(key);
  }
  const focused = `document.activeElement.getAttribute("aria-label")`;
  match(await page.evaluate<string>(focused), /^layer 1 head 1, z /);
  equal(await page.evaluate(tabStops), 1);
  // The bar is a slider whose text says what is known of the residue.
  const bar = `document.querySelector("[role=slider]")`;
  await page.evaluate(`${bar}.focus()`);
  const value = async () => Number(await page.evaluate(`${bar}.getAttribute("aria-valuenow")`));
  for (
    const [key, expected] of [["ArrowRight", 1], ["PageUp", 11], ["ArrowLeft", 10], ["End", 412], [
      "Home",
      1,
    ]] as const
  ) {
    await page.press(key);
    equal(await value(), expected, key);
  }
  match(await page.evaluate<string>(`${bar}.getAttribute("aria-valuetext")`), /^M1 · receives /);
  await page.press("+");
  equal(await page.evaluate(`document.querySelector("[data-do=all]").disabled`), false);
  await page.press("Escape");
  equal(await page.evaluate(`${bar}.getAttribute("aria-valuetext")`), "no residue selected");
  deepEqual(page.complaints, []);
}

async function checkFolds(browser: Browser, url: string) {
  await using page = await browser.open(url, {});
  const drawn = `document.querySelectorAll("[data-view] canvas").length`;
  equal(await page.evaluate(drawn), 0);
  await page.evaluate(`document.querySelectorAll("details.protein")[1].open = true`);
  await page.evaluate("new Promise((r) => setTimeout(r, 300))");
  ok(await page.evaluate<number>(drawn) >= 3);
  ok(await canvasesDrawn(page));
  deepEqual(page.complaints, []);
}

/** Whether every canvas has several colours. */
const canvasesDrawn = (page: Page) =>
  page.evaluate<boolean>(`[...document.querySelectorAll("[data-view] canvas")].every((canvas) => {
    const { width, height } = canvas;
    if (width === 0) return true;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return new Set(new Uint32Array(data.buffer)).size > 3;
  })`);

Deno.test("the page of 33 × 20 heads at 412 residues has at most a megabyte", () => {
  const size = html([large]).length;
  ok(size < 1_000_000, `${size} bytes`);
});
