/**
 * Which residues touch: ESM-2's contact head, averaged heads, the categorical Jacobian, the covariance
 * of an alignment, and how good each map is.
 *
 * Maps are f32[L, L], symmetric, row by row; residues count from 0 in them. Two residues are in contact
 * where their Cβ (Cα of glycine) are less than 8 Å apart in a structure.
 *
 * @example Contacts of a peptide by the contact head
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { Esm2, tokenize } from "../esm2/mod.ts";
 * import { openModel } from "../hub/open_model.ts";
 * import { Predictor, predictProtein, rangeOf } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * await using predictor = await Predictor.create(esm, model.checkpoint, { method: "head" });
 * const residues = "NLYIQWLKDGGPSSGRPPPS";
 * const map = await predictProtein(predictor, tokenize({ id: "trp-cage", residues }), 1022);
 * if (map.length !== 400 || map[0 * 20 + 15] !== map[15 * 20 + 0]) throw new Error("no map");
 * if (rangeOf(15) !== "medium") throw new Error("no range");
 * ```
 *
 * @module
 */
export {
  type ContactOptions,
  type ContactSummary,
  ContactSurvey,
  type ContactUnit,
  prepareContacts,
  type Prepared as PreparedContacts,
  type PreparedProtein,
  resultOf,
  summariseContacts,
} from "./analyze.ts";
export { apc } from "./apc.ts";
export {
  AttentionContacts,
  type AttentionContactsOptions,
  type ContactRun,
  type HeadWeights,
} from "./attention_contacts.ts";
export { ContactHead } from "./contact_head.ts";
export { covarianceContacts } from "./covariance.ts";
export {
  areaUnderCurve,
  evaluate as evaluateContacts,
  precisionAt,
  precisionCurve,
  type RankedPairs,
  rankPairs,
} from "./evaluate.ts";
export { jacobianContacts, type JacobianOptions } from "./jacobian.ts";
export { runMotif } from "./motif.ts";
export {
  type Element as SecondaryElement,
  MOTIF_MODES,
  type MotifMode,
  type MotifOptions,
  type MotifResult,
  type MotifShare,
  type MotifUnit,
  type RecoveryPoint,
  type Span,
} from "./motif_types.ts";
export { columnsFor, type MsaColumns } from "./msa.ts";
export { type Msa, parseMsa, readMsa } from "./msa_file.ts";
export {
  type HeadName,
  Predictor,
  type PredictorOptions,
  predictProtein,
  type RunOptions as PredictOptions,
} from "./predict.ts";
export { bestHeads as bestContactHeads, rankHeads as rankContactHeads } from "./rank_heads.ts";
export {
  type Metric as ContactMetric,
  METRICS as CONTACT_METRICS,
  type MetricSummary,
} from "./summary.ts";
export type { Interval } from "../stats/bootstrap.ts";
export { CONTACT_ATOMS, truthFromStructure, type TruthOptions } from "./truth.ts";
export { type Protein as TruthProtein, readTruth, type TruthFileOptions } from "./truth_file.ts";
export {
  authorLabel,
  type ContactInput,
  type ContactRecord,
  type ContactResult,
  distanceOf,
  type HeadScore,
  type Method as ContactMethod,
  METHODS as CONTACT_METHODS,
  type Range as ContactRange,
  rangeOf,
  RANGES,
  type RangeScores,
  type Truth,
} from "./types.ts";
