import { evaluate } from "../lib/contacts/evaluate.ts";
import { truthFromStructure } from "../lib/contacts/truth.ts";
import type { ContactResult } from "../lib/contacts/types.ts";
import { renderContactReport } from "../lib/contacts/report/report.ts";
import { backbonePdb } from "../lib/structure/molecules.ts";
import { chainLetters, structureOf } from "../lib/structure/structure.ts";
import { finding } from "../lib/contacts/report/finding.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { checkAccessible } from "./axe.ts";
import { browserTest, writePage } from "./browser.ts";
import {
  checkContrast,
  checkPage,
  checkPreferences,
  checkSaved,
  figureBox,
} from "./page_checks.ts";
import { helix, random } from "./report_sample.ts";

async function sample(id: string): Promise<ContactResult> {
  const residues = "A".repeat(40), structure = await structureOf(helix(40), "helix.pdb");
  const { truth } = truthFromStructure({ id, residues }, structure, { cutoff: 12 });
  const next = random(3), map = new Float32Array(1600);
  for (let i = 0; i < 40; i++) {
    for (let j = 0; j < i; j++) map[i * 40 + j] = map[j * 40 + i] = next() ** 3;
  }
  const point = (flank: number) => ({ flank, unmasked: 10 + 2 * flank, recovery: flank / 10 });
  const curve = [0, 5, 10].map(point);
  return {
    id,
    residues,
    map,
    truth,
    scores: evaluate(map, truth),
    baseline: { name: "covariance", map, scores: evaluate(map, truth) },
    heads: [{ layer: 1, head: 2, precisionL: [0.1, 0.2, 0.3] }],
    motif: [{
      unit: {
        set: "pair_15_100",
        blocks: [{ begin: 1, end: 12 }, { begin: 20, end: 31 }],
        elements: [{ kind: "E", begin: 4, end: 10 }, { kind: "H", begin: 20, end: 30 }],
        weight: 3,
      },
      curves: { flanks: curve, random: curve, random_far: [] },
      minimalLength: 20,
    }],
  };
}

const run = { record: { command: "contacts" }, input: "i", options: "o", files: ["contacts.csv"] };
const page = async (...results: ContactResult[]) =>
  await renderContactReport({
    notes: ["</script><script>alert(1)</script>"],
    ...{ method: "head", results, drawn: results, run },
  });

Deno.test("renderContactReport() escapes what it is given and packs the viewer once", async () => {
  const html = await page(await sample('<img src="x">'));
  ok(!html.includes("<img") && !html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  // 3Dmol.js packs to 230 kB; everything else of this page is small.
  ok(html.length > 250_000 && html.length < 400_000, String(html.length));
  const { truth: _, scores: _scores, ...bare } = await sample("bare");
  ok((await page(bare)).length < 130_000, "no viewer without a structure");
});

Deno.test("backbonePdb() is a structure of the same residues at the same places", async () => {
  const { chains: [chain] } = await structureOf(helix(40), "helix.pdb");
  const { chains: [again] } = await structureOf(backbonePdb(chain), "again.pdb");
  equal(chainLetters(again), chainLetters(chain));
  deepEqual(again.residues.map(({ alpha }) => alpha), chain.residues.map(({ alpha }) => alpha));
});

Deno.test("the finding is made from the scores, with what chance gives", async () => {
  const result = await sample("helix"), { answer, method } = finding(result, "head");
  const scored = result.scores!.findLast(({ precisionL }) => !Number.isNaN(precisionL))!;
  match(answer, new RegExp(`^(None|\\d+) of the 40 highest ${scored.range}-range pairs touch`));
  match(answer, /against \d+\u202f% by chance; (none|\d+) of the 8 highest do(es)?\.$/);
  match(method!, /There are \d+ true contacts at least 6 residues apart/);
  const { truth: _, scores: _scores, ...bare } = result;
  match(
    finding(bare, "head").answer,
    /long-range pairs? ha(s|ve) a contact probability above one half/,
  );
  match(
    finding(bare, "jacobian").answer,
    /^The highest long-range pair is A\d+ – A\d+, with a score/,
  );
});

browserTest(
  "renderContactReport gives a page that a browser shows whole, offline, in light and dark",
  async (browser, dir, t) => {
    const result = await sample("helix");
    result.map[3 * 40 + 35] = result.map[35 * 40 + 3] = -0.36;
    const url = await writePage(dir, "r", await page(result));
    const many = await writePage(dir, "many", await page(result, { ...result, id: "second" }));
    await t.step("nothing is loaded or complained of; wide, narrow and on paper", async () => {
      await checkPage(browser, url);
      await checkPage(browser, many);
    });
    await t.step(
      "text is legible",
      () => checkContrast("h1,.finding,.method,.caption,.key,th,td,button,dt,dd", 20)(browser, url),
    );
    await t.step("an accessibility checker finds nothing", async () => {
      await using view = await browser.open(url, {});
      await checkAccessible(view);
    });
    await t.step("figures are saved", () => checkSaved(browser, url));
    await t.step(
      "forced colours and reduced motion are heeded",
      () => checkPreferences(browser, url),
    );
    await t.step("a click on the map selects the pair in bar, structure and table", async () => {
      await using view = await browser.open(url, { width: 1280 });
      const box = await figureBox(view, "map");
      const side = Math.min(box.width - 62, box.height - 54);
      const click = async (i: number, j: number) => {
        const [x, y] = [box.x + 58 + (j - 0.5) / 40 * side, box.y + 4 + (i - 0.5) / 40 * side];
        await view.point(x, y);
        await view.click(x, y);
        await view.settle();
        return await view.evaluate<Record<string, string>>(
          `Object.fromEntries([...document.querySelectorAll("#tip [data-fact]")]
             .map((said) => [said.dataset.fact, said.dataset.exact]))`,
        );
      };
      const shown = await click(11, 31);
      const value = result.map[10 * 40 + 30];
      // Every digit of a float32, below zero too.
      ok(Math.abs(Number(shown.probability) - value) <= 1e-6 * Math.abs(value), shown.probability);
      equal((await click(4, 36)).probability, String(Math.fround(-0.36)));
      await click(11, 31);
      equal(shown.separation, "20");
      const { points } = result.truth!, a = points![10]!, b = points![30]!;
      const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
      equal(shown["in the structure"], "A/11 A/31");
      equal(shown.distance, `${distance.toFixed(1)}\u202fÅ`);
      const readout = await view.evaluate<string>(`document.querySelector(".readout").textContent`);
      match(readout, /^A11 – A31 · probability .* in the structure A\/11 A\/31/);
      // A row of the table selects as well, and is marked.
      const pair = await view.evaluate<string>(
        `{ const row = document.querySelector("[data-table=pairs] tbody tr"); row.querySelector("button").click();
           row.querySelector("button").textContent; }`,
      );
      await view.settle();
      match(
        await view.evaluate<string>(`document.querySelector(".readout").textContent`),
        new RegExp(`^${pair}`),
      );
      equal(await view.evaluate(`document.querySelectorAll("tr.chosen").length`), 1);
      // Fewer pairs on view.
      await view.evaluate(`document.querySelector("[data-share='0.2']").click()`);
      equal(
        await view.evaluate(`document.querySelectorAll("[data-table=pairs] tbody tr").length`),
        8,
      );
      const stage = await view.evaluate<number>(
        `document.querySelectorAll("[data-figure=structure] canvas").length`,
      );
      ok(stage >= 1);
      deepEqual(view.complaints.filter((text) => !/WebGL|GL Driver/.test(text)), []);
    });
    await t.step("without WebGL the structure is a trace that turns", async () => {
      const html = await page(result);
      const bare = await writePage(
        dir,
        "bare",
        html.replace(
          "<script>",
          "<script>HTMLCanvasElement.prototype.getContext = ((own) => function (kind, ...more) { return kind === '2d' ? own.call(this, kind, ...more) : null; })(HTMLCanvasElement.prototype.getContext);</script><script>",
        ),
      );
      await using view = await browser.open(bare, { width: 1280 });
      const picture = () =>
        view.evaluate<string>(
          `document.querySelector("[data-figure=structure] > canvas").toDataURL()`,
        );
      const before = await picture();
      await view.evaluate(`document.querySelector("[data-figure=structure] > canvas").focus()`);
      await view.press("ArrowRight");
      await view.settle();
      ok(before !== await picture());
      deepEqual(view.complaints, []);
    });
  },
);

Deno.test("pages of long proteins stay within their sizes", async () => {
  const map = (length: number) => {
    const next = random(5), found = new Float32Array(length * length);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < i; j++) found[i * length + j] = found[j * length + i] = next() ** 8;
    }
    return found;
  };
  const sizeOf = async (length: number) =>
    (await page({ id: "p", residues: "A".repeat(length), map: map(length) })).length;
  const [short, long] = [await sizeOf(412), await sizeOf(3000)];
  ok(short < 1_000_000, `${short} bytes`);
  ok(long < 5_000_000, `${long} bytes`);
});
