/** The page of the kernels' benchmark in a real browser. */
import { renderBenchReport } from "../lib/bench/report/mod.ts";
import type { BenchReport } from "../lib/bench/types.ts";
import { deepEqual, equal } from "./assert.ts";
import { browserTest, writePage } from "./browser.ts";
import { checkSaved, checkWhole, figureBox } from "./page_checks.ts";

const report: BenchReport = JSON.parse(
  await Deno.readTextFile(new URL("../data/bench/cpu-2-cores.json", import.meta.url)),
);

browserTest(
  "renderBenchReport gives a page that a browser shows whole",
  async (browser, dir, t) => {
    const url = await writePage(dir, "bench", renderBenchReport(report));
    await checkWhole(
      (what, check) => t.step(what, () => check(browser, url)),
      "h1,.finding,.method,.caption,.key,th,td,button,dt,dd",
      50,
    );
    await t.step("figures are saved", () => checkSaved(browser, url, 6));
    await t.step("a row of the figure is its rows in the table, with their numbers", async () => {
      await using page = await browser.open(url, { width: 1280 });
      const limited = report.kernels.filter(({ kernel, share }) =>
        share !== undefined && kernel !== "copy" && kernel !== "fma"
      );
      const best = limited.reduce((a, b) => b.share! > a.share! ? b : a);
      const box = await figureBox(page, "shares");
      // The highest is the first.
      await page.point(box.x + box.width / 2, box.y + 24 + 8);
      const tip = await page.evaluate<{ title: string; facts: Record<string, string> }>(`({
        title: document.querySelector("#tip b").textContent,
        facts: Object.fromEntries([...document.querySelectorAll("#tip [data-fact]")]
          .map((said) => [said.dataset.fact, said.dataset.exact])),
      })`);
      equal(tip.title, `${best.kernel} ${best.shape}`);
      const of = limited.filter(({ kernel, shape }) =>
        kernel === best.kernel && shape === best.shape
      );
      for (const row of of) {
        equal(tip.facts[`${row.processor}, share of the ceiling`], String(row.share));
        equal(tip.facts[`${row.processor}, median µs`], String(row.us.median));
      }
      await page.click(box.x + box.width / 2, box.y + 24 + 8);
      await page.settle();
      const chosen = await page.evaluate<string[]>(
        `[...document.querySelectorAll("[data-table=kernels] tr.chosen button")].map((b) => b.textContent)`,
      );
      deepEqual(chosen, of.map(() => tip.title));
      deepEqual(page.complaints, []);
    });
  },
);
