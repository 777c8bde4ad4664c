/** ESM-2: alphabet, tokens, and the model run block by block. */
export { AMINO_ACIDS_BEGIN, AMINO_ACIDS_END, TOKENS } from "./alphabet.ts";
export type { GradientOptions, GradientResult } from "./gradient.ts";
export { Esm2, type ModelOptions, type RunOptions, type RunResult } from "./model.ts";
export { defaultTokenBudget, planBatches, type PlannedBatch } from "./plan.ts";
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
export {
  type AttentionPiece,
  BLOCK_PARTS,
  type BlockPart,
  type BlockPartName,
  type HiddenState,
  type Visitor,
} from "./visitor.ts";
