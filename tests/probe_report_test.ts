import { answerOf, finding, standing } from "../lib/probe/report/finding.ts";
import { renderProbeReport } from "../lib/probe/report/report.ts";
import type { Metric, MetricName } from "../lib/probe/evaluate.ts";
import type { ProbeRow } from "../lib/probe/tables.ts";
import { classScores, confusionOf } from "../lib/stats/confusion.ts";
import { calledOf } from "../lib/probe/evaluate.ts";
import { equal, match, ok } from "./assert.ts";
import { checkAccessible } from "./axe.ts";
import { browserTest, writePage } from "./browser.ts";
import { checkContrast, checkPage, checkSaved } from "./page_checks.ts";
import { random } from "./report_sample.ts";

const metric = (value: number, spread = 0.03): Metric => ({
  value,
  low: value - spread,
  high: value + spread,
});
const row = (kind: ProbeRow["kind"], value: number, more: Partial<ProbeRow> = {}): ProbeRow => {
  const names: MetricName[] = ["accuracy", "balanced_accuracy", "macro_f1", "mcc", "auc", "q3"];
  return {
    ...{ kind, width: 8, penalty: 1, isAtEnd: false, converged: true, validation: value },
    chosen: false,
    metrics: Object.fromEntries(names.map((name) => [name, metric(value)])),
    ...more,
  };
};
const classes = ["C", "E", '<img src="x">'];
const chosen = row("layer", 0.72, { layer: "3", chosen: true });
const baseline = row("window", 0.6, { chosen: true });

function report() {
  const next = random(5), length = 40;
  const proteins = ["one", "two"].map((id) => ({
    id,
    residues: "ACDEFGHIKL".repeat(4),
    labels: Float64Array.from({ length }, (_, i) => i % 7 === 0 ? NaN : i % 3),
  }));
  const rowsOf = () =>
    Uint32Array.from(Array.from({ length }, (_, i) => i).filter((i) => i % 7 !== 0));
  const labels = proteins.flatMap(({ labels }) => [...labels].filter((k) => !Number.isNaN(k)));
  const predicted = Float32Array.from(labels.flatMap((label) => {
    const own = classes.map((_, k) => next() + Number(k === label) * 0.4);
    const sum = own.reduce((a, b) => a + b, 0);
    return own.map((x) => x / sum);
  }));
  const confusion = confusionOf(3, labels, calledOf(predicted, 3));
  return renderProbeReport({
    notes: ["</script><script>alert(1)</script>"],
    problem: {
      ...{ per: "residue", kind: "classes", classes, label: "structure", proteins },
      ...{ sets: ["test", "test"], split: "given" },
    },
    selection: { rows: rowsOf, proteins: { train: [], validation: [], test: [0, 1] } },
    rows: [
      ...["0", "1", "2", "3", "last"].map((layer, i) =>
        layer === "3" ? chosen : row("layer", 0.5 + i / 20, { layer })
      ),
      ...["0", "1", "2", "3", "last"].map((layer) => row("random", 0.5, { layer })),
      baseline,
      row("majority", 0.4, { chosen: true }),
    ],
    ...{
      headline: "accuracy",
      chosen,
      baseline,
      gain: metric(0.1),
      confusion,
      predicted,
      drawn: 20,
    },
    perClass: classScores(confusion).map((scores, k) => ({
      ...scores,
      name: classes[k],
      train: 10,
    })),
    latents: [{ name: "C", rank: 1, latent: 7, weight: 0.5 }],
    run: { record: { command: "probe" }, input: "i", options: "o", files: ["metrics.csv"] },
  });
}

Deno.test("the finding says how the model stands to the best baseline, by the interval of their difference", () => {
  const problem = { per: "residue", kind: "classes", classes } as const;
  const of = (own: number, other: number, more: Partial<Parameters<typeof answerOf>[0]> = {}) =>
    answerOf({
      ...{ problem, headline: "accuracy" as const },
      chosen: row("layer", own, { layer: "3" }),
      baseline: row("window", other),
      gain: metric(own - other),
      ...more,
    });
  equal(
    of(0.72, 0.6),
    "Layer 3 gives the right one of 3 classes for 72.0\u202f% (95 % interval 69.0\u202f% to 75.0\u202f%) of " +
      "residues of unseen proteins, more than the best baseline, one-hot residues: 60.0\u202f% " +
      "(57.0\u202f% to 63.0\u202f%); on the same proteins the difference is 12.0 points (9.0 to 15.0).",
  );
  match(of(0.62, 0.6), /, not clearly different from the best baseline/);
  match(of(0.5, 0.6), /, less than the best baseline/);
  match(of(0.5, 0.6, { baseline: undefined }), /; it was compared with no baseline\.$/);
  match(
    of(0.5, 0.4, { baseline: row("random", 0.4, { layer: "last" }) }),
    /best baseline, a model with random weights at the last layer: /,
  );
  match(
    answerOf({
      ...{ problem: { per: "protein", kind: "numbers", classes: [] }, headline: "spearman" },
      chosen: row("sae", 0, { layer: "2", pool: "max", metrics: { spearman: metric(0.4) } }),
    }),
    /^Latents of the autoencoder, layer 2, max predict the numbers of unseen proteins with a rank/,
  );
  equal(standing(metric(0.01)), "open");
  match(
    finding({ problem, headline: "accuracy", chosen }, "given").method!,
    /logistic regression on the frozen model; the validation set chose layer and penalty/,
  );
});

Deno.test("renderProbeReport() escapes what it is given and stays small", () => {
  const html = report();
  ok(!html.includes("<img") && !html.includes("alert(1)</script>"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  ok(html.length < 130_000, String(html.length));
});

browserTest(
  "renderProbeReport gives a page that a browser shows whole, offline, in light and dark",
  async (browser, dir, t) => {
    const url = await writePage(dir, "probe", report());
    await t.step("nothing is loaded or complained of; wide, narrow and on paper", async () => {
      await checkPage(browser, url);
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
  },
);
