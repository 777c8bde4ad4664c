/** Forward passes as the rows time them, on the engine and on the whole graph. */
import type { Esm2, PlannedBatch } from "../esm2/mod.ts";
import { collectSums } from "../sites/collect.ts";
import type { AttentionUse } from "./types.ts";

/** The default of `analyze`. */
const THETA = 0.3;

/**
 * Runs the engine once, to the end of the device's work.
 *
 * none     logits
 * all      logits, and every block's attention is handed to a visitor that does nothing
 * reduced  every block's attention summed as `analyze` does it, which needs no logits
 */
export async function enginePass(
  model: Esm2,
  batch: PlannedBatch,
  attention: AttentionUse,
): Promise<Float32Array | undefined> {
  if (attention === "reduced") {
    const layers = Array.from({ length: model.config.layers }, (_, i) => i);
    await collectSums(model, batch, { threshold: THETA, specials: false, layers });
    return undefined;
  }
  const visitor = attention === "all" ? { attention: () => {} } : undefined;
  using result = await model.run(batch, { head: true, visitor });
  return await result.logits!.read();
}

/** Largest difference of two arrays over the largest value: 1e-3 is far above single precision. */
export function relativeDifference(a: Float32Array, b: Float32Array): number {
  let difference = 0, largest = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i] - b[i]);
    // NaN is larger than anything.
    if (!(d <= difference)) difference = d;
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return difference / largest;
}
