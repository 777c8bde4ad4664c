import { evaluationFinding, trainingFinding } from "../lib/mlm/report/finding.ts";
import { renderEvaluation, renderTraining } from "../lib/mlm/report/report.ts";
import type { HeldOutFigures } from "../lib/mlm/held_out.ts";
import type { LossRow } from "../lib/mlm/tables.ts";
import { equal, match, ok } from "./assert.ts";
import { checkAccessible } from "./axe.ts";
import { browserTest, writePage } from "./browser.ts";
import { checkContrast, checkPage, checkSaved } from "./page_checks.ts";
import { random } from "./report_sample.ts";

const means = (loss: number, more: Partial<HeldOutFigures> = {}): HeldOutFigures => ({
  ...{ asked: 100, loss, right: 0.25, unigram: 2.9, neighbours: 2.8, composition: 2.85 },
  ...more,
});
/** Sums over asked residues. */
const row = (name: string, loss: number, asked = 10): LossRow => {
  const { unigram, neighbours, composition, right } = means(loss);
  const sums = { loss, right, unigram, neighbours, composition };
  return {
    ...{ name, residues: 4 * asked, asked },
    ...Object.fromEntries(Object.entries(sums).map(([key, value]) => [key, value * asked])),
  } as LossRow;
};
const run = { record: { command: "mlm" }, input: "i", options: "o", files: ["proteins.csv"] };
const bad = '<img src="x">';

function evaluation(count: number): string {
  const next = random(3);
  const proteins = Array.from(
    { length: count },
    (_, i) => row(i === 0 ? bad : `protein ${i}`, 2 + next(), i === 1 ? 0 : 10),
  );
  return renderEvaluation({
    ...{ notes: ["</script><script>alert(1)</script>"], run, all: row("all", 2.4, 400) },
    letters: [..."LAGVSERTIDPKQNFYMHWC"].map((letter) => row(letter, 2 + next())),
    gains: proteins.map(() => next() - 0.3),
    proteins: proteins.slice(0, 20),
  });
}

const training = (before?: HeldOutFigures, after?: HeldOutFigures) => {
  const next = random(4);
  return renderTraining({
    ...{ notes: [], name: bad, tokens: 3_000_000, run, before, after },
    curve: Array.from({ length: 200 }, (_, i) => ({
      ...{ tokens: 15_000 * (i + 1), loss: 2.9 - 0.002 * i + 0.05 * next(), norm: 1 + next() },
    })),
  });
};

Deno.test("an evaluation's finding names the best baseline, and says where the model is no better", () => {
  equal(
    evaluationFinding(means(2.0), 7).answer,
    "A hidden residue of 7 proteins is narrowed down to 7.4 letters, against 16.4 letters by the " +
      "neighbouring letters.",
  );
  match(
    evaluationFinding(means(2.81), 1).answer,
    /of the protein no better than simple statistics/,
  );
  match(
    evaluationFinding(means(2.4, { composition: 2.5 }), 2).answer,
    /against 12\.2 letters by the protein's own composition/,
  );
  match(evaluationFinding(means(2), 2).method!, /25\.0\u202f% of the likeliest letters are right/);
});

Deno.test("a training's finding says what it came from, and where statistics do as well", () => {
  equal(
    trainingFinding(3_000_000, means(2), means(2.7)).answer,
    "After 3,000,000 tokens the perplexity of held-out residues is 7.4, from 14.9, where the " +
      "neighbouring letters give 16.4.",
  );
  match(trainingFinding(10, means(2.9), undefined).method!, /simple statistics still do as well/);
  match(trainingFinding(10, undefined, undefined).answer, /no sequences were held out/);
});

Deno.test("the pages of mlm escape what they are given and stay small", () => {
  for (const html of [evaluation(40), training(means(2.7), means(2))]) {
    ok(!html.includes("<img") && !html.includes("alert(1)</script>"));
    equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
    ok(html.length < 160_000, String(html.length));
  }
});

browserTest(
  "the pages of mlm are shown whole by a browser, offline, in light and dark",
  async (browser, dir, t) => {
    const pages: Record<string, [html: string, saved: number]> = {
      "one protein": [evaluation(1), 3],
      "many proteins": [evaluation(40), 6],
      "a training": [training(means(2.7), means(2)), 6],
      "a training without held-out sequences": [training(), 6],
    };
    for (const [name, [html, saved]] of Object.entries(pages)) {
      const url = await writePage(dir, name.replaceAll(" ", "_"), html);
      await t.step(
        `${name}: nothing is loaded or complained of, wide, narrow, on paper`,
        async () => {
          await checkPage(browser, url);
        },
      );
      await t.step(
        `${name}: text is legible`,
        () =>
          checkContrast("h1,.finding,.method,.caption,.key,th,td,button,dt,dd", 15)(browser, url),
      );
      await t.step(`${name}: an accessibility checker finds nothing`, async () => {
        await using view = await browser.open(url, {});
        await checkAccessible(view);
      });
      await t.step(`${name}: figures are saved`, () => checkSaved(browser, url, saved));
    }
  },
);
