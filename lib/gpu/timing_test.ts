import { deepEqual, equal, ok } from "../../tests/assert.ts";
import { gpuTest } from "../../tests/gpu.ts";
import { measure, spansOf } from "./timing.ts";

Deno.test("spansOf() drops pairs whose clock ran backwards or stood still", () => {
  const ticks = new BigUint64Array([10n, 25n, 50n, 40n, 60n, 60n, 2n ** 63n, 2n ** 63n + 7n]);
  deepEqual(spansOf(ticks), { samplesNs: [15, 7], dropped: 2 });
});

gpuTest(
  "measure() returns one positive span per sample or says that it was dropped",
  async (ctx) => {
    using x = ctx.upload("x", [64], new Float32Array(64));
    using y = ctx.alloc("y", [64], "f32");
    const timings = await measure(
      ctx,
      "copy",
      (encoder) => encoder.copyBufferToBuffer(x.buffer, 0, y.buffer, 0, 256),
      { samples: 3, warmup: 1 },
    );
    equal(timings.samplesNs.length + timings.dropped, 3);
    ok(timings.samplesNs.every((span) => span > 0));
  },
);
