/** Zero-shot variant scoring. */
export { aggregate, type ModelAverage } from "./aggregate.ts";
export { evaluate, type Performance, type Samples } from "./evaluate.ts";
export { type Edit, parseVariant } from "./grammar.ts";
export { AMINO_ACIDS } from "./letters.ts";
export { ScoreMatrix } from "./matrix.ts";
export { mutate, resolveVariant } from "./resolve.ts";
export { scanVariants } from "./scan.ts";
export { type ScoredRow, type ScoreRequest, type ScoreResult, scoreVariants } from "./score.ts";
export { allSingles, listed, type VariantSource } from "./source.ts";
export type {
  Mode,
  Multi,
  Reading,
  Reason,
  Target,
  Unscorable,
  Variant,
  VariantRow,
} from "./types.ts";
export { type WindowKind, windowsOf } from "./windows.ts";
