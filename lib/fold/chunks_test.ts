import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { blockFlops, planChunks } from "./chunks.ts";
import { ESMFOLD_V1 } from "./config.ts";

const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b);

Deno.test("planChunks() covers all rows and channels, whatever the budget", () => {
  for (const length of [1, 2, 21, 128, 1024, 2700]) {
    for (const bytes of [1, 2 ** 20, 2 ** 27, 2 ** 40]) {
      for (const rows of [undefined, 1, 7, 10_000]) {
        const plan = planChunks(ESMFOLD_V1, length, { bytes, rows });
        equal(sum(plan.rows), length);
        equal(plan.channels[0][0], 0);
        plan.channels.slice(1).forEach(([begin], n) => equal(begin, plan.channels[n][1]));
        equal(plan.channels.at(-1)![1], 128);
        // A product of fewer pairs than it has columns is added up in another order.
        ok(plan.rows.length === 1 || plan.rows.every((own) => own * length >= 512), `${length}`);
      }
    }
  }
});

Deno.test("planChunks() keeps what a step makes within its budget, and to what a device can hold", () => {
  const { rows, channels } = planChunks(ESMFOLD_V1, 1024, { bytes: 2 ** 27 });
  // Scores of four heads.
  ok(4 * 4 * rows[0] * 1024 ** 2 < 2 ** 27);
  ok(4 * 6 * channels[0][1] * 1024 ** 2 < 2 ** 27);
  const limit = { bytes: 2 ** 26, hard: true, fastAttentionBytes: 2 ** 26 };
  const device = planChunks(ESMFOLD_V1, 512, { bytes: 2 ** 40, limit });
  ok(
    4 * 4 * device.rows[0] * 512 ** 2 <= 2 ** 26 && 4 * device.channels[0][1] * 512 ** 2 <= 2 ** 26,
  );
  // Where there is room a device is given all at once, a host what its caches hold.
  deepEqual(planChunks(ESMFOLD_V1, 128, { limit: { ...limit, bytes: 2 ** 40 }, bytes: 2 ** 40 }), {
    rows: [128],
    channels: [[0, 128]],
  });
  deepEqual(planChunks(ESMFOLD_V1, 128).rows, Array(8).fill(16));
});

Deno.test("blockFlops() counts 1536 L³ + 1.0e6 L² + 2.7e7 L", () => {
  for (const length of [64, 256, 1024]) {
    const expected = 1536 * length ** 3 + 1.0e6 * length ** 2 + 2.7e7 * length;
    ok(Math.abs(blockFlops(ESMFOLD_V1, length) / expected - 1) < 0.03, `${length}`);
  }
});
