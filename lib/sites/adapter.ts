/** What an adapter does to every head's attention. */
import type { Esm2 } from "../esm2/mod.ts";
import { compareModels } from "./attention_change.ts";
import type { SetUp } from "./analyze.ts";
import { MOST_PROFILES } from "./mutants.ts";
import type { AdaptedHead, AdapterResult, HeadRow } from "./types.ts";

/** How two models are compared. */
export interface AdapterOptions {
  /** What the adapter is called. */
  name: string;
  /** Ascending. */
  layers: readonly number[];
  /** Rows and columns, and which of them are sites. */
  setup: SetUp;
  signal?: AbortSignal;
}

/**
 * Attention of a model with an adapter minus that without, by head and by residue.
 *
 * @param models without the adapter, and with it
 * @param row token ids of the protein
 * @param rows what each of them says of the heads and the sites
 */
export async function analyzeAdapter(
  models: readonly [before: Esm2, after: Esm2],
  row: Int32Array,
  [before, after]: readonly [before: readonly HeadRow[], after: readonly HeadRow[]],
  { name, layers, setup: { columns, specials, sites }, signal }: AdapterOptions,
): Promise<AdapterResult> {
  const begin = specials ? 0 : 1, width = row.length;
  const { change, moved } = await compareModels(
    models,
    row,
    [begin, begin + columns],
    layers,
    signal,
  );
  const received = (g: number) => change.subarray(g * width + begin, g * width + begin + columns);
  const rows = after.map((own, g): AdaptedHead => {
    let all = 0;
    for (let j = g * width; j < (g + 1) * width; j++) all += moved[j];
    const of = received(g);
    return {
      ...{ layer: own.layer, head: own.head, rank: 0 },
      change: all / 2 / columns,
      sitesChange: sites.reduce((sum, site) => sum + of[site], 0),
      before: before[g],
      after: own,
    };
  });
  const order = rankAdapted(rows);
  order.forEach((own, i) => own.rank = i + 1);
  const profiles = order.slice(0, MOST_PROFILES).map((own) => ({
    ...{ layer: own.layer, head: own.head, received: received(rows.indexOf(own)).slice() },
  }));
  return { name, rows, profiles };
}

/** Heads whose attention changes most first. */
export function rankAdapted(rows: readonly AdaptedHead[]): AdaptedHead[] {
  return [...rows].sort((a, b) => b.change - a.change || a.layer - b.layer || a.head - b.head);
}
