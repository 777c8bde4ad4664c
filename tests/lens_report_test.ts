/** The report of lens in a real browser: what it shows, that it is whole, in light, dark and print. */
import { examples } from "../data/examples.ts";
import { csvValue } from "../lib/io/csv.ts";
import { layerMeans, LENS_LETTERS, LensView, placesOf, PREDICTION } from "../lib/lens/mod.ts";
import { drawnProtein, renderLensReport } from "../lib/lens/report/report.ts";
import { LENS_TABLE, mutantViews, residueRows, SummaryTally } from "../lib/lens/tables.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, writePage } from "./browser.ts";
import {
  checkPreferences,
  checkSaved,
  checkWhole,
  figureBox,
  printedPages,
} from "./page_checks.ts";
import { random } from "./report_sample.ts";

const residues = examples.a2a.residues;

/** Predictions that come nearer to the end with every layer. */
function predictions(length: number, layers: number, isTuned: boolean, seed: number) {
  const next = random(seed), places = placesOf(layers, isTuned);
  const data = new Float32Array(length * places.length * PREDICTION);
  for (let r = 0; r < length; r++) {
    const final = Array.from(LENS_LETTERS, () => 4 * next());
    places.forEach(({ layer }, p) => {
      const logits = final.map((x) => x * layer / layers + next() * (1 - layer / layers));
      const log = Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0));
      data.set(
        [...logits.map((x) => x - log), 0.01 * next()],
        (r * places.length + p) * PREDICTION,
      );
    });
  }
  return { places, residues: length, data };
}

function sample(
  id: string,
  letters: string,
  layers: number,
  isTuned: boolean,
  mutations: string[],
) {
  const wild = predictions(letters.length, layers, isTuned, 7 + letters.length);
  const view = new LensView(wild, letters), rows = layerMeans(view);
  const variants = mutations.map((name) => ({
    name,
    substitutions: [{ position: Number(name.slice(1, -1)), from: name[0], to: name.at(-1)! }],
  }));
  const mutants = mutantViews({
    protein: { id, letters, variants },
    wild,
    mutants: mutations.map((_, m) => predictions(letters.length, layers, isTuned, 90 + m)),
  });
  return { id, rows, view, mutants, drawn: drawnProtein(id, view, rows, mutants) };
}

const small = sample("A2A </script><b>", residues.slice(0, 60), 4, true, ["V10A", "Y9F"]);
const large = sample("large", residues, 33, true, []);
const more = sample("more", residues.slice(60, 100), 4, true, []);
const samples = { one: [small], large: [large], several: [small, more] };

function summaryOf(all: (typeof small)[]) {
  const tally = new SummaryTally();
  for (const { rows } of all) tally.add(rows);
  return tally.rows();
}

const html = (all: (typeof small)[]) =>
  renderLensReport({
    notes: ['A note with <b>markup</b> & "quotes"'],
    drawn: all.map(({ drawn }) => drawn),
    listed: all.map(({ id, rows }) => ({ id, rows })),
    ...{ count: all.length, summary: summaryOf(all) },
    masked: true,
    run: {
      record: { esmscope: "0.1.0", command: "lens", model: { name: "x", sha256: "01".repeat(32) } },
      ...{ input: "a2a", options: "hidden", files: ["lens.csv"] },
    },
  });

const TEXTS =
  "h1,.finding,.method,.caution,.masthead li,.caption,.key,.ramp,dt,dd,th,td,button,summary,output";

Deno.test("a page of lens stays below a megabyte a protein, and says which layers it draws", () => {
  const text = html([large]);
  ok(text.length < 1_000_000, `${text.length} bytes`);
  const { shown } = large.drawn;
  ok(shown.length < 34 && shown.at(-1) === 33, shown.join());
  match(text, /Every (2nd|3rd|\dth) layer is drawn; lens\.csv has all/);
});

browserTest(
  "renderLensReport gives a page that a browser shows whole and exactly",
  async (browser, dir, t) => {
    for (const [name, all] of Object.entries(samples)) {
      const url = await writePage(dir, name, html(all));
      const step = (what: string, check: (browser: Browser, url: string) => Promise<void>) =>
        t.step(`${name}: ${what}`, () => check(browser, url));
      await checkWhole(step, TEXTS);
      if (name === "several") continue;
      await step(
        "a place of the map shows the numbers of lens.csv",
        (browser, url) => checkMap(browser, url, all[0]),
      );
      await step("figures are saved", checkSaved);
      await step("forced colours and reduced motion are heeded", checkPreferences);
      await step("it is printed on few pages", async (browser, url) => {
        ok(await printedPages(browser, url) <= 4);
      });
    }
  },
);

async function checkMap(browser: Browser, url: string, { id, view, drawn }: typeof small) {
  await using page = await browser.open(url, {});
  const { shown, letters } = drawn;
  for (const [row, residue] of [[0, 3], [shown.length - 1, letters.length - 4]]) {
    const box = await figureBox(page, "map");
    // As the figure lays it out: names to the left, numbers beneath.
    const left = 16 + 6.8 * 6,
      width = box.width - left - 6,
      tall = (box.height - 50) / shown.length;
    const x = box.x + left + (residue - 0.5) / letters.length * width;
    await page.point(x, box.y + 14 + tall * (row + 0.5));
    const facts = await page.evaluate<Record<string, string>>(`Object.fromEntries(
      [...document.querySelectorAll("#tip [data-fact]")].map((f) => [f.dataset.fact, f.dataset.exact]))`);
    const csv = [...residueRows(id, view)].find((one) =>
      one.lens === "logit" && one.layer === shown[row] && one.residue === residue
    )!;
    for (const column of LENS_TABLE.columns.slice(5)) {
      equal(csvValue(facts[column.name]), csvValue(String(column.of(csv))), column.name);
    }
  }
  if (drawn.mutations.length === 0) return;
  const box = await figureBox(page, "mutation-map"), left = 16 + 6.8 * 6;
  const tall = (box.height - 50) / shown.length, width = box.width - left - 6;
  await page.point(
    box.x + left + 19.5 / letters.length * width,
    box.y + 14 + tall * (shown.length - 0.5),
  );
  const shownFacts = await page.evaluate<string[]>(
    `[...document.querySelectorAll("#tip [data-fact]")].map((f) => f.dataset.exact)`,
  );
  const row = small.mutants[0].residues.find((one) =>
    one.lens === "logit" && one.layer === 4 && one.residue === 20
  )!;
  deepEqual(shownFacts.map((x) => Math.fround(Number(x))), [
    Math.fround(row.kl),
    Math.fround(row.change),
  ]);
}
