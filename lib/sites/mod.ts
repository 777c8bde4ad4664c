/** Attention to sites: which heads look at a protein's sites more than chance allows. */
export {
  analyzeSites,
  type AttentionSink,
  type ProteinInput,
  type SiteAnalysis,
  type SiteOptions,
} from "./analyze.ts";
export type { LegacyRow } from "./legacy.ts";
export { parseSites } from "./parse_sites.ts";
export { isSensitive, rankHeads, SENSITIVE } from "./score.ts";
export { summarise } from "./summary.ts";
export type { HeadMap, HeadRow, HeadSummary, ProteinResult, Site } from "./types.ts";
