/** The page of what latents detect. */
import { type DetectorCounts, DetectorCounts as Counts } from "../lib/sae/latents/detectors.ts";
import { chance, finding } from "../lib/sae/latents/report/finding.ts";
import { renderLatentsReport } from "../lib/sae/latents/report/report.ts";
import type { SaeConfig } from "../lib/sae/types.ts";
import { allClose, deepEqual, equal, match, ok } from "./assert.ts";
import { browserTest, writePage } from "./browser.ts";
import { checkSaved, checkWhole, figureBox } from "./page_checks.ts";
import { random } from "./report_sample.ts";

const config: SaeConfig = {
  ...{ name: "made-up:l2", dModel: 8, latents: 60, depth: 2, afterFinalNorm: false, k: 4 },
  normalisation: "none",
};

/** Latent 0 tells L, 1 the residue after P, 2 first residues; the others fire anywhere. */
function counted(latents = 60, length = 120, k = 3): DetectorCounts {
  const next = random(2), counts = new Counts(latents);
  for (let p = 0; p < 6; p++) {
    const letters = Array.from(
      { length },
      () => "ACDEFGHIKLLLMNPQRSTVWY"[Math.floor(22 * next())],
    ).join("");
    const rows = [...letters].map((letter, i) => {
      const found = new Map<number, number>();
      if (letter === "L") found.set(0, 3);
      if (letters[i - 1] === "P") found.set(1, 2);
      if (i === 0) found.set(2, 1);
      for (let e = 0; e < k; e++) found.set(3 + Math.floor(next() * (latents - 3)), 0.1 + next());
      return [...found].sort(([a], [b]) => a - b);
    });
    const offsets = new Uint32Array(length + 1);
    rows.forEach((row, r) => offsets[r + 1] = offsets[r] + row.length);
    counts.add({
      ...{ id: `p${p}`, letters },
      latents: {
        ...{ rows: length, latents, offsets },
        indices: Uint32Array.from(rows.flatMap((row) => row.map(([latent]) => latent))),
        values: Float32Array.from(rows.flatMap((row) => row.map(([, value]) => value))),
      },
    });
  }
  return counts;
}

const profilesOf = (counts: DetectorCounts) =>
  counts.profiles().sort((a, b) => b.letter.f1 - a.letter.f1);
const run = { record: { command: "sae latents" }, input: "i", options: "o", files: ["a.csv"] };
const page = (counts: DetectorCounts) =>
  renderLatentsReport({
    notes: ["</script><script>alert(1)</script>"],
    ...{
      config,
      quality: { fvu: 0.03, lossRecovered: 1 },
      counts,
      profiles: profilesOf(counts),
      run,
    },
  });
const facts = (counts: DetectorCounts) => ({
  ...{
    latents: counts.latents,
    residues: counts.residues,
    proteins: counts.proteins,
    threshold: 0,
  },
  ...{ profiles: profilesOf(counts), totals: counts.totals() },
});

Deno.test("the finding counts detectors against what latents active at random would reach", () => {
  const { answer, method } = finding(facts(counted())), { letter, f1 } = chance(counted().totals());
  equal(letter, "L");
  equal(
    answer,
    `1 of 60 active latents tells a letter with F1 above 0.5; active at random, a latent would reach ` +
      `${f1.toFixed(2)} at most.`,
  );
  match(method!, /commonest letter \(L, 1\d\.\d\u202f% of residues\)/);
  match(
    method!,
    /1 tells a neighbour's letter \(F1 above 0\.5\); 1 is mostly active at a protein's first/,
  );
  const none = finding({ ...facts(counted()), profiles: [] });
  equal(none.answer, "None of 60 latents is active above 0 among 720 residues of 6 proteins.");
  const weak = facts(counted()).profiles.filter(({ latent }) => latent > 2);
  match(
    finding({ ...facts(counted()), profiles: weak }).answer,
    /^None of 57 active latents tells/,
  );
});

Deno.test("chance() is the F1 of a latent that is active everywhere, and none that is random has more", () => {
  const { totals } = facts(counted()), { share, f1 } = chance(totals);
  // Precision is the letter's share and recall all.
  allClose([f1], [2 * share / (share + 1)], { rtol: 1e-12 });
  for (const active of [0.01, 0.1, 0.5]) ok(2 * share * active / (share + active) < f1);
});

Deno.test("renderLatentsReport() escapes what it is given and stays within its size", () => {
  const html = page(counted());
  ok(!html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  const large = page(counted(10_000, 2000, 60)).length;
  ok(large < 1_000_000, `${large} bytes`);
});

browserTest(
  "the page of what latents detect is whole, offline, and a dot, a row and bars are one choice",
  async (browser, dir, t) => {
    const counts = counted(), profiles = profilesOf(counts);
    const url = await writePage(dir, "latents", page(counts));
    await checkWhole(
      (what, check) => t.step(what, () => check(browser, url)),
      "h1,.finding,.method,.caption,.key,th,td,button,dt,dd",
      20,
    );
    await t.step("figures are saved", () => checkSaved(browser, url));
    await t.step("a dot has the table's numbers and selects the latent everywhere", async () => {
      await using view = await browser.open(url, { width: 1280 });
      const text = (selector: string) =>
        view.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).textContent`);
      const tips = () =>
        view.evaluate<Record<string, string>>(
          `Object.fromEntries([...document.querySelectorAll("#tip [data-fact]")]
             .map((said) => [said.dataset.fact, said.dataset.exact]))`,
        );
      equal(await text("[data-table=latents] tr.chosen button"), "0");
      // The detector of what stands before is the highest dot.
      const box = await figureBox(view, "latents");
      const one = profiles.find(({ latent }) => latent === 1)!;
      const xs = profiles.map(({ letter }) => letter.f1);
      const ys = profiles.map(({ neighbour }) => neighbour?.f1 ?? 0);
      const ends = (values: number[]) => {
        const [low, high] = [Math.min(...values), Math.max(...values)], edge = 0.04 * (high - low);
        return [low - edge, high + edge];
      };
      const [x0, x1] = ends(xs), [y0, y1] = ends(ys);
      const x = box.x + 52 + (one.letter.f1 - x0) / (x1 - x0) * (box.width - 64);
      const y = box.y + box.height - 40 - (one.neighbour!.f1 - y0) / (y1 - y0) * (box.height - 60);
      await view.point(x, y);
      await view.click(x, y);
      await view.settle();
      const shown = await tips();
      deepEqual(
        ["letter", "letter_f1", "precision", "recall", "times", "beside"].map((name) =>
          shown[name]
        ),
        [
          one.letter.letter,
          ...[one.letter.f1, one.letter.precision, one.letter.recall, one.letter.enrichment]
            .map(String),
          String(one.neighbour!.f1),
        ],
      );
      equal(await text(".panel:has([data-figure=letters]) h2 b"), "Latent 1");
      const before = await view.evaluate<string[]>(
        `[...[...document.querySelectorAll("[data-table=offsets] tbody tr")][2].cells]
           .map((cell) => cell.textContent)`,
      );
      deepEqual(before.slice(0, 2), ["−1", "P"]);
      equal(before[4], one.neighbour!.f1.toFixed(3));
      // Bars have letters.csv's numbers.
      const bars = await figureBox(view, "letters");
      const column = "ACDEFGHIKLMNPQRSTVWY".indexOf(one.letter.letter);
      await view.point(bars.x + 44 + (column + 0.5) / 20 * (bars.width - 52), bars.y + 60);
      const bar = await tips();
      const row = [...counts.letterCounts()].find(({ latent, letter }) =>
        latent === 1 && letter === one.letter.letter
      )!;
      deepEqual([bar.precision, bar.recall, bar["active residues"]], [
        ...[String(row.precision), String(row.recall)],
        String(row.active),
      ]);
      // By ends, the detector of first residues leads; the buttons walk that order.
      await view.evaluate(`document.querySelector("[data-order=ends]").click()`);
      equal(await text("[data-table=latents] tbody button"), "2");
      await view.evaluate(`document.querySelector("[data-table=latents] tbody button").click()`);
      ok(await view.evaluate(`document.querySelector("[data-do=previous]").disabled`));
      deepEqual(view.complaints, []);
    });
  },
);
