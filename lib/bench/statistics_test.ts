import { allClose, deepEqual, equal, rejects, throws } from "../../tests/assert.ts";
import { interleave } from "./interleave.ts";
import { median, pairedRatio, quantile, spreadOf } from "./statistics.ts";

Deno.test("quantile() interpolates between neighbours and ignores the order", () => {
  equal(quantile([4, 1, 3, 2], 0), 1);
  equal(quantile([4, 1, 3, 2], 1), 4);
  equal(median([4, 1, 3, 2]), 2.5);
  equal(median([10, 2, 9]), 9);
  // NumPy's default: quantile([1, 2, 4, 8, 16], 0.9) = 12.8.
  allClose([quantile([1, 2, 4, 8, 16], 0.9)], [12.8], { rtol: 1e-15 });
  throws(() => quantile([], 0.5), /there must be a value/);
});

Deno.test("spreadOf() of one value is that value", () => {
  deepEqual(spreadOf([7]), { samples: 1, median: 7, p10: 7, p90: 7 });
});

Deno.test("pairedRatio() is not moved by rounds that are slow for both", () => {
  deepEqual(pairedRatio([2, 4, 200], [1, 2, 100]), { samples: 3, median: 2, p10: 2, p90: 2 });
  throws(() => pairedRatio([1], [1, 2]), /current counts are 1 and 2/);
});

/** A clock that variants move forward themselves. */
function scene(costs: Record<string, number>) {
  let clock = 0;
  const order: string[] = [];
  return {
    order,
    now: () => clock,
    variants: Object.entries(costs).map(([name, cost]) => ({
      name,
      run(round: number) {
        order.push(`${name}${round}`);
        clock += cost;
      },
    })),
  };
}

Deno.test("interleave() takes turns, warm-up first, and gives one time per round", async () => {
  const { variants, now, order } = scene({ a: 3, b: 5 });
  const times = await interleave(variants, { budgetMs: 0, least: 2, now });
  deepEqual(times, { a: [3, 3], b: [5, 5] });
  equal(order.join(" "), "a0 b0 a1 b1 a2 b2");
});

Deno.test("interleave() warms a variant up for as long as it is told to", async () => {
  const { variants, now, order } = scene({ a: 3, b: 50 });
  const times = await interleave(variants, { budgetMs: 0, least: 1, warmupMs: 10, now });
  deepEqual(times, { a: [3], b: [50] });
  equal(order.join(" "), "a0 a1 a2 a3 b0 a1 b1");
});

Deno.test("interleave() stops after its budget, or after the most rounds", async () => {
  const { variants, now } = scene({ a: 3, b: 5 });
  // Rounds end at 8, 16, 24, 32.
  equal((await interleave(variants, { budgetMs: 25, now })).a.length, 4);
  equal((await interleave(variants, { budgetMs: 1e6, most: 6, now })).a.length, 6);
});

Deno.test("interleave() ends between two runs when the signal fires", async () => {
  const { variants, order } = scene({ a: 1, b: 1 });
  const abort = new AbortController();
  const stopping = [variants[0], { name: "stop", run: () => abort.abort() }, variants[1]];
  await rejects(interleave(stopping, { budgetMs: 1, signal: abort.signal }), {
    name: "AbortError",
  });
  equal(order.join(" "), "a0");
});
