import { deepEqual, equal, ok, throws } from "../../tests/assert.ts";
import { fc } from "../../tests/property.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import { headGroups, planBatches } from "./plan.ts";

const config: Esm2Config = {
  layers: 6,
  dModel: 320,
  heads: 20,
  headDim: 16,
  ffn: 1280,
  tokenDropout: true,
};
const MIB = 2 ** 20;
const limitOf = (bytes: number, hard: boolean) => ({ bytes, hard, fastAttentionBytes: bytes });

Deno.test("headGroups keeps all heads together when they fit", () => {
  deepEqual(headGroups(config, 1, 414, limitOf(128 * MIB, true)), [20]);
});

Deno.test("headGroups splits attention that passes the limit and covers every head", () => {
  // 20 heads × 3000² × 4 bytes = 687 MiB.
  const groups = headGroups(config, 1, 3000, limitOf(128 * MIB, true));
  ok(groups.every((n) => n * 3000 * 3000 * 4 <= 128 * MIB));
  equal(groups.reduce((a, b) => a + b), 20);
  ok(groups.length > 1);
});

Deno.test("headGroups makes groups of nearly equal size for a smaller budget", () => {
  const groups = headGroups(config, 1, 414, limitOf(128 * MIB, false), 4 * MIB);
  deepEqual(groups, [5, 5, 5, 5].map((n) => n));
  deepEqual(headGroups({ ...config, heads: 7 }, 1, 414, limitOf(128 * MIB, false), 2 * MIB), [
    2,
    2,
    3,
  ]);
});

Deno.test("headGroups refuses what a hard limit cannot hold, and only then", () => {
  throws(() => headGroups(config, 1, 6000, limitOf(128 * MIB, true)), /--backend cpu/);
  deepEqual(headGroups(config, 1, 6000, limitOf(128 * MIB, false)), Array(20).fill(1));
});

Deno.test("headGroups refuses a feed-forward layer that a hard limit cannot hold", () => {
  // 300² × 4 bytes of attention are 0.3 MiB, 300 × 1280 × 4 of the layer 1.5 MiB.
  const limit = limitOf(MIB, true);
  throws(
    () => headGroups(config, 1, 300, limit),
    /at most 1 MiB on this device: this one has 1 MiB/,
  );
  deepEqual(headGroups(config, 1, 200, limit).reduce((a, b) => a + b), 20);
  deepEqual(headGroups(config, 1, 300, limitOf(MIB, false)).reduce((a, b) => a + b), 20);
});

Deno.test("planBatches keeps the feed-forward layer of a batch within the limit", () => {
  // Short sequences: 20 × 20² × 4 bytes of attention are less than 20 × 1280 × 4 of the layer.
  const rows = Array.from({ length: 64 }, () => new Int32Array(20).fill(5));
  const limit = limitOf(MIB, true);
  const batches = planBatches(rows, config, limit, 10_000);
  for (const { size, width } of batches) {
    ok(size * width * config.ffn * 4 <= limit.bytes, `${size}`);
  }
  equal(batches.length, Math.ceil(64 / Math.floor(MIB / (20 * 1280 * 4))));
});

/** Lengths as proteins have them: most short, some long. */
const LENGTHS = Array.from(
  { length: 200 },
  (_, i) => Math.min(1024, Math.round(40 * Math.exp(3 * (i * 0.618 % 1)))),
);

const rowsOf = (lengths: readonly number[]) => lengths.map((n) => new Int32Array(n).fill(5));

const padded = (batches: ReturnType<typeof planBatches>) => {
  const all = batches.reduce((sum, { size, width }) => sum + size * width, 0);
  const own = batches.reduce((sum, { lengths }) => sum + lengths.reduce((a, b) => a + b), 0);
  return 1 - own / all;
};

Deno.test("planBatches pads 200 proteins of many lengths by less than 5 %, in hardly more batches", () => {
  const batches = planBatches(rowsOf(LENGTHS), config, limitOf(32 * MIB, false), 1024);
  ok(padded(batches) < 0.05, `${padded(batches)}`);
  const tokens = LENGTHS.reduce((a, b) => a + b);
  ok(batches.length < 1.6 * tokens / 1024, `${batches.length} of ${tokens} tokens`);
});

Deno.test("planBatches pads where another batch would cost more, and on a GPU more readily", () => {
  const sizes = (lengths: number[], hard = false) =>
    planBatches(rowsOf(lengths), config, limitOf(128 * MIB, hard), 8192).map(({ size }) => size);
  deepEqual(sizes([60, 70, 70, 70]), [4]);
  deepEqual(sizes([60, 400, 400, 400]), [1, 3]);
  deepEqual(sizes([60, 400, 400, 400], true), [4]);
  // Equal lengths make the fewest batches, of two sizes at most.
  const even = planBatches(rowsOf(Array(40).fill(100)), config, limitOf(128 * MIB, false), 1024);
  equal(even.length, 4);
  ok(new Set(even.map(({ size }) => size)).size <= 2);
});

Deno.test("planBatches makes the cheapest of all groups", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 3, max: 300 }), { minLength: 1, maxLength: 9 }),
    (lengths) => {
      const sorted = lengths.toSorted((a, b) => a - b), budget = 500;
      /** Cheapest cut of those from `begin` on, every cut tried. */
      const least = (begin: number): number => {
        let best = begin === sorted.length ? 0 : Infinity;
        for (let end = begin + 1; end <= sorted.length; end++) {
          const tokens = (end - begin) * sorted[end - 1];
          if (end === begin + 1 || tokens <= budget) {
            best = Math.min(best, 64 + tokens + least(end));
          }
        }
        return best;
      };
      const batches = planBatches(rowsOf(lengths), config, limitOf(128 * MIB, false), budget);
      equal(batches.reduce((sum, { size, width }) => sum + 64 + size * width, 0), least(0));
    },
  ));
});

Deno.test("planBatches holds every sequence once within budget and limit", () => {
  fc.assert(fc.property(
    fc.array(fc.integer({ min: 3, max: 300 }), { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 50, max: 2000 }),
    (lengths, budget) => {
      const rows = lengths.map((n) => new Int32Array(n).fill(5));
      const limit = limitOf(8 * MIB, true);
      const batches = planBatches(rows, config, limit, budget);
      const members = batches.flatMap((b) => b.members);
      deepEqual([...members].sort((a, b) => a - b), lengths.map((_, i) => i));
      for (const { size, width, lengths: found, members } of batches) {
        deepEqual(found, members.map((i) => lengths[i]));
        ok(size === 1 || size * width <= budget);
        ok(size === 1 || size * 20 * width * width * 4 <= limit.bytes);
      }
    },
  ));
});
