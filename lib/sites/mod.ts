/**
 * Attention to sites: which heads look at a protein's sites more than chance allows.
 *
 * Attention is what each residue receives, f32[L] per layer and head, summed over the rows above a
 * threshold; chance is what random sets of as many residues receive. Layers and heads count from 0,
 * residues from 1.
 *
 * @example Heads that look at two residues
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { Esm2 } from "../esm2/mod.ts";
 * import { openModel } from "../hub/open_model.ts";
 * import { analyzeSites, isSensitive, parseSites, rankHeads } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * const protein = { id: "toy", residues: "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ" };
 * const sites = parseSites("A4,Y5", protein, "example");
 * const { proteins: [{ rows }] } = await analyzeSites(esm, [{ ...protein, sites }], { seed: 1 });
 * const [best] = rankHeads(rows);
 * console.log(best.layer, best.head, best.impact, isSensitive(best));
 * if (rows.length !== esm.config.layers * esm.config.heads) throw new Error("a row for every head");
 * ```
 *
 * @module
 */
export {
  analyzeSites,
  type AttentionSink,
  type ProteinInput,
  type SiteAnalysis,
  type SiteOptions,
} from "./analyze.ts";
export { LEGACY_MODES, type LegacyMode, type LegacyRow } from "./legacy.ts";
export { NULL_MODES, type NullMode } from "./null_model.ts";
export { parseSites } from "./parse_sites.ts";
export { isSensitive, rankHeads, SENSITIVE } from "./score.ts";
export { summarise } from "./summary.ts";
export type {
  AdaptedHead,
  AdapterResult,
  HeadMap,
  HeadRow,
  HeadSummary,
  Mutant,
  MutantHead,
  MutantProfile,
  MutantResult,
  ProteinResult,
  Replaced,
  Site,
} from "./types.ts";
