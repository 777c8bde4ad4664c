/** What a block's graph can make of its attention, so that the attention itself is not handed over. */
import type { Tensor } from "../backend/types.ts";
import type { PatternReduction } from "../onnx/reduction.ts";
import type { TokenBatch } from "./tokenize.ts";

export type { PatternReduction, ReductionInput, ReductionOutput } from "../onnx/reduction.ts";

/** Results for heads `begin` to `end` (exclusive) of a block. */
export interface ReducedPiece {
  /** Block, 0-based. */
  readonly layer: number;
  /** First head. */
  readonly begin: number;
  /** Head after the last. */
  readonly end: number;
  /** By name of the output; valid until the visitor returns. */
  readonly values: Readonly<Record<string, Tensor>>;
  /** What ran. */
  readonly batch: TokenBatch;
}

/**
 * Operators that a block's graph applies to its attention f32[B, h, T, T], some heads h at a time. The
 * attention does not leave the graph, which on the CPU costs more than most of what is done with it.
 */
export interface AttentionReduction extends PatternReduction {
  /** Whether a block's attention is wanted. */
  wants(layer: number): boolean;
  /** Sees the pieces of a block in ascending order of heads; most often there is one. */
  visit(piece: ReducedPiece): void | Promise<void>;
}
