/** How much memory there is. */
import process from "node:process";

/**
 * Bytes that this process can still take, by the system and by the limit of its container; undefined where
 * it may not know (Deno's permission `systemMemoryInfo`).
 */
export function availableMemory(): number | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  // Not asked for: a prompt in the middle of a run helps nobody.
  if (state !== "granted") return undefined;
  const limit = process.constrainedMemory();
  const left = limit > 0 ? limit - process.memoryUsage.rss() : Infinity;
  return Math.max(0, Math.min(Deno.systemMemoryInfo().available, left));
}
