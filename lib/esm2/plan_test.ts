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
