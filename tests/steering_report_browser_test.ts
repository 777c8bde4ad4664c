/** The report of `sae steer` in a real browser: its tracks and charts, light, dark, print and narrow. */
import { parseTable } from "../lib/io/csv.ts";
import { renderSteeringReport, type SteeringReport } from "../lib/causal/report/steering_report.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import { checkContrast, TOO_WIDE } from "./page_checks.ts";
import { runSae } from "./sae_run.ts";
import { sampleSteeringReport } from "./steering_report_sample.ts";

const hostile = `<img src=x onerror=alert(1)>"'&`;
const reports: Record<string, SteeringReport> = {
  "part of 150 residues": sampleSteeringReport(
    { length: 150, from: 20, to: 90, seed: 3 },
    `Steered features of ${hostile}`,
  ),
  "five residues": sampleSteeringReport({ length: 5, from: 1, to: 5, seed: 4 }, "Short"),
};

browserTest(
  "renderSteeringReport gives a page that a browser shows whole and exactly",
  async (browser, dir, t) => {
    for (const [i, [name, report]] of Object.entries(reports).entries()) {
      const url = await writePage(dir, String(i), renderSteeringReport(report));
      const step = (what: string, check: Check) =>
        t.step(`${name}: ${what}`, () => check(browser, url, report));
      await step("letters and bars are those of the residues", checkTracks);
      await step("residues are named on hover and by the arrow keys", checkMarks);
      await step("text is legible in light and dark", checkContrast(TEXTS, 30));
      await step("print and narrow screens clip nothing", checkWidths);
    }
  },
);

browserTest(
  "sae steer writes a report that a browser shows as its table has it",
  (browser) =>
    runSae(
      ["steer", "--backend", "cpu", "--quiet", "--set", "184=5max", "--at", "10-20"],
      async ({ dir, code, err }) => {
        equal(code, 0, err);
        const { rows } = parseTable(await Deno.readTextFile(`${dir}/out/steering.csv`), "");
        await using page = await browser.open(new URL(`file://${dir}/out/report.html`).href, {});
        deepEqual(page.complaints, []);
        const text = await page.evaluate<string>("document.querySelector('main').innerText");
        deepEqual(text.match(/.*(NaN|undefined|Infinity).*/g), null);
        match(text, /layer 2: latent 184 at 5 × its maximum/);
        match(text, /Latents were steered at 11 of 66 residues\./);
        const changed = rows.filter(({ fields }) => fields.changed === "true").length;
        match(text, new RegExp(`Steering changes ${changed || "none"} of 66 predicted letters`));
        const tips = await page.evaluate<string[][][]>(TIPS);
        deepEqual(
          tips.map(([title, [, letters]]) => [`${title}`, letters]),
          rows.map(({ fields: f }) => [
            `${f.letter}${f.residue}`,
            `${f.predicted} → ${f.steered}`,
          ]),
        );
        tips.forEach((tip, i) => {
          const shown = number(tip[2][1]), exact = Number(rows[i].fields.divergence);
          // Three digits; two where there is a power of ten.
          const tolerance = exact < 1e-4 ? 0.06 : 0.006;
          ok(Math.abs(shown - exact) <= tolerance * Math.abs(exact), `${shown} for ${exact}`);
        });
      },
    ),
  { sanitize: false },
);

type Check = (browser: Browser, url: string, report: SteeringReport) => Promise<void>;

/** What the marks of the tracks say: a title, then names with values. */
const TIPS = `[...document.querySelectorAll(".tracks [data-tip]")].map((e) =>
  JSON.parse(e.dataset.tip))`;

/** As the page writes numbers. */
function number(text: string): number {
  const raised = (digits: string) =>
    [...digits].map((c) => c === "⁻" ? "-" : "⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(c)).join("");
  return Number(
    text.replaceAll("−", "-").replace(/ × 10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)/, (_, digits) => `e${raised(digits)}`),
  );
}

async function checkTracks(browser: Browser, url: string, report: SteeringReport) {
  await using page = await browser.open(url, {});
  equal(await page.evaluate("document.querySelector('h1').textContent"), report.title);
  const faults = await page.evaluate<string[]>(`
    [...document.querySelectorAll("svg [d], svg [cx], svg [x], svg [width]")]
      .filter((e) => [...e.attributes].some(({ value }) => /NaN|Infinity|undefined/.test(value)))
      .map((e) => e.outerHTML)`);
  deepEqual(faults, []);
  // Every letter by its place on the page, line by line.
  const letters = await page.evaluate<[number, number, string][]>(`
    [...document.querySelectorAll(".tracks svg")].flatMap((svg, row) =>
      [...svg.querySelectorAll(".letters")].flatMap((text) =>
        [...text.textContent].map((letter, i) => {
          const { x, width, y } = text.getExtentOfChar(i);
          return [1000 * row + x + width / 2, y, letter];
        })))`);
  const lines = [...new Set(letters.map(([, y]) => Math.round(y)))].sort((a, b) => a - b);
  equal(lines.length, 3);
  const line = (i: number) =>
    letters.filter(([, y]) => Math.round(y) === lines[i]).sort((a, b) => a[0] - b[0])
      .map(([, , letter]) => letter).join("");
  equal(line(0), report.protein.residues);
  equal(line(1), report.residues.map(({ before }) => before).join(""));
  equal(line(2), report.residues.map(({ after }) => after).join(""));
  const changed = await page.evaluate<string>(
    `[...document.querySelectorAll(".tracks .changed")].map((e) => e.textContent).join("")`,
  );
  equal(
    changed,
    report.residues.filter(({ before, after }) => before !== after).map(({ after }) => after)
      .join(""),
  );
  deepEqual(page.complaints, []);
  deepEqual(page.requests, [url]);
}

const shown = (page: Page) =>
  page.evaluate<{ title: string; texts: Record<string, string> }>(`{
    const texts = {};
    for (const dd of tooltip.querySelectorAll("dd")) texts[dd.dataset.name] = dd.textContent;
    ({ title: tooltip.hidden ? "" : tooltip.querySelector("strong").textContent, texts });
  }`);

async function checkMarks(browser: Browser, url: string, report: SteeringReport) {
  await using page = await browser.open(url, {});
  const chart = `document.querySelector(".tracks svg")`;
  await page.evaluate(`${chart}.scrollIntoView({ block: "center" })`);
  await page.settle();
  const boxes = await page.evaluate<{ x: number; y: number; width: number; height: number }[]>(
    `[...${chart}.querySelectorAll("[data-tip]")].map((e) => e.getBoundingClientRect().toJSON())`,
  );
  const named = async (i: number) => {
    const { letter, position, before, after, divergence } = report.residues[i];
    const { title, texts } = await shown(page);
    equal(title, `${letter}${position + report.protein.offset - 1}`);
    equal(texts.predicted, `${before} → ${after}`);
    ok(Math.abs(number(texts.divergence) - divergence) <= 0.06 * divergence);
  };
  // By a letter, and by a bar.
  await page.point(boxes[3].x + boxes[3].width / 2, boxes[3].y + boxes[3].height - 4);
  await named(3);
  await page.point(boxes[1].x + boxes[1].width / 2, boxes[1].y + 4);
  await named(1);
  await page.evaluate(`${chart}.focus({ focusVisible: true })`);
  await page.press("ArrowRight");
  await named(2);
  await page.press("End");
  await named(Math.min(70, report.residues.length) - 1);
  await page.press("Escape");
  equal((await shown(page)).title, "");
  const unnamed = await page.evaluate<number>(
    `document.querySelectorAll("svg:not([aria-label]):not([aria-hidden])").length`,
  );
  equal(unnamed, 0);
  deepEqual(page.complaints, []);
}

const TEXTS =
  "h1,.subtitle,.note,.finding,.facts,.hint,th,td:not(:empty),figcaption,.chart-keys,svg text";

async function checkWidths(browser: Browser, url: string) {
  await using page = await browser.open(url, { width: 688, media: "print", scheme: "dark" });
  equal(await page.evaluate(TOO_WIDE), 0);
  equal(
    await page.evaluate("getComputedStyle(document.body).backgroundColor"),
    "rgb(255, 255, 255)",
  );
  await page.look({ width: 390 });
  await page.settle();
  equal(await page.evaluate(TOO_WIDE), 0);
}
