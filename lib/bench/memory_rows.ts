/**
 * Peak memory of passes, each in a process of its own.
 *
 * Linux lets a process inherit the peak of the one that started it, so this must run before anything
 * that needs memory.
 */
import type { BackendName } from "../backend/mod.ts";
import { formatBytes } from "../cli/units.ts";
import { peakMemoryBytes } from "../provenance.ts";
import { type ShapeName, SHAPES, weightBytes } from "../checkpoint/random.ts";
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

/** Sequences of the largest batch where batches of all sizes run. */
export const MOST_SEQUENCES = 24;

const child = new URL("./memory_child.ts", import.meta.url);

/** Rows in order; a case that needs no more memory than this process did is left out with a note. */
export async function memoryRows(
  cases: readonly MemoryCase[],
  { signal, onCase }: { signal?: AbortSignal; onCase?(done: MemoryCase): void } = {},
): Promise<{ rows: MemoryRow[]; notes: string[] }> {
  const rows: MemoryRow[] = [], notes: string[] = [];
  for (const one of cases) {
    signal?.throwIfAborted();
    const config = SHAPES[one.shape];
    const use = await runModule<MemoryUse>(child, one, signal);
    const own = peakMemoryBytes();
    if (use.peakBytes <= own) {
      notes.push(
        `no memory of ${one.runner}, ${one.tokens} tokens: the benchmark itself (or what started ` +
          `it) had needed ${formatBytes(own)}, which hides a smaller peak`,
      );
      continue;
    }
    const sequences = one.runner === "engine, all sizes" ? MOST_SEQUENCES : 1;
    const blockAttentionBytes = 4 * sequences * config.heads * one.tokens ** 2;
    rows.push({
      ...one,
      ...use,
      weightBytes: weightBytes(config),
      blockAttentionBytes,
      allAttentionBytes: config.layers * blockAttentionBytes,
    });
    onCase?.(one);
  }
  return { rows, notes };
}
