import { allClose, deepEqual, equal, ok, rejects, throws } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { bootstrap, quantile } from "./bootstrap.ts";
import { auc, matthews } from "./classification.ts";
import { pearson, spearman } from "./correlation.ts";
import { ndcg } from "./ndcg.ts";
import { median, ranks, sorted } from "./sorted.ts";

// Expected values: SciPy 1.17 (spearmanr, pearsonr, mannwhitneyu) and NumPy 2.4 (corrcoef, median).
const x = [0.5, -1, 2, 2, 3, -1, 0.25, 7, 2, -4];
const y = [1, 0.5, 2.5, 2, 2, -3, 1, 9, 1, -2];
const yes = [1, 0, 1, 1, 1, 0, 0, 1, 0, 0];
const counts = [2, 0, 1, 3, 1, 1, 0, 2, 1, 1];
const TIGHT = { rtol: 1e-12 };

const repeat = (values: readonly number[], times: readonly number[]) =>
  values.flatMap((value, i) => new Array<number>(times[i]).fill(value));

Deno.test("spearman, pearson, auc, matthews and median equal SciPy's, ties and all", () => {
  const a = sorted(x), b = sorted(y);
  allClose(
    [spearman(a, b), pearson(x, y), auc(a, yes), matthews(yes, (i) => x[i] >= 1.25), median(a)],
    [0.90625, 0.9072779189729472, 0.92, 0.6, 1.25],
    TIGHT,
  );
});

Deno.test("spearman, pearson, auc, matthews and median count observations as SciPy does repeated ones", () => {
  const a = sorted(x), b = sorted(y);
  equal(median(a, counts), 2);
  allClose(
    [
      spearman(a, b, counts),
      pearson(x, y, counts),
      auc(a, yes, counts),
      matthews(yes, (i) => x[i] >= 2, counts),
    ],
    [0.8972730688483357, 0.9405731877776505, 0.8518518518518519, 0.408248290463863],
    TIGHT,
  );
});

const pairs = fc.array(
  fc.record({ x: fc.integer({ min: -5, max: 5 }), y: fc.nat(4), count: fc.nat(3) }),
  { minLength: 3, maxLength: 30 },
);

Deno.test("Every statistic of counted observations equals that of the repeated ones", () => {
  fc.assert(fc.property(pairs, (all) => {
    const times = all.map(({ count }) => count);
    const xs = all.map((p) => p.x), ys = all.map((p) => p.y), label = ys.map((v) => v > 1 ? 1 : 0);
    const [X, Y, L] = [xs, ys, label].map((values) => repeat(values, times));
    if (X.length === 0) return;
    const a = sorted(xs), b = sorted(ys), A = sorted(X), B = sorted(Y);
    allClose(
      [spearman(a, b, times), auc(a, label, times), median(a, times), ndcg(a, b, 0.3, times)],
      [spearman(A, B), auc(A, L), median(A), ndcg(A, B, 0.3)],
      { atol: 1e-12 },
    );
  }));
});

Deno.test("ranks are those of the definition: how many are smaller, and half the ties", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -4, max: 4 })), (values) => {
    const expected = values.map((v) =>
      values.filter((o) => o < v).length + (values.filter((o) => o === v).length + 1) / 2
    );
    deepEqual([...ranks(sorted(values))], expected);
  }));
  throws(() => sorted([1, NaN]), /none must be NaN: index 1 is/);
});

Deno.test("spearman does not change under a rising function and turns its sign under a falling one", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: -9, max: 9, noNaN: true }), fc.nat(99))),
      (all) => {
        const a = all.map(([v]) => v), b = sorted(all.map(([, v]) => v));
        const plain = spearman(sorted(a), b);
        const falling = spearman(sorted(a.map((v) => -v)), b);
        equal(spearman(sorted(a.map((v) => 3 * v)), b), plain);
        allClose([falling], [-plain], { atol: 1e-12 });
      },
    ),
  );
});

Deno.test("Correlations and AUC are NaN where they are not defined, matthews is 0", () => {
  ok(Number.isNaN(pearson([1], [2])));
  ok(Number.isNaN(spearman(sorted([1, 1, 1]), sorted([1, 2, 3]))));
  ok(Number.isNaN(auc(sorted([1, 2]), [1, 1])));
  ok(Number.isNaN(median(sorted([]))));
  equal(matthews([1, 1, 0], () => true), 0);
});

Deno.test("ndcg equals ProteinGym's formula where no scores tie", () => {
  const score = [14, 2, 1, 17, 4, 16, 6, 7, 15, 12, 9, 11, 19, 18, 13, 5, 0, 8, 3, 10];
  const truth = [
    ...[-1.465, -0.241, -0.112, -2.214, 0.142, 0.221, -0.074, 0.358, -1.844, 0.502],
    ...[-1.594, 0.613, 1.585, -0.279, -0.575, 0.753, 0.316, 0.569, 1.019, -0.576],
  ];
  const a = sorted(score), b = sorted(truth);
  allClose(
    [ndcg(a, b, 0.1), ndcg(a, b, 0.25), ndcg(a, b, 1)],
    [0.8597404610296485, 0.6459447117802054, 0.8781000624541241],
    TIGHT,
  );
  equal(ndcg(b, b, 0.25), 1);
});

Deno.test("ndcg gives tied scores the mean gain of their ranks, whatever their order", () => {
  const discount = 1 / Math.log2(3);
  // Three ties of mean gain 1 over two ranks, against 3 and 2 ideally.
  const expected = (1 + discount) / (3 + 2 * discount);
  allClose([ndcg(sorted([1, 1, 1, 0]), sorted([1, 0, 2, 3]), 0.5)], [expected], TIGHT);
  allClose([ndcg(sorted([1, 1, 1, 0]), sorted([2, 1, 0, 3]), 0.5)], [expected], TIGHT);
  ok(Number.isNaN(ndcg(sorted([1, 2]), sorted([1, 2]), 0.1)), "no rank counts");
  ok(Number.isNaN(ndcg(sorted([1, 2]), sorted([3, 3]), 1)), "nothing to gain");
});

Deno.test("quantile interpolates as NumPy does", () => {
  allClose([0.025, 0.5, 0.9].map((q) => quantile([1, 2, 4, 8], q)), [1.075, 3, 6.8], TIGHT);
  ok(Number.isNaN(quantile([], 0.5)));
});

Deno.test("bootstrap of a mean has the spread of the central limit theorem, and repeats by seed", async () => {
  const n = 400, values = Float64Array.from({ length: n }, (_, i) => i % 20);
  const mean = (counts: Uint32Array) => [counts.reduce((sum, c, i) => sum + c * values[i], 0) / n];
  const [first] = await bootstrap(n, 500, 7, mean);
  const [again] = await bootstrap(n, 500, 7, mean);
  deepEqual(first, again);
  // Standard error √(133 / 400 / 4 …): sd of 0..19 is 5.766, over √400 is 0.288; 1.96 of them.
  // 500 resamples place a 2.5 % quantile within about 0.05 (three standard errors of it: 0.1).
  allClose([first.low, first.high], [9.5 - 0.565, 9.5 + 0.565], { atol: 0.1 });
});

Deno.test("bootstrap leaves undefined resamples out, hears the signal and reports progress", async () => {
  const seen: number[] = [];
  let call = 0;
  const [some, none] = await bootstrap(3, 40, 0, () => [call++ % 2 === 0 ? NaN : 5, NaN], {
    onProgress: (done) => seen.push(done),
  });
  deepEqual([some, none], [{ low: 5, high: 5 }, { low: NaN, high: NaN }]);
  deepEqual([seen.length, seen.at(-1)], [40, 40]);
  const abort = new AbortController();
  abort.abort(new Error("stop"));
  await rejects(() => bootstrap(3, 40, 0, () => [1], { signal: abort.signal }), /stop/);
});
