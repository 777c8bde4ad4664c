/** ESM-2: alphabet, tokens, and the model run block by block. */
export { AMINO_ACIDS_BEGIN, AMINO_ACIDS_END, TOKENS } from "./alphabet.ts";
export type { AdapterDropout } from "./adapter_weights.ts";
export {
  ADAPTER_PARTS,
  type AdapterPart,
  type AdapterWeight,
  BLOCK_LINEARS,
  type BlockLinear,
  type HeadLinear,
  type Linear,
} from "./adapters.ts";
export { BLOCK_WEIGHTS, type BlockWeight } from "./block.ts";
export type {
  BackwardOptions,
  BackwardResult,
  CotangentSource,
  GradientOptions,
  GradientResult,
  StateGradientOptions,
  StateGradientResult,
  WeightGradients,
} from "./gradient.ts";
export { HEAD_WEIGHTS, type HeadWeight } from "./head.ts";
export type { HeadOfSequence } from "./head_attention.ts";
export type { HeadOptions, HeadResult, Translator } from "./head_runner.ts";
export {
  Esm2,
  type ModelOptions,
  type RunOptions,
  type RunResult,
  type StreamLens,
} from "./model.ts";
export { type LowPrecision, type Precision, requireF32 } from "./precision.ts";
export type { GraphProgram } from "./programs.ts";
export { defaultTokenBudget, headGroups, planBatches, type PlannedBatch } from "./plan.ts";
export {
  displayLetters,
  padBatch,
  type Sequence,
  type TokenBatch,
  tokenize,
  type TokenizeOptions,
  TRAINED_LENGTH,
} from "./tokenize.ts";
export type {
  AttentionReduction,
  PatternReduction,
  ReducedPiece,
  ReductionInput,
  ReductionOutput,
} from "./reduction.ts";
export { joinReductions } from "./reduction.ts";
export {
  type BatchWatch,
  logitsFrom,
  readStreams,
  type Stream,
  type StreamOptions,
  streamRows,
  visitBatch,
  type VisitOptions,
  visitStreams,
} from "./streams.ts";
export { centralParts, type Window, windowsOf, windowTokens } from "./windows.ts";
export type { PrepackOptions } from "./segments.ts";
export {
  type AttentionPiece,
  BLOCK_PARTS,
  type BlockPart,
  type BlockPartName,
  type HiddenState,
  type StreamPlace,
  type Visitor,
} from "./visitor.ts";
