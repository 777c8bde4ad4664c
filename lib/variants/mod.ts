/**
 * Zero-shot variant scoring: what a mutation does, from the sequence alone.
 *
 * Scores are in nats, the log probability of the mutant less that of the wild type, negative where the
 * model finds the mutant less likely (Meier et al. 2021, 10.1101/2021.07.09.450648). Positions count
 * from 1.
 *
 * @example Every substitution of a peptide, and two that were asked for
 * ```ts
 * import { openBackend } from "../backend/mod.ts";
 * import { Esm2 } from "../esm2/mod.ts";
 * import { openModel } from "../hub/open_model.ts";
 * import { listed, scanVariants, scoreVariants } from "./mod.ts";
 *
 * using model = await openModel(undefined); // the embedded demonstration model
 * const { backend } = await openBackend("cpu");
 * await using _ = backend;
 * await using esm = await Esm2.open(model.checkpoint, backend);
 * const target = { id: "trp-cage", residues: "NLYIQWLKDGGPSSGRPPPS", offset: 1 };
 * const source = listed("W6G,P12A:P19A");
 * const scores: number[] = [];
 * const { matrix } = await scoreVariants(esm, {
 *   target,
 *   source,
 *   scan: await scanVariants(source, target),
 *   mode: "masked-marginal",
 *   multi: "additive",
 *   window: "optimal",
 *   positions: target.residues.split("").map((_, i) => i + 1),
 *   onRow: ({ score }) => void scores.push(score),
 * });
 * if (scores.length !== 2 || scores[0] !== matrix.score(6, "G")) throw new Error("not its score");
 * ```
 *
 * @module
 */
export { aggregate, type ModelAverage, SELECTION_TYPES, type SelectionType } from "./aggregate.ts";
export {
  evaluate as evaluateScores,
  type EvaluateOptions,
  type Performance,
  type Samples,
  type Statistic,
  STATISTICS,
} from "./evaluate.ts";
export { type Edit as VariantEdit, type NamedResidue, parseVariant } from "./grammar.ts";
export { AMINO_ACIDS } from "./letters.ts";
export { ScoreMatrix } from "./matrix.ts";
export { mutate, resolveVariant } from "./resolve.ts";
export { type Scan, scanVariants } from "./scan.ts";
export {
  type ScoredRow,
  type ScoreRequest,
  type ScoreResult,
  type ScoreSubject,
  scoreVariants,
} from "./score.ts";
export type { ScoreSettings } from "./settings.ts";
export { allSingles, listed, type VariantSource } from "./source.ts";
export {
  LEGACY,
  type Legacy,
  type Mode,
  MODES,
  MULTI,
  type Multi,
  type Reading,
  type Reason,
  REASONS,
  type Substitution,
  type Target,
  type Unscorable,
  type Variant,
  type VariantRow,
} from "./types.ts";
export { type WindowKind, WINDOWS } from "./windows.ts";
export type { Interval } from "../stats/bootstrap.ts";
