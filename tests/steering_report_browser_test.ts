/** The report of `sae steer` in a real browser: that it is whole, exact and linked. */
import { csvValue, parseTable } from "../lib/io/csv.ts";
import {
  LETTERS,
  renderSteeringReport,
  type SteeringReport,
} from "../lib/causal/report/steering_report.ts";
import { deepEqual, equal, match } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import { checkSaved, checkWhole, letterCell } from "./page_checks.ts";
import { runSae } from "./sae_run.ts";
import { sampleSteeringReport } from "./steering_report_sample.ts";

const hostile = `<img src=x onerror=alert(1)>"'&`;
const reports: Record<string, SteeringReport> = {
  "part of 150 residues": sampleSteeringReport({ length: 150, from: 20, to: 90, seed: 3 }, hostile),
  "five residues": sampleSteeringReport({ length: 5, from: 1, to: 5, seed: 4 }, "Short"),
};
const TEXTS =
  "h1,.finding,.method,.masthead li,.caption,.key,.ramp,dt,dd,th,td,button,summary,output";

browserTest(
  "renderSteeringReport gives a page that a browser shows whole, exactly and linked",
  async (browser, dir, t) => {
    for (const [i, [name, report]] of Object.entries(reports).entries()) {
      const url = await writePage(dir, String(i), await renderSteeringReport(report));
      const step = (what: string, check: (browser: Browser, url: string) => Promise<void>) =>
        t.step(`${name}: ${what}`, () => check(browser, url));
      await checkWhole(step, TEXTS);
      await step("figures are saved", checkSaved);
      await step(
        "a click on the map selects residue and letter, with every digit",
        (browser, url) => checkMap(browser, url, report),
      );
      await step(
        "the keyboard reaches every residue",
        (browser, url) => checkKeyboard(browser, url, report),
      );
    }
  },
);

/** The tooltip's title, and its values with every digit. */
const tipOf = (page: Page) =>
  page.evaluate<{ title: string; exact: Record<string, string> }>(`{
    const exact = {};
    for (const said of document.querySelectorAll("#tip [data-fact]")) {
      exact[said.dataset.fact] = said.dataset.exact;
    }
    ({ title: document.querySelector("#tip b")?.textContent ?? "", exact });
  }`);

const nameOf = ({ residues, protein }: SteeringReport, at: number) =>
  `${residues[at].letter}${at + protein.offset}`;

/** Exact values of a residue as steering.csv names them. */
function checkExact(exact: Record<string, string>, one: SteeringReport["residues"][number]) {
  const expected = {
    "divergence": one.divergence,
    "own before": one.logProbBefore,
    "own after": one.logProbAfter,
    "steered before": one.steeredLogProbBefore,
    "steered after": one.steeredLogProbAfter,
  };
  for (const [name, value] of Object.entries(expected)) equal(Number(exact[name]), value, name);
  equal(exact.predicted, one.before === one.after ? one.before : `${one.before} → ${one.after}`);
}

async function checkMap(browser: Browser, url: string, report: SteeringReport) {
  await using page = await browser.open(url, { width: 1280 });
  const { residues, logProbs } = report, { length } = residues;
  for (const [at, letter] of [[0, 0], [length - 1, 19], [length >> 1, LETTERS.indexOf("V")]]) {
    const { x, y } = await letterCell(page, "map", length, [at, letter]);
    await page.point(x, y);
    const { title, exact } = await tipOf(page);
    equal(title, `${nameOf(report, at)}${LETTERS[letter]}`);
    equal(Number(exact["log p before"]), logProbs.before[20 * at + letter]);
    equal(Number(exact["log p after"]), logProbs.after[20 * at + letter]);
    checkExact(exact, residues[at]);
    await page.click(x, y);
    await page.settle();
    const name = nameOf(report, at);
    match(
      await page.evaluate<string>(`document.querySelector(".readout").textContent`),
      new RegExp(`^${name}.* · predicted `),
    );
    equal(await page.evaluate(`document.querySelector("[data-text=residue]").textContent`), name);
  }
  const most = residues.reduce(
    (best, one, i) => one.divergence > residues[best].divergence ? i : best,
    0,
  );
  await page.evaluate(`document.querySelector("[data-table=residues] button").click()`);
  await page.settle();
  equal(
    await page.evaluate(`document.querySelector("[data-text=residue]").textContent`),
    nameOf(report, most),
  );
  deepEqual(page.complaints, []);
}

async function checkKeyboard(browser: Browser, url: string, report: SteeringReport) {
  await using page = await browser.open(url, {});
  const bar = `document.querySelector("[role=slider]")`;
  await page.evaluate(`${bar}.focus()`);
  const { length } = report.residues;
  for (const [key, at] of [["Home", 0], ["ArrowRight", 1], ["End", length - 1]] as const) {
    await page.press(key);
    match(
      await page.evaluate<string>(`${bar}.getAttribute("aria-valuetext")`),
      new RegExp(`^${nameOf(report, at)}.* · predicted `),
    );
  }
  await page.press("Escape");
  equal(await page.evaluate(`${bar}.getAttribute("aria-valuetext")`), "no residue selected");
}

browserTest(
  "sae steer writes a report that a browser shows as its table has it",
  (browser) =>
    runSae(
      ["steer", "--backend", "cpu", "--quiet", "--set", "367=5max", "--at", "10-20"],
      async ({ dir, code, err }) => {
        equal(code, 0, err);
        const { rows } = parseTable(await Deno.readTextFile(`${dir}/out/steering.csv`), "");
        await using page = await browser.open(new URL(`file://${dir}/out/report.html`).href, {});
        deepEqual(page.complaints, []);
        const text = await page.evaluate<string>("document.querySelector('main').innerText");
        deepEqual(text.match(/.*(NaN|undefined|Infinity).*/g), null);
        match(text, /367 at 5 × its maximum\) was steered at 11 of 81 residues\./);
        const changed = rows.filter(({ fields }) => fields.changed === "true").length;
        match(text, new RegExp(`${changed || "No"} of 81 residues change`));
        const data = await page.evaluate<{ rows: (string | number)[][] }>(
          `JSON.parse(document.querySelector("[data-view] [data-name=data]").textContent)`,
        );
        const columns = ["predicted", "steered", "own_before", "own_after", "steered_before"];
        deepEqual(
          data.rows.map((row) => row.map((x) => csvValue(x))),
          rows.map(({ fields }) =>
            [...columns, "steered_after", "divergence"].map((name) => fields[name])
          ),
        );
      },
    ),
  { sanitize: false },
);
