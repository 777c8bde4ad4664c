/** The result in a sentence, and which heads it counts. */
import { short } from "../../report/scale.ts";
import { FALSE_DISCOVERY_RATE } from "../score.ts";
import type { HeadRow, ProteinResult } from "../types.ts";

/** Above which values a head counts as sensitive to the sites; both must be passed. */
export interface Thresholds {
  impact: number;
  snr: number;
}

/** Whether a head passes both thresholds; an undefined number passes none. */
export function isSensitive(row: HeadRow, { impact, snr }: Thresholds): boolean {
  return row.impact > impact && row.snr > snr;
}

/** Heads that pass both thresholds first, then by z, descending; undefined z last. */
export function ranked(rows: HeadRow[], thresholds: Thresholds): HeadRow[] {
  const rank = (row: HeadRow) => Number.isNaN(row.z) ? -Infinity : row.z;
  const passes = (row: HeadRow) => Number(isSensitive(row, thresholds));
  return [...rows].sort((a, b) =>
    passes(b) - passes(a) || (rank(b) === rank(a) ? 0 : rank(b) - rank(a))
  );
}

export function count(n: number, noun: string): string {
  return `${n === 0 ? "no" : n} ${noun}${n === 1 ? "" : "s"}`;
}

/** What the analysis found for a protein, in plain words. */
export function finding(protein: ProteinResult, thresholds: Thresholds): string {
  const { rows, sites, id } = protein;
  const sensitive = rows.filter((row) => isSensitive(row, thresholds));
  const discoveries = rows.filter((row) => row.qBh < FALSE_DISCOVERY_RATE).length;
  const silent = rows.filter((row) => Number.isNaN(row.impact)).length;
  const who = sensitive.length === 0
    ? `None of ${rows.length} heads attends`
    : `${sensitive.length} of ${count(rows.length, "head")} attend${
      sensitive.length === 1 ? "s" : ""
    }`;
  const whom = sites.length === 1 ? `the site of ${id}` : `the ${sites.length} sites of ${id}`;
  const than = sites.length === 1 ? "one random residue" : "as many random residues";
  return `${who} to ${whom} clearly more than to ${than} ` +
    `(impact > ${short(thresholds.impact)} and SNR > ${short(thresholds.snr)}). ` +
    `The same rule calls ${
      protein.calledByChance.toFixed(1)
    } heads for random residues, on average. ` +
    `Corrected for testing ${count(rows.length, "head")}, ` +
    `${count(discoveries, "head")} ${
      discoveries === 1 ? "stays" : "stay"
    } below a false discovery rate of 5\u00a0%.` +
    (silent === 0 ? "" : ` For ${count(silent, "head")} the impact is undefined: ` +
      "no attention above the threshold goes to the sites or to other residues.");
}
