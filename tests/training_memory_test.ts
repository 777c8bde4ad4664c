/**
 * Peak memory of training steps, in processes of their own. Adapters have no gradient and no moments of frozen
 * weights; LARGE_MODEL=1 adds a step at the shape of 650M.
 */
import type { TrainingMemory, TrainingMemoryCase } from "../lib/bench/training_child.ts";
import { equal, ok } from "./assert.ts";
import { runFresh } from "./fresh_process.ts";

const child = new URL("../lib/bench/training_child.ts", import.meta.url);

async function measure(one: TrainingMemoryCase): Promise<TrainingMemory> {
  const allowed = ["read", "write", "env", "ffi", "sys"].map((name) => `--allow-${name}`);
  return JSON.parse(await runFresh([...allowed, child.href, JSON.stringify(one)]));
}

const wanted = Deno.env.get("LARGE_MODEL") === "1";
const isWindows = Deno.build.os === "windows";
const MB = 1e6, GB = 1e9;

Deno.test({
  name: "A step of adapters at 35M takes at most 0.4 of the memory of one of all weights",
  ignore: isWindows,
  async fn(t) {
    const batch = { steps: 2, residues: 126, sequences: 1 };
    const lora = await measure({ ...batch, shape: "35M", mode: "lora" });
    const full = await measure({ ...batch, shape: "35M", mode: "full" });
    equal(lora.trained, 12 * 3 * 2 * 8 * 480);
    ok(lora.norm > 0 && full.norm > 0);
    const ratio = lora.peakBytes / full.peakBytes;
    const name = `${(lora.peakBytes / MB).toFixed(0)} of ${(full.peakBytes / MB).toFixed(0)} MB`;
    // The weights alone are 134 MB, of 536 with gradients and moments.
    await t.step(`${name}: ${ratio.toFixed(2)}`, () => ok(ratio <= 0.4));
  },
});

Deno.test({
  name: `A step of adapters at 650M runs within 6 GB${wanted ? "" : " (skipped: LARGE_MODEL=1)"}`,
  ignore: !wanted || isWindows,
  async fn(t) {
    const batch = { steps: 2, residues: 254, sequences: 2 };
    const { peakBytes, stepMs, norm } = await measure({ ...batch, shape: "650M", mode: "lora" });
    ok(norm > 0);
    const name = `${(peakBytes / GB).toFixed(2)} GB, ${(stepMs / 1000).toFixed(1)} s a step`;
    // The weights alone are 2.6 GB.
    await t.step(`512 tokens: ${name}`, () => ok(peakBytes < 6 * GB));
  },
});
