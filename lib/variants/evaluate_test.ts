import { allClose, deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { evaluate, resampleStatistics, resampleTogether } from "./evaluate.ts";
import { Regions } from "./regions.ts";
import { SampleCollector } from "./samples.ts";
import type { Reading, Variant, VariantRow } from "./types.ts";

const target = { id: "t", residues: "MKTAYIAKQR", offset: 101 };
const single = (...positions: number[]): Variant => ({
  substitutions: positions.map((position) => ({
    position,
    from: target.residues[position - 1],
    to: "W",
  })),
});
const row = (text: string, measured: number, functional?: boolean) => ({
  ...{ place: text, text, raw: text, measured, functional },
});

Deno.test("evaluate calls functional what scores at least the median, as ProteinGym does", async () => {
  const samples = { scores: [1, 2, 3, 4], measured: [1, 2, 3, 9], functional: [0, 0, 1, 1] };
  const { values, intervals, variants } = await evaluate("all", samples, {
    resamples: 50,
    seed: 1,
  });
  deepEqual([values.spearman, values.auc, values.mcc, variants], [1, 1, 1, 4]);
  ok(intervals!.pearson.low <= values.pearson && values.pearson <= intervals!.pearson.high);
  const without = await evaluate("all", { ...samples, functional: undefined }, {
    resamples: 0,
    seed: 1,
  });
  ok(Number.isNaN(without.values.auc) && Number.isNaN(without.values.mcc) && !without.intervals);
});

Deno.test("Regions hold variants all of whose residues lie in them, by the protein's numbering", () => {
  const text = "region,start,end\nhelix,101,103\nloop,104,105\nhelix,108,110\nhalf,101,105\n";
  const regions = Regions.parse(text, "r.csv", target);
  deepEqual(regions.names, ["helix", "loop", "half"]);
  deepEqual(regions.of(single(1)), ["helix", "half"]);
  deepEqual(regions.of(single(1, 9)), ["helix"]);
  deepEqual(regions.of(single(3, 4)), ["half"]);
  deepEqual(regions.of(single(6)), []);
  deepEqual(regions.of(single()), []);
  deepEqual(regions.of({ substitutions: [], indel: "MK" }), []);
});

Deno.test("Regions.parse names the line of a span that is none", () => {
  const cases: [string, RegExp][] = [
    ["helix,99,103", /line 2 as residues must be in 101\.\.110: current value is "99"/],
    ["helix,101,111", /"111"/],
    ["helix,101,x", /"x"/],
    ["helix,105,103", /must ascend: current value is "105-103"/],
    ["single,101,103", /other than all, single/],
    [",101,103", /must have a name/],
    ["", /must have a region/],
  ];
  for (const [line, message] of cases) {
    throws(() => Regions.parse(`region,start,end\n${line}\n`, "r.csv", target), message);
  }
});

Deno.test("SampleCollector groups by kind and region, and leaves out what was not measured", () => {
  const regions = Regions.parse("region,start,end\nhelix,101,103\nempty,110,110\n", "r", target);
  const collector = new SampleCollector(regions);
  const add = (row: VariantRow, reading: Reading, score: number, perResidue = NaN) =>
    collector.add({ row, reading, score, perResidue, pll: NaN });
  const indel = { substitutions: [], indel: "MK" };
  const same = { substitutions: [{ position: 4, from: "A", to: "A" }] };
  add(row("a", 1, true), single(1), 0.5);
  add(row("b", 2, false), single(1, 5), 0.6);
  add(row("c", NaN, true), single(2), 0.7);
  add(row("d", 3, undefined), single(2), 0.8);
  add(row("e", 4, true), indel, 0.9, 0.01);
  add(row("f", 5, true), single(2), NaN);
  add(row("g", 6), same, 0);
  add(row("h", 7), { substitutions: [] }, 0);
  add(row("i", 8), { reason: "stop", message: "" }, NaN);
  const found = [...collector.groups()].map(({ name, samples }) => [name, samples.scores]);
  deepEqual(found, [
    ["all", [0.5, 0.6, 0.8]],
    ["single", [0.5, 0.8]],
    ["multiple", [0.6]],
    ["helix", [0.5, 0.8]],
    ["empty", []],
    ["synonymous", [0, 0]],
    ["indel", [0.9]],
    ["indel_per_residue", [0.01]],
  ]);
  deepEqual([...collector.groups()][0].samples.functional, [1, 0, NaN]);
  deepEqual([...collector.groups()].at(-3)!.samples.functional, undefined, "no label at all");
  deepEqual(collector.points.map(({ name, kind }) => [name, kind]), [
    ...[["a", "single"], ["d", "single"], ["b", "multiple"], ["e", "indel"]],
  ]);
  deepEqual(collector.points.map(({ position }) => position), [1, 2, undefined, undefined]);
  const names = (...readings: Reading[]) => {
    const plain = new SampleCollector();
    readings.forEach((reading, i) =>
      plain.add({ row: row(`${i}`, i), reading, score: i, perResidue: i, pll: NaN })
    );
    return [...plain.groups()].map(({ name }) => name);
  };
  deepEqual(names(single(1), single(2)), ["all"], "one group only needs no parts");
  deepEqual(names(indel, indel), ["all", "indel_per_residue"]);
  deepEqual(names(indel, same), ["all", "synonymous", "indel_per_residue"]);
});

Deno.test("evaluate takes AUC and MCC of the variants with a label, all else of all variants", async () => {
  const samples = {
    scores: [1, 2, 3, 4, 0, 9],
    measured: [1, 2, 3, 4, 9, 0],
    functional: [0, 0, 1, 1, NaN, NaN],
  };
  const options = { resamples: 0, seed: 1 };
  const { values } = await evaluate("all", samples, options);
  // By hand: ranks (2 3 4 5 1 6) and (2 3 4 5 6 1).
  allClose([values.spearman], [1 - 6 * 50 / (6 * 35)], { atol: 1e-12 });
  deepEqual([values.auc, values.mcc], [1, 1]);
  const one = { ...samples, functional: [1, 1, 1, NaN, NaN, NaN] };
  const undefinedValues = (await evaluate("all", one, options)).values;
  deepEqual([undefinedValues.auc, undefinedValues.mcc], [NaN, NaN]);
});

Deno.test("evaluate of an empty group has no statistics and does not fail", async () => {
  const { values, variants } = await evaluate("empty", { scores: [], measured: [] }, {
    resamples: 10,
    seed: 0,
  });
  equal(variants, 0);
  allClose([values.spearman, values.ndcg10], [NaN, NaN], {});
});

Deno.test("resamples that are shared out among threads are those of one, and where there can be no thread too", async () => {
  const n = 20_000, resamples = 1100;
  const scores = Array.from({ length: n }, (_, i) => Math.sin(0.37 * i));
  const measured = scores.map((score, i) => score + Math.cos(1.3 * i));
  const functional = measured.map((value, i) => i % 7 === 0 ? NaN : Number(value > 0));
  const samples = { scores, measured, functional };
  const range = { begin: 0, end: resamples };
  const expected = await resampleStatistics({ samples, range, seed: 3 });
  const { Worker } = globalThis;
  const started: Worker[] = [];
  class Counted extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      started.push(this);
    }
  }
  class Broken extends Worker {
    constructor(_: string | URL, options?: WorkerOptions) {
      super("data:text/javascript,throw new Error('no')", options);
    }
  }
  try {
    for (const Own of [Counted, Broken]) {
      globalThis.Worker = Own;
      const done: number[] = [];
      const found = await resampleTogether(
        samples,
        { resamples, seed: 3, onProgress: (count) => done.push(count) },
        undefined,
        2,
      );
      deepEqual(found, expected);
      equal(done.at(-1), resamples);
    }
    equal(started.length, 1);
    // Few are not worth a thread.
    await resampleTogether(samples, { resamples: 10, seed: 3 }, undefined, 2);
    globalThis.Worker = Counted;
    await resampleTogether(samples, { resamples: 10, seed: 3 }, undefined, 2);
    equal(started.length, 1);
  } finally {
    globalThis.Worker = Worker;
  }
});
