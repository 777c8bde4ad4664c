/** What every head's ablation does to a fold. */
import { UserError } from "../errors.ts";
import type { HeadName } from "../contacts/predict.ts";
import type { Esm2Config } from "../checkpoint/mod.ts";
import type { FoldChains } from "./input.ts";
import { keptResidues } from "./input.ts";
import { contactChange, nearness, touching } from "./nearness.ts";
import type { ScanRow } from "./tables.ts";
import type { Trace } from "./unit.ts";

/** What `--scan` may look through. */
export const SCANS = ["heads"] as const;

/** Heads that are ablated, unless told. */
export const SCAN_MOST = 100;

export interface ScanFlags {
  scan?: typeof SCANS[number];
  /** Layers whose heads are ablated. */
  scanLayers?: readonly number[];
  /** Heads that are ablated at most. */
  scanMost?: number;
}

/** @throws {UserError} for options of a scan without one */
export function checkScan({ scan, scanLayers, scanMost }: ScanFlags): void {
  if (scan !== undefined) return;
  for (const [flag, value] of [["--scan-layers", scanLayers], ["--scan-most", scanMost]]) {
    if (value === undefined) continue;
    throw new UserError(
      `Cannot use ${flag} as --scan heads must be given with it: current value is none`,
    );
  }
}

/**
 * The heads that are ablated: those of the layers, or so many of them evenly spread from the first on.
 *
 * @throws {UserError} for a layer that the model has not
 */
export function headsOf(
  { scanLayers, scanMost = SCAN_MOST }: ScanFlags,
  { layers, heads }: Pick<Esm2Config, "layers" | "heads">,
): { chosen: HeadName[]; all: number } {
  const wrong = scanLayers?.find((layer) => layer >= layers);
  if (wrong !== undefined) {
    throw new UserError(
      `Cannot use --scan-layers as layers must be in 0..${
        layers - 1
      }, as the model's: current value is ${wrong}`,
    );
  }
  const all = (scanLayers ?? [...Array(layers).keys()]).flatMap((layer) =>
    Array.from({ length: heads }, (_, head): HeadName => ({ layer, head }))
  );
  const count = Math.min(scanMost, all.length);
  return {
    chosen: Array.from({ length: count }, (_, i) => all[Math.floor(i * all.length / count)]),
    all: all.length,
  };
}

/** How much a scan is, in a sentence. */
export function scanText(chosen: number, all: number, proteins: number, recycles: number): string {
  const folds = proteins * (chosen + 1);
  return `Scan: ${
    chosen === all ? `all ${all} heads` : `${chosen} of ${all} heads (--scan-most)`
  }, ` +
    `${folds} folds, each of ${recycles + 1} pass${
      recycles === 0 ? "" : "es"
    } (--recycles ${recycles}).`;
}

/** The folds without each head against the unchanged one, those that cost most contacts first. */
export function scanRows(
  chains: FoldChains,
  plain: Trace,
  ablated: readonly { head: HeadName; trace: Trace }[],
): ScanRow[] {
  const places = keptResidues(chains).map((residue) => chains.places[residue]);
  const before = touching(plain.betas, places);
  const rows = ablated.map(({ head, trace }) => {
    const change = contactChange(before, touching(trace.betas, places));
    const { rmsd, tm } = nearness(trace.alphas, plain.alphas);
    return {
      ...{ id: chains.id, ...head, ...change, rmsd, tm },
      lostShare: change.contacts === 0 ? NaN : change.lost / change.contacts,
      plddtChange: trace.meanPlddt - plain.meanPlddt,
      ptmChange: trace.ptm - plain.ptm,
    };
  });
  rows.sort((a, b) => b.lost - a.lost || b.rmsd - a.rmsd || a.layer - b.layer || a.head - b.head);
  return rows.map((row, i) => ({ ...row, rank: i + 1 }));
}
