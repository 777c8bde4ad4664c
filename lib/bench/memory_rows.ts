/**
 * Peak memory of passes, each in a process of its own.
 *
 * Linux lets a process inherit the peak of the one that started it, so this must run before anything
 * that needs memory.
 */
import type { BackendName } from "../backend/mod.ts";
import { peakMemoryBytes } from "../provenance.ts";
import { type ShapeName, SHAPES, weightBytes } from "./random_checkpoint.ts";
import { runModule } from "./subprocess.ts";
import type { MemoryRow } from "./types.ts";

export interface MemoryCase {
  shape: ShapeName;
  backend: BackendName;
  tokens: number;
  runner: MemoryRow["runner"];
  attention: MemoryRow["attention"];
}

export type MemoryUse = Pick<MemoryRow, "beforeBytes" | "peakBytes">;

const child = new URL("./memory_child.ts", import.meta.url);

/** @throws {Error} if this process has itself needed more memory than the one it measures */
export async function memoryRows(
  cases: readonly MemoryCase[],
  { signal, onCase }: { signal?: AbortSignal; onCase?(done: MemoryCase): void } = {},
): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const one of cases) {
    signal?.throwIfAborted();
    const config = SHAPES[one.shape];
    const use = await runModule<MemoryUse>(child, one, signal);
    const own = peakMemoryBytes();
    if (use.peakBytes <= own) {
      throw new Error(
        `Cannot measure memory as the benchmark itself must need less than ${use.peakBytes} bytes: ` +
          `current value is ${own}`,
      );
    }
    const blockAttentionBytes = 4 * config.heads * one.tokens ** 2;
    rows.push({
      ...one,
      ...use,
      weightBytes: weightBytes(config),
      blockAttentionBytes,
      allAttentionBytes: config.layers * blockAttentionBytes,
    });
    onCase?.(one);
  }
  return rows;
}
