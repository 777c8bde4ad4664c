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
