import { allClose, deepEqual, equal } from "../../tests/assert.ts";
import { withSpeedUp } from "./kernel_rows_cpu.ts";
import { standing } from "./roof.ts";
import { sampleReport } from "./testing/sample_report.ts";
import type { Ceilings } from "./types.ts";

/** Ridge at 10 FLOP per byte. */
const ceilings: Ceilings = { processor: "gpu", copyGBps: 100, fmaGflops: 1000, launchUs: 5 };
const us = (median: number) => ({ samples: 1, median, p10: median, p90: median });

Deno.test("standing() left of the ridge is a share of the copy", () => {
  // 4 MB in 80 µs are 50 GB/s.
  const found = standing({ bytes: 4e6, flops: 4e6 }, us(80), ceilings);
  allClose([found.gbps, found.gflops, found.share], [50, 50, 0.5], { rtol: 1e-12 });
  equal(found.bound, "memory");
});

Deno.test("standing() right of the ridge is a share of the arithmetic", () => {
  // 20 MFLOP in 80 µs are 250 GFLOP/s.
  const found = standing({ bytes: 1e6, flops: 20e6 }, us(80), ceilings);
  allClose([found.gflops, found.share], [250, 0.25], { rtol: 1e-12 });
  equal(found.bound, "compute");
});

Deno.test("standing() says launch for times that are mostly the launch's", () => {
  equal(standing({ bytes: 1e3, flops: 0 }, us(14), ceilings).bound, "launch");
  equal(standing({ bytes: 1e3, flops: 0 }, us(16), ceilings).bound, "memory");
});

Deno.test("withSpeedUp() compares with the twin of the same shape, and no yardsticks", () => {
  const rows = withSpeedUp(sampleReport().kernels);
  deepEqual(rows.map(({ speedUp }) => speedUp), [undefined, 1150 / 17, undefined, undefined]);
});
