/** The report of `fold`: its sentences, and that a browser shows it whole, exact and linked. */
import { finding, findingOverall } from "../lib/fold/report/finding.ts";
import { renderFoldReport } from "../lib/fold/report/report.ts";
import { classOf } from "../lib/fold/result.ts";
import { execute } from "../lib/cli/main.ts";
import { command } from "../tasks/fold.ts";
import { readCsv } from "./analyze_run.ts";
import { deepEqual, equal, match, ok } from "./assert.ts";
import { type Browser, browserTest, type Page, writePage } from "./browser.ts";
import { fixturePath } from "./fixtures.ts";
import { sampleFold, sampleFoldReport } from "./fold_report_sample.ts";
import { checkPage, checkSaved, checkWhole, figureBox, OF_DRIVERS } from "./page_checks.ts";

const TEXTS =
  "h1,.finding,.method,.masthead li,.caption,.key,.ramp,dt,dd,th,td,button,summary,output";
const hostile = `<img src=x onerror=alert(1)>"'&`;

Deno.test("renderFoldReport() escapes what it is given and packs the viewer once", async () => {
  const html = await renderFoldReport(
    sampleFoldReport([{ id: hostile }], ["</script><script>alert(1)</script>"]),
  );
  ok(!html.includes("<img") && !html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  ok(html.length > 250_000 && html.length < 420_000, String(html.length));
  // Maps of long proteins are steps, some pairs a pixel.
  const residues = "ACDEFGHIKLMNPQRSTVWY".repeat(55);
  const long = await renderFoldReport(sampleFoldReport([{ residues }]));
  ok(long.includes("A pixel stands for 2 × 2 pairs") && long.length < 800_000, String(long.length));
});

Deno.test("the finding says how sure the model is, what a change does, and how near the truth is", () => {
  const plain = finding(sampleFold(3).result);
  match(
    plain.answer,
    /^Mean pLDDT is \d\d\.\d \((confident|low)\), pTM 0\.\d\d; \d+ of 70 residues are above 70\.$/,
  );
  const { result, truth } = sampleFold(3, { changed: true, truth: true });
  const said = { changed: "residues 20-24 hidden", source: truth!.source };
  const changed = finding(result, said);
  match(
    changed.answer,
    /^With residues 20-24 hidden the fold moves by [\d.]+\u202fÅ RMSD \(TM-score 0\.\d\d\); \d+ of \d+ contacts go, \d+ come\.$/,
  );
  match(changed.method!, /The fold is [\d.]+\u202fÅ RMSD from 2ABC\.pdb chain A: TM-score/);
  match(changed.method!, /Xu & Zhang 2010/);
  match(finding(result, { changed: "with the adapter a" }).answer, /^With the adapter a the fold/);
  const own = sampleFold(3, { truth: true });
  match(
    finding(own.result, said).answer,
    /^The fold is [\d.]+\u202fÅ RMSD from .* of 69 Cα atoms\.$/,
  );
  const { scan } = sampleFold(3, { scan: true }).result;
  const [first] = scan, answer = finding(sampleFold(3, { scan: true }).result).answer;
  ok(answer.startsWith(`Of 16 heads, ${first.layer}:${first.head} costs the fold most`), answer);
  ok(answer.includes(`${first.lost} of ${first.contacts} contacts`), answer);
  const none = scan.map((row) => ({ ...row, lost: 0, lostShare: 0 }));
  match(finding({ ...result, change: undefined, scan: none }).answer, /^Of 16 heads, none costs/);
  const empty = none.map((row) => ({ ...row, contacts: 0 }));
  match(finding({ ...result, change: undefined, scan: empty }).answer, /no contact that could go/);
  match(
    findingOverall(sampleFoldReport([{}, { id: "b" }]).rows).answer,
    /^(None|\d) of 2 proteins (has|have) a mean pLDDT above 70; they lie between [\d.]+ and [\d.]+\.$/,
  );
});

Deno.test("pLDDT has the four classes of AlphaFold's database", () => {
  deepEqual(
    [100, 90, 89.9, 70, 69.9, 50, 49.9, 0].map((value) => classOf(value).name),
    [
      ...["very high", "very high", "confident", "confident"],
      ...["low", "low", "very low", "very low"],
    ],
  );
});

/** Exact values of what the pointer is on. */
const exactOf = (page: Page) =>
  page.evaluate<Record<string, string>>(
    `Object.fromEntries([...document.querySelectorAll("#tip [data-fact]")]
       .map((said) => [said.dataset.fact, said.dataset.exact]))`,
  );

browserTest(
  "renderFoldReport gives a page that a browser shows whole, exactly and linked",
  async (browser, dir, t) => {
    // All that a page can have at once: every opening of the molecular viewer costs seconds.
    const residues = "ACDEFGHIKLMNPQRSTVWYACDEFGHIKLMN:GHIKLMNPQRSTVWYACX", length = 50;
    const report = sampleFoldReport([{ residues, changed: true, truth: true, scan: true }]);
    const url = await writePage(dir, "all", await renderFoldReport(report));
    const step = (what: string, check: (browser: Browser, url: string) => Promise<void>) =>
      t.step(what, () => check(browser, url));
    await checkWhole(step, TEXTS);
    await step("figures are saved", checkSaved);
    await t.step("several proteins are folded away", async () => {
      const samples = [{ id: "a", changed: true }, { id: "b", changed: true }];
      await checkPage(
        browser,
        await writePage(dir, "two", await renderFoldReport(sampleFoldReport(samples))),
      );
    });
    const [{ plain, change, truth, scan }] = report.drawn;
    const letters = residues.replace(":", "");
    await using page = await browser.open(url, { width: 1280 });
    await t.step("a click on the error map selects the pair, with every digit", async () => {
      const box = await figureBox(page, "pae"), left = box.width < 500 ? 44 : 58;
      const side = Math.min(box.width - left - 4, box.height - 4 - (box.width < 500 ? 38 : 50));
      const [i, j] = [12, 37];
      const x = box.x + left + (j - 0.5) / length * side;
      const y = box.y + 4 + (i - 0.5) / length * side;
      await page.point(x, y);
      const exact = await exactOf(page);
      equal(Number(exact["aligned error"]), plain.pae[(i - 1) * length + j - 1]);
      await page.click(x, y);
      await page.settle();
      match(
        await page.evaluate<string>(`document.querySelector(".readout").textContent`),
        new RegExp(`^${letters[i - 1]}${i} – ${letters[j - 1]}${j} · probability of a contact`),
      );
    });
    await t.step("the track says pLDDT before and after, and how near the truth is", async () => {
      const box = await figureBox(page, "plddt"), at = 40;
      await page.point(
        box.x + 44 + (at - 0.5) / length * (box.width - 50),
        box.y + box.height / 2,
      );
      const exact = await exactOf(page);
      equal(exact["in its chain"], "B8");
      equal(Number(exact.pLDDT), plain.trace.plddt[at - 1]);
      equal(Number(exact["after the change"]), change!.fold.trace.plddt[at - 1]);
      equal(Number(exact.lDDT), Math.fround(truth!.plain.residueLddt[at - 1]));
    });
    await t.step("the other structures are hidden and shown", async () => {
      for (const name of ["changed", "true"]) {
        const pressed = () =>
          page.evaluate<string>(
            `document.querySelector('[data-do="${name}"]').getAttribute("aria-pressed")`,
          );
        equal(await pressed(), "true");
        await page.evaluate(`document.querySelector('[data-do="${name}"]').click()`);
        equal(await pressed(), "false");
      }
    });
    await t.step("a head of the table is chosen in the grid", async () => {
      await page.evaluate(`document.querySelector("[data-table=heads] tbody button").click()`);
      await page.settle();
      const [{ layer, head }] = scan;
      match(
        await page.evaluate<string>(
          `document.querySelector('.heads button[aria-pressed="true"]').getAttribute("aria-label")`,
        ),
        new RegExp(`^head ${layer}:${head}, \\d+.% of contacts lost$`),
      );
      deepEqual(page.complaints.filter((text) => !OF_DRIVERS.test(text)), []);
    });
  },
);

browserTest(
  "fold writes a report that a browser shows as its tables have it",
  async (browser, dir) => {
    const err: string[] = [];
    const args = ["--model", fixturePath("esmfold/model"), "--backend", "cpu", "--quiet"];
    const code = await execute(
      command,
      [...args, "--sequence", "MKTAYIAKQRQW", "--mask", "3-5", "--recycles", "0", "--out", dir],
      { output: { out: () => {}, err: (line) => err.push(line) } },
    );
    equal(code, 0, err.join("\n"));
    await using page = await browser.open(new URL(`file://${dir}/report.html`).href, {});
    deepEqual(page.complaints.filter((text) => !OF_DRIVERS.test(text)), []);
    const text = await page.evaluate<string>("document.querySelector('main').innerText");
    deepEqual(text.match(/.*(NaN|undefined|Infinity).*/g), null);
    const [row] = readCsv(`${dir}/summary.csv`).rows;
    match(text, /With residues 3-5 hidden the fold moves by/);
    ok(text.includes(`${Number(row.rmsd_changed).toFixed(2)}\u202fÅ RMSD`));
    ok(text.includes(`${row.contacts_lost} of ${row.contacts} contacts go`));
    ok(text.includes(Number(row.mean_plddt).toFixed(1)));
  },
  { sanitize: false },
);
