/** What a report over many proteins says of each: all that is kept of those that it does not draw. */
import { FALSE_DISCOVERY_RATE, isSensitive, rankHeads } from "../score.ts";
import type { HeadRow, ProteinResult, Site } from "../types.ts";

/** A row of the table of proteins. */
export interface ProteinLine {
  id: string;
  /** Residues. */
  length: number;
  sites: Site[];
  heads: number;
  sensitive: number;
  /** How many the rule calls by chance. */
  calledByChance: number;
  /** Whether a head stays after correction. */
  hasDiscovery: boolean;
  /** The highest head. */
  best?: HeadRow;
}

/** The row of a result. */
export function lineOf({ id, residues, sites, rows, calledByChance }: ProteinResult): ProteinLine {
  return {
    ...{ id, length: residues.length, sites, heads: rows.length, calledByChance },
    sensitive: rows.filter((row) => isSensitive(row)).length,
    hasDiscovery: rows.some(isDiscovery),
    best: rankHeads(rows)[0],
  };
}

/** Whether a head stays after correction for all. */
export const isDiscovery = ({ qBh }: HeadRow): boolean => qBh < FALSE_DISCOVERY_RATE;
