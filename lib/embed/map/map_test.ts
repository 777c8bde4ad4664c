import { allClose, deepEqual, equal, ok, throws } from "../../../tests/assert.ts";
import { PhiloxStream } from "../../../kernels/philox/mod.ts";
import { openBackend } from "../../backend/mod.ts";
import type { VectorTable } from "../vectors.ts";
import { principalComponents } from "./druid.ts";
import { checkMapped, layOut, MAP_METHODS } from "./layout.ts";
import { labelAgreement, QualitySum } from "./quality.ts";

/** Clusters around corners that are far apart, as many points in each, one after another. */
function clusters(count: number, each: number, width: number): VectorTable {
  const random = new PhiloxStream(5),
    draw = (i: number, n: number) => random.below(2001, i, n) / 1000 - 1;
  const values = new Float32Array(count * each * width);
  for (let i = 0; i < count * each; i++) {
    for (let d = 0; d < width; d++) {
      values[i * width + d] = 3 * draw(i % count * width + d, 1) + 0.3 * draw(i * width + d, 2);
    }
  }
  return { ids: Array.from({ length: count * each }, (_, i) => `p${i}`), width, values };
}

/** Trustworthiness from its definition: ranks by sorting. */
function trust(full: number[][], map: number[][], k: number): number {
  const distances = (points: number[][], i: number) =>
    points.map((p) => p.reduce((sum, x, d) => sum + (x - points[i][d]) ** 2, 0));
  const order = (of: number[], i: number) =>
    of.map((_, j) => j).filter((j) => j !== i).sort((a, b) => of[a] - of[b] || a - b);
  const n = full.length;
  let sum = 0;
  for (let i = 0; i < n; i++) {
    const ranks = order(distances(full, i), i);
    for (const j of order(distances(map, i), i).slice(0, k)) {
      sum += Math.max(0, ranks.indexOf(j) + 1 - k);
    }
  }
  return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * sum;
}

Deno.test("QualitySum is trustworthiness and continuity by definition", () => {
  const random = new PhiloxStream(9), n = 41, k = 6;
  const full = Array.from({ length: n }, (_, i) => [0, 1, 2].map((d) => random.below(1e6, i, d)));
  const map = full.map(([x, y]) => [x, y]);
  const sum = new QualitySum(Float64Array.from(map.flat()), k);
  full.forEach((p, i) =>
    sum.add(i, full.map((q) => -q.reduce((s, x, d) => s + (x - p[d]) ** 2, 0)))
  );
  const { trustworthiness, continuity, preserved, preservedByChance } = sum.result();
  allClose([trustworthiness, continuity], [trust(full, map, k), trust(map, full, k)], {
    atol: 1e-12,
  });
  ok(trustworthiness < 1 && preserved < 1 && preserved > preservedByChance);
  equal(preservedByChance, k / (n - 1));
  allClose([sum.kept.reduce((a, b) => a + b) / n], [preserved], { atol: 1e-12 });
});

Deno.test("QualitySum of a map that is the space is perfect", () => {
  const points = Array.from({ length: 30 }, (_, i) => [i * i, 7 * i % 11]);
  const sum = new QualitySum(Float64Array.from(points.flat()), 5);
  points.forEach(([x, y], i) => sum.add(i, points.map(([a, b]) => -((a - x) ** 2 + (b - y) ** 2))));
  const { trustworthiness, continuity, preserved } = sum.result();
  deepEqual([trustworthiness, continuity, preserved], [1, 1, 1]);
});

Deno.test("labelAgreement counts the nearest, and chance is of pairs", () => {
  // a a b -: the first's nearest is a, the second's b, the third's none.
  const { agreement, chance, labelled } = labelAgreement(["a", "a", "b", ""], [1, 2, 3, 0], 1);
  equal(labelled, 3);
  allClose([agreement], [1 / 3], { atol: 1e-15 });
  allClose([chance], [2 / (3 * 3)], { atol: 1e-15 });
});

Deno.test("principalComponents of a plane: axes, shares and signs in closed form", () => {
  // Along (3, 4)/5 with ±10, along (−4, 3)/5 with ±1; a fifth point far off on one side fixes the sign.
  const along = [[10, 1], [10, -1], [-10, 1], [-10, -1]];
  const values = Float32Array.from(
    along.flatMap(([a, b]) => [7 + (3 * a - 4 * b) / 5, 2 + (4 * a + 3 * b) / 5]),
  );
  const { points, shares } = principalComponents({ values, width: 2 }, 2);
  allClose(shares, [100 / 101, 1 / 101], { atol: 1e-6 });
  for (let i = 0; i < 4; i++) {
    allClose([Math.abs(points[2 * i]), Math.abs(points[2 * i + 1])], [10, 1], { atol: 1e-5 });
  }
  ok(points[0] === -points[4] || Math.abs(points[0] + points[4]) < 1e-5);
  const flat = principalComponents({ values: new Float32Array(8).fill(3), width: 2 }, 2);
  deepEqual([...flat.points], new Array(8).fill(0));
});

for (const method of MAP_METHODS) {
  Deno.test(`layOut ${method}: clusters stay together, the same twice, and its quality is that of its points`, async () => {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    const table = clusters(4, 30, 24);
    const first = await layOut(table, method, backend, { seed: 1 });
    const again = await layOut(table, method, backend, { seed: 1 });
    deepEqual(first.points, again.points);
    ok(first.points.every(Number.isFinite));
    const nearest = table.ids.map((_, i) => {
      let best = -1, least = Infinity;
      for (let j = 0; j < table.ids.length; j++) {
        const away = (first.points[2 * i] - first.points[2 * j]) ** 2 +
          (first.points[2 * i + 1] - first.points[2 * j + 1]) ** 2;
        if (j !== i && away < least) [best, least] = [j, away];
      }
      return best;
    });
    const labels = table.ids.map((_, i) => `${i % 4}`);
    const { agreement } = labelAgreement(labels, nearest, 1);
    ok(agreement > 0.95, `${agreement}`);
    const unit = table.ids.map((_, i) => {
      const v = [...table.values.subarray(i * 24, i * 24 + 24)], length = Math.hypot(...v);
      return v.map((x) => x / length);
    });
    const on = table.ids.map((_, i) => [first.points[2 * i], first.points[2 * i + 1]]);
    // Cosines in single precision may exchange neighbours that are as near.
    allClose([first.quality.trustworthiness], [trust(unit, on, 15)], { atol: 1e-4 });
    if (method !== "pca") {
      const other = await layOut(table, "umap", backend, { seed: 2 });
      ok(
        method !== "umap" || other.points.some((x, i) => x !== first.points[i]),
        "the seed counts",
      );
    }
  });
}

Deno.test("layOut stands few points, copies and zeros", async () => {
  const { backend } = await openBackend("cpu");
  await using _ = backend;
  for (const method of MAP_METHODS) {
    for (const make of [(i: number) => i % 7, () => 1, () => 0]) {
      const values = Float32Array.from({ length: 6 * 8 }, (_, i) => make(i));
      const table = { ids: [..."abcdef"], width: 8, values };
      const { points, quality } = await layOut(table, method, backend, { seed: 1 });
      equal(points.length, 12);
      ok(points.every(Number.isFinite), `${method} ${points}`);
      ok(quality.trustworthiness <= 1);
    }
  }
});

Deno.test("checkMapped says how many a map takes", () => {
  throws(() => checkMapped("umap", 4), "must have 5 to 50000 proteins: current value is 4");
  throws(() => checkMapped("tsne", 10_001), "--map umap takes them");
});
