/** The page of encoded proteins. */
import type { ProteinLatents } from "../lib/sae/encode/encode.ts";
import { encodedProtein, surveyDots } from "../lib/sae/encode/report/data.ts";
import { finding, findingOverall } from "../lib/sae/encode/report/finding.ts";
import { renderEncodeReport } from "../lib/sae/encode/report/report.ts";
import { LatentSurvey } from "../lib/sae/encode/survey.ts";
import { topLatents } from "../lib/sae/encode/top_latents.ts";
import type { SaeConfig } from "../lib/sae/types.ts";
import { fitChain } from "../lib/structure/fit.ts";
import { shapeOf } from "../lib/structure/shape.ts";
import { structureOf } from "../lib/structure/structure.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { checkAccessible } from "./axe.ts";
import { browserTest, writePage } from "./browser.ts";
import { checkContrast, checkPage, checkSaved, figureBox } from "./page_checks.ts";
import { helix, random } from "./report_sample.ts";

const LATENTS = 200;
const config: SaeConfig = {
  ...{ name: "made-up:l2", dModel: 8, latents: LATENTS, depth: 2, afterFinalNorm: false, k: 4 },
  normalisation: "none",
};
const quality = { fvu: 0.0331, lossRecovered: 0.98 };

/** `k` latents a residue; latent 7 is the strongest, at every A, and latent 9 fires at most residues. */
function sample(id: string, letters: string, { k = 4, latents = LATENTS, seed = 1 } = {}) {
  const next = random(seed), rows = letters.length;
  const entries = [...letters].map((letter) => {
    const found = new Map<number, number>();
    if (letter === "A") found.set(7, Math.fround(5 + next()));
    if (next() < 0.8) found.set(9, Math.fround(0.3 + next()));
    while (found.size < k) {
      found.set(10 + Math.floor(next() * (latents - 10)), Math.fround(0.01 + next()));
    }
    return [...found].sort(([a], [b]) => a - b);
  });
  const offsets = new Uint32Array(rows + 1);
  entries.forEach((row, r) => offsets[r + 1] = offsets[r] + row.length);
  const protein: ProteinLatents = {
    ...{ id, letters },
    latents: {
      ...{ rows, latents, offsets },
      indices: Uint32Array.from(entries.flatMap((row) => row.map(([latent]) => latent))),
      values: Float32Array.from(entries.flatMap((row) => row.map(([, value]) => value))),
    },
  };
  return protein;
}

const LETTERS = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRV";

async function shapeFor(id: string, residues: string) {
  const structure = await structureOf(helix(residues.length), "helix.pdb");
  // Alanines of the made-up helix stand for whatever the sequence has.
  const own = { ...structure.chains[0] };
  own.residues = own.residues.map((residue, i) => ({
    ...residue,
    letter: residues[i < 4 ? i : i + 1],
  }));
  const { chain, toChain } = fitChain({ id, residues }, { ...structure, chains: [own] });
  return shapeOf("helix.pdb", chain, toChain);
}

const run = { record: { command: "sae encode" }, input: "i", options: "o", files: ["latents.csv"] };
const page = (proteins: readonly ReturnType<typeof encodedProtein>[], survey?: LatentSurvey) =>
  renderEncodeReport({
    notes: ["</script><script>alert(1)</script>"],
    ...{ config, quality, drawn: proteins, survey, run },
  });

Deno.test("encodedProtein() keeps the strongest latents whole, as many as there is room for", () => {
  const protein = sample("p", LETTERS), all = topLatents(protein, Infinity);
  const whole = encodedProtein(protein);
  deepEqual(whole.top, all);
  equal(whole.values.length, protein.latents.values.length);
  deepEqual([whole.seen, whole.entries], [all.length, 160]);
  equal(whole.wide, all.filter(({ residues }) => residues.length > 20).length);
  // Each latent's values are those of its residues.
  let at = 0;
  for (const { latent, residues, max } of whole.top) {
    let most = 0;
    for (const residue of residues) {
      const { offsets, indices, values } = protein.latents;
      const e = indices.subarray(offsets[residue - 1], offsets[residue]).indexOf(latent);
      equal(whole.values[at++], values[offsets[residue - 1] + e]);
      most = Math.max(most, values[offsets[residue - 1] + e]);
    }
    equal(most, max);
  }
  const few = encodedProtein(protein, undefined, 20);
  equal(few.top[0].latent, 7);
  ok(few.values.length <= 20 && few.seen === all.length);
});

Deno.test("LatentSurvey counts and ranks as all proteins together say", () => {
  const next = random(4), survey = new LatentSurvey(LATENTS);
  const proteins = Array.from({ length: 15 }, (_, p) => {
    const letters = Array.from(
      { length: 5 + Math.floor(60 * next()) },
      () => "ACDEFGHIKLMNPQRSTVWY"[Math.floor(20 * next())],
    ).join("");
    return sample(`p${p}`, letters, { seed: p });
  });
  proteins.forEach((protein) => survey.add(protein));
  const tops = proteins.map((protein) => topLatents(protein, Infinity));
  let seen = 0;
  for (let latent = 0; latent < LATENTS; latent++) {
    const own = tops.flatMap((top, p) =>
      top.filter((one) => one.latent === latent).map((one) => ({ ...one, p }))
    );
    seen += Number(own.length > 0);
    equal(survey.proteins[latent], own.length);
    equal(survey.active[latent], own.reduce((sum, { residues }) => sum + residues.length, 0));
    const best = own.toSorted((a, b) => b.max - a.max || a.p - b.p).slice(0, 6);
    const places = survey.places(latent);
    deepEqual(
      places.map(({ protein, id, residue, value }) => [protein, id, residue, value]),
      best.map(({ p, maxResidue, max }) => [p, `p${p}`, maxResidue, max]),
    );
    for (const { protein, residue, letters, steps, value } of places) {
      const whole = " ".repeat(10) + proteins[protein].letters + " ".repeat(10);
      equal(letters, whole.slice(residue - 1, residue + 20));
      equal(steps[10], 255);
      const { offsets, indices, values } = proteins[protein].latents;
      steps.forEach((step, k) => {
        const near = residue + k - 11;
        if (near < 0 || near >= proteins[protein].letters.length) return equal(step, 0);
        const e = indices.subarray(offsets[near], offsets[near + 1]).indexOf(latent);
        equal(step, e < 0 ? 0 : Math.max(1, Math.round(255 * values[offsets[near] + e] / value)));
      });
    }
  }
  equal(survey.seen, seen);
});

Deno.test("the finding says which latent fires highest, the plural right, and what was measured", () => {
  const protein = encodedProtein(sample("p", LETTERS)), [best] = protein.top;
  const { answer, method } = finding(protein, config, quality);
  equal(
    answer,
    `Latent 7 fires highest, ${best.max.toFixed(2)} at A${best.maxResidue}; ` +
      `1 latent fires at more than half of the residues.`,
  );
  match(method!, /^It fires at 3 residues, all of them A \(7\.5\u202f% of all residues are\)\./);
  match(method!, /\d+ of 200 latents fire, 4\.0 a residue on average\./);
  match(method!, /leaves 3\.3\u202f% of the variance unexplained and recovers 0\.98 of the loss/);
  match(finding({ ...protein, wide: 0 }, config, quality).answer, /no latent fires at more/);
  match(finding({ ...protein, wide: 1200 }, config, quality).answer, /1,200 latents fire at more/);
  equal(
    finding({ ...protein, top: [] }, config, undefined).answer,
    "None of the 200 latents fires at any residue.",
  );
  match(
    finding(protein, config, undefined).method!,
    /How well .* layer 2 fits was not measured\.$/,
  );
  const survey = new LatentSurvey(LATENTS);
  for (const letters of [LETTERS, "AAAA", "WWWW"]) survey.add(sample("p", letters));
  const dots = surveyDots(survey);
  const overall = findingOverall(survey, dots, config, quality);
  const every = [...survey.proteins].filter((count) => count === 3).length;
  const alone = [...survey.proteins].filter((count) => count === 1).length;
  const say = (count: number) => count === 0 ? "none" : String(count);
  equal(
    overall.answer,
    `${survey.seen} of 200 latents fire in 3 proteins: ${say(every)} in every one, ${
      say(alone)
    } in one alone.`,
  );
  match(
    overall.method!,
    /^Each fires in \d\.\d proteins on average; if its residues were scattered/,
  );
});

Deno.test("renderEncodeReport() escapes what it is given, warns of what does not fit", async () => {
  const html = await page([encodedProtein(sample('<img src="x">', LETTERS))]);
  ok(!html.includes("<img") && !html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  ok(!html.includes("of the variance is unexplained"));
  const poor = await renderEncodeReport({
    ...{ notes: [], config, quality: { fvu: 0.9, lossRecovered: 0.2 }, run },
    drawn: [encodedProtein(sample("p", LETTERS))],
  });
  match(poor, /0\.90 of the variance is unexplained, only 0\.20 of the loss is recovered/);
});

Deno.test("pages of encoded proteins stay within a megabyte a protein", async () => {
  const letters = (length: number) => "ACDEFGHIKLMNPQRSTVWY".repeat(200).slice(0, length);
  const size = async (length: number, k: number) => {
    const protein = sample("p", letters(length), { k, latents: 4096 });
    const shape = await shapeFor("p", letters(length));
    return (await page([encodedProtein(protein, shape)])).length;
  };
  // 64 latents a residue as InterProt has, with a structure and its viewer.
  const [usual, long, dense] = [await size(412, 64), await size(3000, 64), await size(1022, 400)];
  for (const bytes of [usual, long, dense]) ok(bytes < 1_000_000 + 350_000, `${bytes} bytes`);
  ok(usual < 1_000_000, `${usual} bytes`);
});

browserTest(
  "the page of encoded proteins is whole, offline, and its figures follow one choice",
  async (browser, dir, t) => {
    const protein = sample("helix", LETTERS), shape = await shapeFor("helix", LETTERS);
    const encoded = encodedProtein(protein, shape);
    const url = await writePage(dir, "one", await page([encoded]));
    const survey = new LatentSurvey(LATENTS);
    const others = ["MKAAWWYFLLAVV", "AKRWAGGAPL"].map((letters, i) =>
      sample(`other-${i}`, letters, { seed: i + 5 })
    );
    for (const one of [protein, ...others]) survey.add(one);
    const many = await writePage(
      dir,
      "many",
      await page([encoded, ...others.map((one) => encodedProtein(one))], survey),
    );
    await t.step("nothing is loaded or complained of; wide, narrow and on paper", async () => {
      await checkPage(browser, url);
      await checkPage(browser, many);
    });
    await t.step(
      "text is legible",
      () => checkContrast("h1,.finding,.method,.caption,.key,th,td,button,dt,dd", 20)(browser, url),
    );
    await t.step("an accessibility checker finds nothing", async () => {
      for (const address of [url, many]) {
        await using view = await browser.open(address, {});
        await view.evaluate(`document.querySelector("details.protein")?.setAttribute("open", "")`);
        await view.settle();
        await checkAccessible(view);
      }
    });
    await t.step("figures are saved", () => checkSaved(browser, url));
    await t.step(
      "a click on a row selects the latent in tables, letters and structure",
      async () => {
        await using view = await browser.open(url, { width: 1280 });
        const text = (selector: string) =>
          view.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).textContent`);
        const tips = () =>
          view.evaluate<Record<string, string>>(
            `Object.fromEntries([...document.querySelectorAll("#tip [data-fact]")]
             .map((said) => [said.dataset.fact, said.dataset.exact]))`,
          );
        const [, second] = encoded.top;
        const box = await figureBox(view, "rows");
        const left = 146, residue = second.maxResidue;
        const x = box.x + left + (residue - 0.5) / 40 * (box.width - left - 4);
        await view.point(x, box.y + 26 * 1.5);
        await view.click(x, box.y + 26 * 1.5);
        await view.settle();
        const { max } = second;
        equal(Math.fround(Number((await tips())[`latent ${second.latent}`])), max);
        equal(await text(".panel:has([data-figure=letters]) h2 b"), `Latent ${second.latent}`);
        equal(await text(".panel:has([data-figure=structure]) h2 b"), `Latent ${second.latent}`);
        equal(await text("[data-table=numbers] tr.chosen button"), String(second.latent));
        equal(await text("[data-table=at] tr.chosen button"), String(second.latent));
        match(
          await text(".readout"),
          new RegExp(`^${LETTERS[residue - 1]}${residue} · latent ${second.latent} `),
        );
        // What is strongest at the residue is listed first, whole.
        const { offsets, indices, values } = protein.latents;
        const here = [...indices.subarray(offsets[residue - 1], offsets[residue])]
          .map((latent, e) => [latent, values[offsets[residue - 1] + e]])
          .sort(([a, p], [b, q]) => q - p || a - b);
        deepEqual(
          await view.evaluate(
            `[...document.querySelectorAll("[data-table=at] tbody tr")].map((row) => [
             Number(row.querySelector("button").textContent), Math.fround(Number(row.cells[2].title))])`,
          ),
          here,
        );
        // The letters' tooltip has the table's number; a residue that is silent has 0.
        const letters = await figureBox(view, "letters");
        const at = (n: number) => letters.x + 44 + (n - 0.5) / 40 * (letters.width - 50);
        await view.point(at(residue), letters.y + 40);
        equal(Math.fround(Number((await tips())[`latent ${second.latent}`])), max);
        const silent = [...Array(40).keys()].find((i) => !second.residues.includes(i + 1))! + 1;
        await view.point(at(silent), letters.y + 40);
        equal((await tips())[`latent ${second.latent}`], "0");
        deepEqual(view.complaints.filter((said) => !/WebGL|GL Driver/.test(said)), []);
      },
    );
    await t.step("the keyboard reaches latents and residues", async () => {
      await using view = await browser.open(url, { width: 1280 });
      const chosen = () =>
        view.evaluate<string>(
          `document.querySelector("[data-table=numbers] tr.chosen button").textContent`,
        );
      await view.evaluate(`document.querySelector("[data-figure=rows] canvas").focus()`);
      await view.press("ArrowDown");
      await view.press("ArrowDown");
      await view.press("ArrowUp");
      equal(await chosen(), String(encoded.top[1].latent));
      await view.evaluate(`document.querySelector("[data-do=next]").click()`);
      equal(await chosen(), String(encoded.top[2].latent));
      await view.evaluate(`document.querySelector("[data-figure=bar] canvas").focus()`);
      await view.press("End");
      await view.settle();
      match(
        await view.evaluate(
          `document.querySelector("[data-figure=bar] canvas").getAttribute("aria-valuetext")`,
        ),
        new RegExp(`^V40 · latent ${encoded.top[2].latent} `),
      );
      // A latent that is no row at first becomes one: the weakest here.
      const weak = await view.evaluate<string>(
        `{ const button = [...document.querySelectorAll("[data-table=at] button")].at(-1);
           button.click(); button.textContent; }`,
      );
      await view.settle();
      equal(
        await view.evaluate(
          `document.querySelector(".panel:has([data-figure=letters]) b").textContent`,
        ),
        `Latent ${weak}`,
      );
      ok(encoded.top.findIndex(({ latent }) => latent === Number(weak)) >= 14);
    });
    await t.step("the same latent in other proteins, and all proteins in a picture", async () => {
      await using view = await browser.open(many, { width: 1280 });
      await view.evaluate(`location.hash = "#protein-1"`);
      for (let i = 0; i < 50; i++) {
        if (await view.evaluate(`document.querySelector(".elsewhere tbody tr") !== null`)) break;
        await view.settle();
      }
      const rows = await view.evaluate<string[][]>(
        `[...document.querySelectorAll("#protein-1 .elsewhere tbody tr")].map((row) =>
           [row.cells[0].textContent, row.cells[1].textContent, row.cells[2].title])`,
      );
      const expected = others.map((one) => ({ one, top: topLatents(one, 1)[0] }))
        .sort((a, b) => b.top.max - a.top.max);
      deepEqual(
        rows.map(([id, at, value]) => [id, at, Math.fround(Number(value))]),
        expected.map(({ one, top }) => [
          ...[one.id, `A${top.maxResidue}`],
          top.max,
        ]),
      );
      const dots = surveyDots(survey);
      await view.evaluate(`document.querySelector("[data-order=common]").click()`);
      const first = await view.evaluate<string[]>(
        `[...document.querySelector("[data-table=survey] tbody tr").cells].map((cell) => cell.textContent)`,
      );
      const most = dots.toSorted((a, b) => b[2] - a[2] || b[1] - a[1])[0];
      deepEqual(first.slice(0, 4), [
        ...[String(most[0]), String(most[2])],
        ...[most[3].toFixed(1), String(most[1])],
      ]);
      await view.evaluate(`document.querySelector("[data-table=survey] button").click()`);
      equal(await view.evaluate(`document.querySelectorAll("[data-summary] tr.chosen").length`), 1);
      deepEqual(view.complaints.filter((said) => !/WebGL|GL Driver/.test(said)), []);
    });
  },
);
