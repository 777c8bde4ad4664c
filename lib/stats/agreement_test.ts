import { allClose } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import { Agreement, agreementOfLabels } from "./agreement.ts";
import { pearson, spearman } from "./correlation.ts";
import { ndcg } from "./ndcg.ts";
import { sorted } from "./sorted.ts";

/** Without numbers whose squares underflow: whether those are constant is a matter of rounding. */
const fine = fc.integer({ min: -2000, max: 2000 }).map((value) => value / 1000);

const labels = {
  all: fc.constantFrom(0, 1),
  some: fc.constantFrom(0, 1, NaN),
  none: fc.constant(undefined),
};
for (const [which, label] of Object.entries(labels)) {
  Deno.test(`Agreement.statistics() are those of repeated observations, with labels of ${which}`, () => {
    const observation = fc.record({
      // Few values tie, many do not.
      score: fc.oneof(fc.integer({ min: -2, max: 2 }), fine),
      measured: fc.oneof(fc.nat(3), fine),
      label,
      draw: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(observation, { minLength: 2, maxLength: 40 }), (all) => {
        const scores = all.map(({ score }) => score), measured = all.map((one) => one.measured);
        const known = which === "none" ? undefined : all.map(({ label }) => label!);
        const score = sorted(scores), n = all.length;
        const agreement = new Agreement(score, sorted(measured), known, 0.3);
        const counts = new Uint32Array(n);
        for (const { draw } of all) counts[Math.floor(draw * n)]++;
        const found = agreement.statistics(counts);
        const repeat = (values: readonly number[]) =>
          Array.from(score.order).flatMap((i, k) => Array<number>(counts[k]).fill(values[i]));
        const [s, m] = [scores, measured].map(repeat), own = sorted(s), truth = sorted(m);
        allClose(found, [
          spearman(own, truth),
          // Of equal values the mean is not always exact, and what is left is no spread.
          [s, m].some((values) => new Set(values).size === 1) ? NaN : pearson(s, m),
          ...(known ? agreementOfLabels(own, repeat(known), undefined) : [NaN, NaN]),
          ndcg(own, truth, 0.3),
        ], { atol: 1e-9 });
      }),
    );
  });
}
