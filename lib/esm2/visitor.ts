/** How an analysis watches and changes a forward pass. */
import type { Tensor } from "../backend/types.ts";
import type { TokenBatch } from "./tokenize.ts";

/**
 * One block's attention, or that of some of its heads where all of them would pass the device's limit
 * for one tensor; the pieces of a block come in ascending order of heads.
 */
export interface AttentionPiece {
  /** Block, 0-based. */
  readonly layer: number;
  /** Heads `begin` to `end` (exclusive) of the block. */
  readonly begin: number;
  readonly end: number;
  /**
   * f32[B, end − begin, T, T] after softmax, row = query; valid until the visitor returns. Columns of
   * `<pad>` are zero; rows of `<pad>` hold values without meaning.
   */
  readonly pattern: Tensor;
  readonly batch: TokenBatch;
}

/** The residual stream between two blocks. */
export interface HiddenState {
  /**
   * Blocks that have run: 0 is the embedding, `layers` is before the final LayerNorm. It is the index
   * of Hugging Face's `hidden_states` but for the last, which they normalise.
   */
  readonly depth: number;
  /** f32[B·T, D]; valid until the visitor returns. */
  readonly hidden: Tensor;
  readonly batch: TokenBatch;
  /** The next block reads `tensor` instead; the engine disposes of it. */
  replace(tensor: Tensor): void;
  /** Ends the run here; no further block runs. */
  stop(): void;
}

/** Column sums of one block's attention (or of some heads), for the visitor's threshold and rows. */
export interface ColumnSums {
  readonly layer: number;
  readonly begin: number;
  readonly end: number;
  /** f32[B, end − begin, 1, T]; valid until the visitor returns. */
  readonly mass: Tensor;
  /** f32[B, end − begin, 1, T] */
  readonly count: Tensor;
}

/** Asks for column sums, which the block's graph computes so that no attention is handed over. */
export interface ColumnSumsRequest {
  threshold: number;
  /** f32[B, T]: 1 for rows that count, 0 for the others. */
  rows: Float32Array;
  wants(layer: number): boolean;
  visit(sums: ColumnSums): void | Promise<void>;
}

export interface Visitor {
  /** Which layers' attention the visitor wants. @default all, if `attention` is given */
  wantsAttention?(layer: number): boolean;
  attention?(piece: AttentionPiece): void | Promise<void>;
  /** Cheaper than `attention` on the CPU where only the sums are needed. */
  columnSums?: ColumnSumsRequest;
  /** Called with the embedding (depth 0) and after each block. */
  hidden?(state: HiddenState): void | Promise<void>;
}
