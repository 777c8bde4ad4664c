/** Tests that need an adapter: skipped aloud without one, or failed when REQUIRE_GPU=1. */
import { GpuContext } from "../lib/gpu/mod.ts";
import { equal } from "./assert.ts";

const adapter = await GpuContext.probe();
const isRequired = Deno.env.get("REQUIRE_GPU") === "1";

/** Whether tests that need an adapter run here; where one is required they run and fail without. */
export const runsGpuTests = adapter !== null || isRequired;

/** What the name of a test that needs an adapter ends with where it is skipped. */
export const gpuSkipped = runsGpuTests ? "" : " (skipped: no WebGPU adapter found)";

/** Registers a test that gets an open context and must free all it allocates on it. */
export function gpuTest(name: string, fn: (ctx: GpuContext) => void | Promise<void>): void {
  Deno.test({
    name: name + gpuSkipped,
    ignore: !runsGpuTests,
    async fn() {
      using ctx = await GpuContext.open();
      await fn(ctx);
      equal(ctx.liveBytes, 0, "bytes still live on the device");
    },
  });
}
