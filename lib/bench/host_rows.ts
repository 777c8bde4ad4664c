/** What a pass on the webgpu backend costs the host, each model in a process of its own. */
import type { Esm2Config } from "../checkpoint/mod.ts";
import { type ShapeName, SHAPES } from "../checkpoint/random.ts";
import { median, pairedRatio, spreadOf } from "./statistics.ts";
import { runModule } from "./subprocess.ts";
import type { HostRow } from "./types.ts";

/** Without a device the width does not matter, but the number of blocks does: 650M has 33. */
const NARROW = "33 blocks of 8M";

export type HostShape = ShapeName | typeof NARROW;

export const HOST_SHAPES: Record<HostShape, Esm2Config> = {
  ...SHAPES,
  [NARROW]: { ...SHAPES["8M"], layers: SHAPES["650M"].layers },
};

export interface HostCase {
  shape: HostShape;
  residues: number;
  batch: number;
  /** Whether the adapter is real; else its commands are not executed, where the driver can do that. */
  hasGpu: boolean;
  budgetMs: number;
}

/** Milliseconds, one per round. */
export interface HostTimes {
  adapter: string;
  replay: number[];
  onnxruntime: number[];
  /** Of 500 commands that do nothing. */
  dispatches: number[];
  pass?: number[];
}

/** How Mesa's software driver calls itself when it executes nothing. */
export const NULL_ADAPTER = "NOOP";

const child = new URL("./host_child.ts", import.meta.url);

export async function hostRows(
  cases: readonly HostCase[],
  { signal, onCase }: { signal?: AbortSignal; onCase?(begun: HostCase): void } = {},
): Promise<HostRow[]> {
  const rows: HostRow[] = [];
  for (const one of cases) {
    signal?.throwIfAborted();
    onCase?.(one);
    // A software adapter's own work on the cores would be counted as the host's.
    const env = one.hasGpu ? undefined : { GALLIUM_NOOP: "true" };
    const { adapter, replay, onnxruntime, dispatches, pass } = await runModule<HostTimes>(
      child,
      one,
      signal,
      env,
    );
    const { shape, residues, batch } = one;
    rows.push({
      shape,
      residues,
      batch,
      adapter,
      replayMs: spreadOf(replay),
      onnxruntimeMs: spreadOf(onnxruntime),
      ratio: pairedRatio(replay, onnxruntime),
      overDispatches: pairedRatio(replay, dispatches),
      usPerBlock: 1000 * median(replay) / HOST_SHAPES[shape].layers,
      ...(pass && { passMs: spreadOf(pass) }),
    });
  }
  return rows;
}
