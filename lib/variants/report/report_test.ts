import { deepEqual, equal, match, ok } from "../../../tests/assert.ts";
import { sampleScores } from "../../../tests/variants_report_sample.ts";
import type { Performance } from "../evaluate.ts";
import { AMINO_ACIDS } from "../letters.ts";
import { ScoreMatrix } from "../matrix.ts";
import { SampleCollector } from "../samples.ts";
import { BY_CHEMISTRY, scoreData } from "./data.ts";
import { finding, findingOverall } from "./finding.ts";
import { renderVariantReport } from "./report.ts";
import type { ScoredProtein } from "./types.ts";

const labels = { score: "s", measured: "DMS_score" };
const values = { spearman: 0.42, pearson: 0.4, auc: NaN, mcc: NaN, ndcg10: NaN };
const between = (low: number, high: number) => {
  const one = { low, high };
  return { spearman: one, pearson: one, auc: one, mcc: one, ndcg10: one };
};

/** A protein with so many measured variants of each kind. */
function measured(
  spearman: number,
  interval: [number, number] | undefined,
  { singles = 0, multiples = 0, indels = 0 },
): ScoredProtein {
  const samples = new SampleCollector();
  const add = (times: number, substitutions: number, indel?: string) => {
    for (let i = 0; i < times; i++) {
      const row = { place: "", text: "", raw: "", measured: i };
      const one = { position: 1, from: "A", to: "C" };
      const reading = { substitutions: Array(substitutions).fill(one), indel };
      samples.add({ row, reading, score: i, pll: NaN, perResidue: i });
    }
  };
  add(singles, 1);
  add(multiples, 2);
  add(indels, 0, "AA");
  const performance: Performance[] = [{
    ...{ group: "all", variants: singles + multiples || indels, labelled: 0 },
    values: { ...values, spearman },
    ...(interval && { intervals: between(...interval) }),
  }];
  const matrix = new ScoreMatrix({ id: "p", residues: "AW", offset: 1 });
  const none = { isScan: false, scored: 0, favoured: 0, lowest: [], highest: [] };
  return { ...none, matrix, performance, samples };
}

Deno.test("the finding of an assay says the agreement, what chance gives, and of what", () => {
  const answer = (...args: Parameters<typeof measured>) =>
    finding(measured(...args), labels).answer;
  equal(
    answer(0.42, [0.38, 0.46], { singles: 1960 }),
    "Spearman 0.42 (95\u202f% interval 0.38 to 0.46) between score and DMS_score over 1,960 single " +
      "substitutions; chance is 0.",
  );
  equal(
    answer(0.03, [-0.03, 0.1], { singles: 2, multiples: 1 }),
    "No clear agreement of score and DMS_score: Spearman 0.03 (95\u202f% interval −0.03 to 0.10) " +
      "over 3 variants; chance is 0.",
  );
  equal(
    answer(-0.4, [-0.43, -0.36], { multiples: 7 }),
    "Score and DMS_score run against each other: Spearman −0.40 (95\u202f% interval −0.43 to −0.36) " +
      "over 7 multiple mutants; chance is 0.",
  );
  match(
    finding(measured(-0.4, [-0.43, -0.36], { singles: 7 }), labels).method!,
    /Check whether a high DMS_score means a working protein/,
  );
  equal(
    answer(0.5, undefined, { indels: 2 }),
    "Spearman 0.50 between score and DMS_score over 2 variants changed in length; chance is 0.",
  );
  equal(
    answer(NaN, [NaN, NaN], { singles: 1 }),
    "Score and DMS_score cannot be compared over 1 single substitution: all values of one are equal.",
  );
  equal(
    answer(NaN, undefined, {}),
    "No variant has both a score and a measured value in DMS_score.",
  );
});

/** Scores of a protein AWA: the same at every letter of a residue. */
function scan(...means: number[]): ScoredProtein {
  const residues = "AWC".slice(0, means.length);
  const matrix = new ScoreMatrix({ id: "p", residues, offset: 45 });
  means.forEach((mean, i) => {
    for (const letter of AMINO_ACIDS) {
      matrix.setScore(i + 1, letter, letter === residues[i] ? 0 : mean);
    }
  });
  return {
    ...{ matrix, isScan: true, scored: 19 * means.length, favoured: 1, lowest: [], highest: [] },
    ...{ performance: [], samples: new SampleCollector() },
  };
}

Deno.test("the finding of a scan names the residues at both ends, beside the mean of all", () => {
  equal(
    finding(scan(-1, -6.25, 0.5), labels).answer,
    "The model expects substitutions of W46 the least (mean −6.3 nats; all residues −2.3); C47 " +
      "tolerates them best (+0.5).",
  );
  equal(
    finding(scan(-1, -1.001, -1), labels).answer,
    "The model tells the 3 residues not apart: each has a mean score of −1.0 nats.",
  );
  equal(finding(scan(-2), labels).answer, "Substitutions of A45 have a mean score of −2.0 nats.");
  equal(finding(scan(NaN), labels).answer, "No substitution was scored.");
  match(finding(scan(-1, -2), labels).method!, /1 of 38 substitutions scores 0 or more/);
  match(
    finding({ ...scan(-1, -2), favoured: 0 }, labels).method!,
    /None of 38 substitutions scores 0 or more\. It says what the model expects/,
  );
});

Deno.test("the finding of some variants is of these", () => {
  const of = (favoured: number, ...scores: number[]) => {
    const all = scores.map((score, i) => ({ name: `A${i + 1}C`, score }));
    return finding({
      ...{ ...scan(-1, -2), isScan: false, scored: all.length, favoured },
      ...{ highest: all, lowest: all.toReversed() },
    }, labels).answer;
  };
  equal(
    of(0, -3.1),
    "A1C scores −3.10 nats: to the model 22.2 times less likely than the wild type.",
  );
  equal(of(1, 0.001), "A1C scores 0.00 nats: to the model as likely as the wild type.");
  equal(
    of(2, 1, 0, -2),
    "Of 3 variants A1C scores highest (1.00 nats) and A3C lowest (−2.00); 2 score 0, the wild " +
      "type's, or more.",
  );
  equal(of(0), "No variant could be scored.");
});

Deno.test("the finding of several proteins is the mean over them, or that there is no assay", () => {
  const line = (id: string, low: number, interval?: [number, number]) => ({
    id,
    performance: interval ? measured(0.5, interval, { singles: 3 }).performance : [],
    low: { name: "A1C", score: low },
  });
  const mean = (low: number, high: number) => [{
    ...{ group: "all", statistic: "spearman" as const, proteins: 2, mean: 0.42 },
    interval: { low, high },
  }];
  const lines = [line("p", -2, [0.1, 0.9]), line("q", -7, [-0.2, 0.9])];
  const { answer, method } = findingOverall(lines, mean(0.3, 0.5), labels);
  equal(
    answer,
    "Mean Spearman 0.42 (95\u202f% interval 0.30 to 0.50) with DMS_score over 2 proteins; chance is 0.",
  );
  match(method!, /^In 1 of 2 proteins the interval lies above 0\./);
  match(
    findingOverall(lines, mean(-0.3, 0.5), labels).answer,
    /^No clear agreement on average: mean/,
  );
  match(findingOverall(lines, mean(-0.3, -0.1), labels).answer, /^Scores run against the assays: /);
  equal(
    findingOverall([line("p", -2), line("q", -7)], [], labels).answer,
    "Of the variants of 2 proteins A1C of q scores lowest (−7.00 nats).",
  );
});

Deno.test("the page's letters are the 20, its points every single substitution first", async () => {
  deepEqual([...BY_CHEMISTRY].sort(), [...AMINO_ACIDS]);
  const protein = await sampleScores({ id: "p", length: 30, multiples: 6000, indels: 3 });
  const { data } = scoreData(protein, labels);
  const kinds = Object.groupBy(data.others.kinds, (kind) => kind);
  // 6,000 are more than are drawn of a kind: every second.
  deepEqual([kinds.m!.length, kinds.i!.length], [3000, 3]);
  equal(data.others.names[1], "several 2");
  const sorted = protein.samples.points.filter(({ kind }) => kind === "single")
    .map(({ measured }) => measured).sort((a, b) => a - b);
  equal(sorted.length, 19 * 30);
  equal(data.measured!.low, sorted[Math.round(0.02 * (sorted.length - 1))]);
  ok(data.measured!.below && data.measured!.above);
});

Deno.test("renderVariantReport() escapes what it is given and says what it left out", async () => {
  const hostile = '</script><img src="x">';
  const protein = await sampleScores({ id: hostile, length: 30, multiples: 6000 });
  const html = renderVariantReport({
    ...{ notes: [hostile], proteins: [protein], summary: [] },
    lines: [{ id: hostile, residues: 30, variants: 1, performance: protein.performance }],
    labels: { score: hostile, measured: hostile },
    run: { record: { a: hostile }, input: hostile, options: "o", files: ["f"] },
  });
  ok(!html.includes("<img"));
  equal(html.split("</script>").length, html.split(/<script[ >]/).length, "scripts are closed");
  match(html, /Drawn: 3570 of 6570, evenly spaced; the statistics are of all/);
});
