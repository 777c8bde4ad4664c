/** How sites are marked beside plots: places in per cent of an axis of residues. */
import type { Site } from "../types.ts";

export interface SiteMark {
  name: string;
  residue: number;
  /** Middle of the residue, % of the axis. */
  at: number;
  /** Row of the label, 0 nearest to the plot; null where no row has room. */
  row: number | null;
}

/**
 * Places the labels of sites so that they do not overlap.
 *
 * @param width space that a label needs, % of the axis
 * @param rows how many rows of labels there are
 */
export function siteMarks(sites: Site[], length: number, width: number, rows: number): SiteMark[] {
  const ends = new Array<number>(rows).fill(-Infinity);
  return [...sites].sort((a, b) => a.residue - b.residue).map(({ residue, letter }) => {
    const at = 100 * (residue - 0.5) / length;
    const row = ends.findIndex((end) => at - width / 2 >= end);
    if (row >= 0) ends[row] = at + width / 2;
    return { name: `${letter}${residue}`, residue, at, row: row < 0 ? null : row };
  });
}
