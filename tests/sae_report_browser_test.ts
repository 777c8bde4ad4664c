/** The reports of sae patch, ig and circuit in a real browser: that they are whole, exact and linked. */
import { csvValue, parseTable } from "../lib/io/csv.ts";
import { entriesOf, type Entry, IG } from "../lib/causal/report/entries.ts";
import { renderSaeReport, type SaeReport } from "../lib/causal/report/sae_report.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import { checkSaved, checkWhole, figureBox } from "./page_checks.ts";
import { sampleSaeReport } from "./sae_report_sample.ts";
import { runSae } from "./sae_run.ts";

const hostile = `<img src=x onerror=alert(1)>"'&`;
const one = (kind: "patch" | "ig" | "circuit", length = 66, mutations = 3, layers = [8, 16, 24]) =>
  sampleSaeReport({
    ...{ proteins: [{ id: "EPHB2", length, mutations }], layers },
    ...{ nodes: 150, seed: 4 },
  }, kind);
const reports: Record<string, SaeReport> = {
  "patches at three layers": one("patch"),
  "attributions of three mutations": one("ig"),
  "circuits at one layer": one("circuit", 66, 3, [16]),
  "one mutation of 700 residues": one("ig", 700, 1, [16]),
  "two proteins": sampleSaeReport({
    proteins: [{ id: "EPHB2", length: 66, mutations: 2 }, {
      ...{ id: hostile, length: 40, mutations: 2 },
    }],
    ...{ layers: [8], nodes: 60, seed: 5 },
  }, "circuit"),
};
const TEXTS =
  "h1,.finding,.method,.caution,.masthead li,.caption,.told,.key,.ramp,.pick,select,dt,dd,th,td," +
  "button,summary,output";

browserTest(
  "renderSaeReport gives a page that a browser shows whole, exactly and linked",
  async (browser, dir, t) => {
    for (const [i, [name, report]] of Object.entries(reports).entries()) {
      const url = await writePage(dir, String(i), await renderSaeReport(report));
      const step = (what: string, check: (browser: Browser, url: string) => Promise<void>) =>
        t.step(`${name}: ${what}`, () => check(browser, url));
      await checkWhole(step, TEXTS);
      if (name === "two proteins") {
        await step("a mutation of the table opens its protein", checkFolded);
        continue;
      }
      await step("figures are saved", checkSaved);
      await step("the keyboard reaches every residue and latent", checkKeyboard);
      if (report.attributions) {
        const { attributions } = report;
        const entries = entriesOf(IG, attributions, report.metric, attributions.length);
        await step(
          "cells of the map have their attribution, and a click selects latent and residue",
          (browser, url) => checkMap(browser, url, entries, attributions[0].protein.residues),
        );
        if (entries.length > 1) {
          await step(
            "another mutation switches the view",
            (browser, url) => checkChoice(browser, url, entries),
          );
        }
      }
      if (report.patches) {
        await step(
          "latents stand beside their own controls",
          (browser, url) => checkRanked(browser, url, report),
        );
      }
    }
  },
);

/** The tooltip's title and exact values. */
const tipOf = (page: Page) =>
  page.evaluate<{ title: string; exact: Record<string, string> }>(`{
    const exact = {};
    for (const said of document.querySelectorAll("#tip [data-fact]")) {
      exact[said.dataset.fact] = said.dataset.exact;
    }
    ({ title: document.querySelector("#tip b")?.textContent ?? "", exact });
  }`);

const textOf = (page: Page, selector: string) =>
  page.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).textContent`);

/** Chooses in the menu of mutations. */
const pick = (page: Page, at: number) =>
  page.evaluate(`{
    const select = document.querySelector("[data-pick=entry]");
    if (select) { select.value = "${at}"; select.dispatchEvent(new Event("change")); }
  }`);

/** Layout of the map, as the figure has it. */
const TOP = 14, BOTTOM = 36, END = 30, RIGHT = 6;

async function checkMap(browser: Browser, url: string, entries: readonly Entry[], letters: string) {
  await using page = await browser.open(url, { width: 1280 });
  const at = entries.length - 1, { rows, nodes } = entries[at], { length } = letters;
  await pick(page, at);
  await page.evaluate(`document.querySelector("[data-do=all]").click()`);
  const tokens = nodes.map(([, token]) => token);
  const names = rows.map((latent) => latent < 0 ? "error" : String(latent));
  for (const [latent, token, ...values] of [...nodes.slice(-4), nodes[0]]) {
    const box = await figureBox(page, "map"), row = rows.indexOf(latent);
    const left = 16 + 6.8 * Math.max(6, ...names.map((name) => name.length));
    const from = left + (tokens.includes(0) ? END : 0);
    const to = box.width - RIGHT - (tokens.includes(length + 1) ? END : 0);
    const x = token === 0
      ? left + END / 2 - 3
      : token > length
      ? to + END / 2 + 3
      : from + (token - 0.5) / length * (to - from);
    const y = TOP + (row + 0.5) * (box.height - TOP - BOTTOM) / rows.length;
    await page.point(box.x + x, box.y + y);
    const { title, exact } = await tipOf(page);
    const place = token === 0
      ? "<cls>"
      : token > length
      ? "<eos>"
      : `${letters[token - 1]}${token + 10}`;
    equal(title, `${latent < 0 ? "error terms" : `latent ${latent}`} at ${place}`);
    ["attribution", "delta", "share"].forEach((name, c) =>
      equal(csvValue(Number(exact[name])), csvValue(values[c]), `${title} ${name}`)
    );
    await page.click(box.x + x, box.y + y);
    await page.settle();
    if (place.startsWith("<")) continue;
    const readout = await textOf(page, ".readout");
    match(
      readout,
      new RegExp(`^${place}( mutated)? · ${latent < 0 ? "error terms" : `latent ${latent}`}: `),
    );
    const chosen = await page.evaluate<string[]>(
      `[...document.querySelectorAll("[data-table=nodes] .chosen")]
        .map((row) => row.cells[0].textContent + " " + row.cells[1].textContent)`,
    );
    const isListed = entries[at].listed.some((n) =>
      nodes[n][0] === latent && nodes[n][1] === token
    );
    if (isListed) {
      deepEqual(chosen, [`${latent < 0 ? "error terms" : `latent ${latent}`} ${place}`]);
    }
  }
  // Without a latent the bar has the sum of what is drawn.
  await page.evaluate(`document.querySelector("[data-do=every]").click()`);
  match(await textOf(page, ".readout"), /sum over the latents drawn: /);
  deepEqual(page.complaints, []);
}

async function checkChoice(browser: Browser, url: string, entries: readonly Entry[]) {
  await using page = await browser.open(url, { width: 1280 });
  const strongest = await textOf(page, "[data-view] [data-text=answer]");
  const at = entries.findIndex(({ answer }) => answer !== strongest);
  await pick(page, at);
  await page.settle();
  equal(await textOf(page, "[data-view] [data-text=answer]"), entries[at].answer);
  equal(
    await textOf(page, "[data-view] [data-text=entry]"),
    `${entries[at].mutation}, layer ${entries[at].layer}`,
  );
  const [first] = entries[at].listed.map((n) => entries[at].nodes[n]);
  const shown = await textOf(page, "[data-table=nodes] tbody button");
  equal(shown, first[0] < 0 ? "error terms" : `latent ${first[0]}`);
  // The table of all mutations leads to the same.
  await page.evaluate(`document.querySelector("[data-go]").click()`);
  await page.settle();
  equal(await textOf(page, "[data-view] [data-text=answer]"), strongest);
  deepEqual(page.complaints, []);
}

async function checkRanked(browser: Browser, url: string, { patches }: SaeReport) {
  await using page = await browser.open(url, { width: 1280 });
  await pick(page, 0);
  await page.settle();
  const { rows, protein } = patches![0];
  const real = rows.filter(({ kind }) => kind === "real").map((row) => ({
    row,
    change: row.patched - row.baseline,
  })).sort((a, b) => Math.abs(b.change) - Math.abs(a.change));
  const box = await figureBox(page, "ranked"), tall = (box.height - 46) / real.length;
  for (const [k, { row, change }] of real.entries()) {
    await page.point(box.x + 2, box.y + 6 + (k + 0.5) * tall);
    const { title, exact } = await tipOf(page);
    const place = `${protein.residues[row.token - 1]}${row.token + 10}`;
    equal(title, `latent ${row.latent} at ${place}`);
    equal(Number(exact.change), change);
    equal(Number(exact.delta), row.delta);
    equal(Number(exact["patched score"]), row.patched);
  }
  await page.click(box.x + 2, box.y + 6 + 1.5 * tall);
  await page.settle();
  const chosen = await page.evaluate<string[]>(
    `[...document.querySelectorAll("[data-table=nodes] .chosen button")].map((b) => b.textContent)`,
  );
  deepEqual(chosen, [`latent ${real[1].row.latent}`]);
  // Controls have a row each in the groups, and are saved beside the others.
  const groups = await figureBox(page, "groups");
  ok(groups.height > 150);
  deepEqual(page.complaints, []);
}

async function checkKeyboard(browser: Browser, url: string) {
  await using page = await browser.open(url, {});
  const bar = `document.querySelector("[role=slider]")`;
  await page.evaluate(`document.querySelector("[data-do=all]").click(); ${bar}.focus()`);
  const value = async () => Number(await page.evaluate(`${bar}.getAttribute("aria-valuenow")`));
  const last = Number(await page.evaluate(`${bar}.getAttribute("aria-valuemax")`));
  for (
    const [key, expected] of [["Home", 11], ["ArrowRight", 12], ["PageUp", 22], [
      "End",
      last,
    ]] as const
  ) {
    await page.press(key);
    equal(await value(), expected, key);
  }
  await page.press("Escape");
  equal(await page.evaluate(`${bar}.getAttribute("aria-valuetext")`), "no residue selected");
  // The latents are buttons of the table.
  await page.evaluate(`document.querySelector("[data-table=nodes] button").click()`);
  await page.settle();
  equal(await page.evaluate(`document.querySelectorAll("[data-table=nodes] .chosen").length`), 1);
  ok(await value() > 10);
  deepEqual(page.complaints, []);
}

async function checkFolded(browser: Browser, url: string) {
  await using page = await browser.open(url, {});
  const drawn = `document.querySelectorAll("[data-view] canvas").length`;
  equal(await page.evaluate(drawn), 0);
  const [number, entry] = await page.evaluate<number[]>(`{
    const button = [...document.querySelectorAll("[data-go]")].find(({ dataset }) => dataset.go === "2:1");
    button.click();
    button.dataset.go.split(":").map(Number);
  }`);
  await page.evaluate("new Promise((r) => setTimeout(r, 500))");
  ok(await page.evaluate<number>(drawn) >= 4);
  const fold = `document.getElementById("protein-${number}")`;
  equal(await page.evaluate(`${fold}.open`), true);
  equal(
    await page.evaluate(`${fold}.querySelector("[data-pick=entry]").value`),
    String(entry),
  );
  deepEqual(page.complaints, []);
}

const MUTATIONS = [
  ...["--mutations", "V2N,Q20P:E19Y", "--layers", "1,2", "--backend", "cpu", "--quiet"],
];
const FILES = { patch: "patches", ig: "attributions", circuit: "circuit_nodes" };
const ANSWERS = {
  patch:
    /^At \d of 4 mutations at a layer a latent changes the score more than every random control/,
  ig: /^In the median mutation 20 latents at residues hold \d+\u202f% of all attribution, /,
  circuit: /^To restore 70\u202f% of the effect takes a median of [\d.]+ of \d+ nodes; as many at /,
};

for (const name of ["patch", "ig", "circuit"] as const) {
  browserTest(
    `sae ${name} writes a report that a browser shows as its tables have it`,
    (browser) =>
      runSae([name, ...MUTATIONS], async ({ dir, code, err }) => {
        equal(code, 0, err);
        const table = await Deno.readTextFile(`${dir}/out/${FILES[name]}.csv`);
        const { rows } = parseTable(table, "");
        await using page = await browser.open(new URL(`file://${dir}/out/report.html`).href, {});
        deepEqual(page.complaints, []);
        match(await textOf(page, ".caution"), /demon/);
        match(await textOf(page, ".finding"), ANSWERS[name]);
        const text = await page.evaluate<string>("document.querySelector('main').innerText");
        deepEqual(text.match(/.*(NaN|undefined|Infinity).*/g), null);
        deepEqual(text.match(/[-−]0(\.0+)?( |$)/gm), null, "nothing has no sign");
        match(await textOf(page, "main"), /Loss recovered/);
        // Every digit of every node that the page has is the table's.
        const { columns, entries } = await page.evaluate<{ columns: string[]; entries: Entry[] }>(
          `JSON.parse(document.querySelector("[data-view] [data-name=data]").textContent)`,
        );
        equal(entries.length, 4);
        const latentOf = (latent: number) => latent < 0 ? "error" : String(latent);
        let compared = 0;
        for (const { mutation, layer, nodes } of entries) {
          const own = rows.map(({ fields }) => fields).filter((fields) =>
            fields.mutation === mutation && Number(fields.layer) === layer &&
            (name !== "patch" || fields.control === "real")
          );
          for (const [latent, token, ...values] of nodes) {
            const place = token === 0 ? "<cls>" : token === 82 ? "<eos>" : String(token);
            const fields = own.find((one) =>
              one.latent === latentOf(latent) && one.residue === place
            )!;
            columns.forEach((column, c) => equal(csvValue(values[c]), fields[column], column));
            compared++;
          }
        }
        ok(compared >= 10, `${compared} nodes`);
      }),
    { sanitize: false },
  );
}
