import { renderFinetune } from "../lib/finetune/report/report.ts";
import {
  appliedFinding,
  type AppliedReport,
  renderApplied,
} from "../lib/finetune/report/applied.ts";
import { answerOf, finding } from "../lib/finetune/report/finding.ts";
import type { ModeRow } from "../lib/finetune/tables.ts";
import type { TunedHead } from "../lib/finetune/labels.ts";
import type { Mode, Task } from "../lib/finetune/types.ts";
import { lessonOf } from "../lib/finetune/data.ts";
import type { SplitProblem } from "../lib/probe/types.ts";
import { calledOf, type Metric } from "../lib/probe/evaluate.ts";
import { classScores, confusionOf } from "../lib/stats/confusion.ts";
import { equal, match, ok } from "./assert.ts";
import { checkAccessible } from "./axe.ts";
import { browserTest, writePage } from "./browser.ts";
import { checkContrast, checkPage, checkSaved } from "./page_checks.ts";
import { random } from "./report_sample.ts";

const metric = (value: number, spread = 0.03): Metric => ({
  ...{ value, low: value - spread, high: value + spread },
});
const row = (mode: Mode, value: number, more: Partial<ModeRow> = {}): ModeRow => ({
  ...{ mode, head: "token", trained: 387, epochs: 12, best: 9, steps: 60, tokens: 5000 },
  ...{ seconds: 3.25, peakBytes: 4e8, validation: value, before: 16.5, after: 16.5 },
  metrics: Object.fromEntries(
    ["accuracy", "balanced_accuracy", "macro_f1", "mcc", "auc", "q3", "spearman", "micro_f1"]
      .map((name) => [name, metric(value)]),
  ),
  ...more,
});
const classes = ["C", "E", '<img src="x">'];

const problem: SplitProblem = {
  ...{ per: "residue", kind: "classes", classes, label: "structure", split: "given" },
  proteins: ["one", "two", "three", "four"].map((id) => ({
    id,
    residues: "ACDEFGHIKL".repeat(4),
    labels: Float64Array.from({ length: 40 }, (_, i) => i % 7 === 0 ? NaN : i % 3),
  })),
  sets: ["train", "validation", "test", "test"],
};

function report() {
  const next = random(5);
  const lesson = lessonOf(problem, "residue", { maxLength: 100, classWeights: "none" }, []);
  const labels = problem.proteins.slice(2)
    .flatMap(({ labels }) => [...labels].filter((k) => !Number.isNaN(k)));
  const predicted = Float32Array.from(labels.flatMap((label) => {
    const own = classes.map((_, k) => next() + Number(k === label) * 0.4);
    const sum = own.reduce((a, b) => a + b, 0);
    return own.map((x) => x / sum);
  }));
  const confusion = confusionOf(3, labels, calledOf(predicted, 3));
  const perClass = classScores(confusion).map((scores, k) => ({
    ...{ ...scores, name: classes[k], train: 10 },
  }));
  const modes = ["frozen", "lora", "full"] as const;
  return renderFinetune({
    notes: ["</script><script>alert(1)</script>"],
    ...{ lesson, headline: "accuracy", head: "token" },
    rows: modes.map((mode, m) =>
      row(mode, 0.6 + m / 20, { ...(m > 0 && { gain: metric(m / 20), after: 17 + m }) })
    ),
    epochs: modes.flatMap((mode) =>
      Array.from({ length: 6 }, (_, e) => ({
        ...{ mode, epoch: e + 1, step: 10 * (e + 1), tokens: 100 * e, trainLoss: 1 / (e + 1) },
        ...{ loss: 1.1 / (e + 1), metric: 0.5 + e / 30, best: true },
      }))
    ),
    curve: modes.flatMap((mode) =>
      Array.from({ length: 60 }, (_, s) => ({
        ...{ mode, step: s + 1, epoch: Math.floor(s / 10) + 1, tokens: 10 * s, loss: 1 / (s + 5) },
        ...{ norm: 1 + next(), rate: 0.001 * (1 - s / 60), tokensPerSecond: 1000 },
      }))
    ),
    done: modes.map(() => ({ predicted, confusion, perClass })),
    run: { record: { command: "finetune" }, input: "i", options: "o", files: ["modes.csv"] },
  });
}

const head: Omit<TunedHead, "weights"> = {
  ...{ task: "residue", classes, label: "structure", maxLength: Infinity },
  spec: { kind: "token", per: "residue", width: 8, outputs: 3 },
};

function applied(task: Task): AppliedReport {
  const next = random(9), outputs = task === "regression" ? 1 : 3;
  const proteins = ["one", "two", "three", "four"].map((id) => ({
    ...{ id, residues: "ACDEFGHIKL" },
    predicted: Float32Array.from(
      { length: outputs * (task === "residue" ? 10 : 1) },
      () => next() / outputs,
    ),
  }));
  const counts = new Map([["C", 3], ["E", 1]]);
  return {
    ...{ notes: ["a note"], proteins, count: 4, residues: 40, counts },
    head: {
      ...head,
      ...{ task, classes: task === "regression" ? [] : classes },
      spec: { ...head.spec, kind: task === "residue" ? "token" : "mean", outputs },
    },
    run: { record: { command: "finetune" }, input: "i", options: "o", files: ["predictions.csv"] },
  };
}

Deno.test("the finding of a fine-tuning says how the chosen mode stands to the first", () => {
  const lesson = { task: "residue", problem } as const;
  const of = (...rows: ModeRow[]) => answerOf({ lesson, rows, headline: "accuracy" });
  equal(
    of(row("lora", 0.7)),
    "The model with a low-rank adapter gives the right one of 3 classes for 70.0\u202f% (95 % interval " +
      "67.0\u202f% to 73.0\u202f%) of residues of unseen proteins.",
  );
  match(
    of(row("frozen", 0.6), row("lora", 0.7, { gain: metric(0.1) })),
    /, more than the head on the frozen model: 60\.0.*the difference is 10\.0 points \(7\.0 to 13\.0\)\.$/,
  );
  match(of(row("frozen", 0.6), row("full", 0.62, { gain: metric(0.02) })), /not clearly different/);
  match(
    of(row("frozen", 0.7), row("full", 0.6, { gain: metric(-0.1) })),
    /validation set prefers it to the fully trained model; on the test set the difference to it is of full −10\.0/,
  );
  match(
    answerOf({
      lesson: { ...lesson, task: "regression" },
      rows: [row("full", 0.5)],
      headline: "spearman",
    }),
    /predicts the numbers of unseen proteins with a rank correlation of 0\.500/,
  );
  match(
    answerOf({
      lesson: { ...lesson, task: "multilabel" },
      rows: [row("full", 0.5)],
      headline: "micro_f1",
    }),
    /tells the 3 classes of unseen proteins with a micro F1 of 0\.500/,
  );
  const rows = [row("frozen", 0.6), row("full", 0.7, { gain: metric(0.1), after: 23.25 })];
  match(
    finding({ lesson, rows, headline: "accuracy" }).method!,
    /chose the mode and the weights after 9 of 12 epochs.*before and after: full 16\.50 → 23\.25\.$/,
  );
});

Deno.test("the finding of a prediction counts few and shares out many, and claims no accuracy", () => {
  equal(appliedFinding(applied("sequence")).answer, "Of 4 proteins the model calls 3 C, 1 E.");
  equal(
    appliedFinding(applied("residue")).answer,
    "Of 40 residues the model calls 8\u202f% C, 3\u202f% E.",
  );
  match(appliedFinding(applied("regression")).answer, /structure of 4 proteins from .* to /);
  match(appliedFinding(applied("sequence")).method!, /nothing here says how right this is/);
});

Deno.test("the pages of finetune escape what they are given and stay small", () => {
  for (const html of [report(), renderApplied(applied("residue"))]) {
    ok(!html.includes("<img") && !html.includes("alert(1)</script>"));
    equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
    ok(html.length < 160_000, String(html.length));
  }
});

browserTest(
  "the pages of finetune are shown whole by a browser, offline, in light and dark",
  async (browser, dir, t) => {
    const pages = {
      training: report(),
      residues: renderApplied({
        ...{ ...applied("residue"), count: 1, residues: 10 },
        proteins: applied("residue").proteins.slice(0, 1),
      }),
      proteins: renderApplied(applied("sequence")),
      numbers: renderApplied(applied("regression")),
    };
    for (const [name, html] of Object.entries(pages)) {
      const url = await writePage(dir, name, html);
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
      await t.step(
        `${name}: figures are saved`,
        () => checkSaved(browser, url, name === "training" ? 12 : 3),
      );
    }
  },
);
