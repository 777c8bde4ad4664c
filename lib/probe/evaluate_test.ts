import { allClose, equal, ok } from "../../tests/assert.ts";
import { PhiloxStream } from "../../kernels/philox/mod.ts";
import { difference, evaluate, type Truth } from "./evaluate.ts";

/** Two of three classes right or wrong in whole proteins, so that proteins differ more than predictions. */
function sample() {
  const random = new PhiloxStream(3), proteins = 40, each = 20;
  const labels = Float64Array.from({ length: proteins * each }, (_, r) => random.below(3, r, 0));
  const truth: Truth = { labels, rows: Array(proteins).fill(each), classes: 3, isResidue: true };
  // One prediction is right where the protein is easy; the other too, but for every tenth row.
  const predict = (fails: (r: number) => boolean) => {
    const p = new Float32Array(labels.length * 3);
    labels.forEach((label, r) => {
      const isHard = Math.floor(r / each) % 2 === 0 || fails(r);
      p[r * 3 + (isHard ? (label + 1) % 3 : label)] = 1;
    });
    return p;
  };
  return { truth, better: predict(() => false), worse: predict((r) => r % 10 === 9) };
}

Deno.test("difference is that of the statistics, and its interval leaves out what proteins share", async () => {
  const { truth, better, worse } = sample(), options = { resamples: 500, seed: 1 };
  const own = (await evaluate(truth, better, options)).accuracy!;
  const other = (await evaluate(truth, worse, options)).accuracy!;
  const apart = await difference(truth, [better, worse], "accuracy", options);
  allClose([apart.value], [own.value - other.value], { atol: 1e-12 });
  allClose([own.value, other.value], [0.5, 0.45], { atol: 1e-12 });
  // Easy proteins vary between resamples for both alike: intervals overlap, the difference is sure.
  ok(own.low < other.high);
  ok(apart.low > 0.03 && apart.high < 0.07, `${apart.low} ${apart.high}`);
  const none = await difference(truth, [better, better], "mcc", options);
  equal([none.value, none.low, none.high].join(), "0,0,0");
  const bare = await difference(truth, [better, worse], "q3", { resamples: 0, seed: 1 });
  allClose([bare.value], [0.05], { atol: 1e-12 });
  ok(Number.isNaN(bare.low));
});

Deno.test("statistics of several classes at once are those worked out by hand", async () => {
  const truth: Truth = {
    labels: Float64Array.of(1, 0, 1, 0, 1, 0, 0, 0, 1, 1, 1, 0),
    ...{ rows: [1, 1, 1, 1], classes: 3, isResidue: false, isSets: true },
  };
  // Called: 1 0 1, 0 0 0, 1 0 1, 1 1 0.
  const said = Float32Array.of(0.9, 0.2, 0.8, 0.1, 0.4, 0.3, 0.6, 0.1, 0.7, 0.8, 0.9, 0.1);
  const options = { resamples: 100, seed: 1 };
  const { micro_f1, macro_f1, auc, exact } = await evaluate(truth, said, options);
  // Five pairs are right of 7 that are and 5 that are called; class by class 2 of 3 and 2, 1 of 2 and 1, all.
  allClose([micro_f1!.value], [10 / 12], { atol: 1e-12 });
  allClose([macro_f1!.value], [(4 / 5 + 2 / 3 + 1) / 3], { atol: 1e-12 });
  allClose([auc!.value, exact!.value], [(1 + 1 + 1) / 3, 2 / 4], { atol: 1e-12 });
  ok(micro_f1!.low <= micro_f1!.value && micro_f1!.high >= micro_f1!.value);
});
