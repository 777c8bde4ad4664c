/** How an analysis watches and changes a forward pass. */
import type { Tensor } from "../backend/types.ts";
import type { AttentionReduction } from "./reduction.ts";
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
  /** Head after the last. */
  readonly end: number;
  /**
   * f32[B, end − begin, T, T] after softmax, row = query; valid until the visitor returns. Columns of
   * `<pad>` are zero; rows of `<pad>` hold values without meaning.
   */
  readonly pattern: Tensor;
  /** What runs. */
  readonly batch: TokenBatch;
}

/** What a block computes on its way, in the order in which a visitor meets it. */
export const BLOCK_PARTS = ["queries", "keys", "values", "heads", "mlp"] as const;
/** One of {@linkcode BLOCK_PARTS}. */
export type BlockPartName = typeof BLOCK_PARTS[number];

/**
 * A part of a block, to be read or replaced.
 *
 *   queries, keys  f32[B, h, T, d]  rotated; queries scaled by d^−½
 *   values         f32[B, h, T, d]
 *   heads          f32[B, h, T, d]  what each head gives: its attention times the values, before the output
 *                                   projection; a head set to zero is ablated
 *   mlp            f32[B·T, D]      what the feed-forward part adds to the residual stream
 *
 * h is end − begin: all heads, or some where all would pass the device's limit for one tensor.
 */
export interface BlockPart {
  /** Which part. */
  readonly name: BlockPartName;
  /** Block, 0-based. */
  readonly layer: number;
  /** Heads `begin` to `end` (exclusive); of `mlp` all. */
  readonly begin: number;
  /** Head after the last. */
  readonly end: number;
  /** Valid until the visitor returns, or until it is replaced. */
  readonly tensor: Tensor;
  /** What runs. */
  readonly batch: TokenBatch;
  /** The block goes on with `tensor` instead, of the same shape; the engine disposes of it. */
  replace(tensor: Tensor): void;
}

/**
 * A place of the residual stream: after so many blocks (0: the embedding), or `last`, after the final
 * LayerNorm.
 */
export type StreamPlace = number | "last";

/** The residual stream between two blocks. */
export interface HiddenState {
  /**
   * Blocks that have run: 0 is the embedding, `layers` is before the final LayerNorm. It is the index
   * of Hugging Face's `hidden_states` but for the last, which they normalise.
   */
  readonly depth: number;
  /** f32[B·T, D]; valid until the visitor returns. */
  readonly hidden: Tensor;
  /** What runs. */
  readonly batch: TokenBatch;
  /** The next block reads `tensor` instead; the engine disposes of it. */
  replace(tensor: Tensor): void;
  /** Ends the run here; no further block runs. */
  stop(): void;
}

/** What a run calls on the way; nothing that is not asked for costs anything. */
export interface Visitor {
  /** Which layers' attention the visitor wants. @default all, if `attention` is given */
  wantsAttention?(layer: number): boolean;
  /** Sees attention, some heads at a time, in ascending order. */
  attention?(piece: AttentionPiece): void | Promise<void>;
  /** Cheaper than `attention` on the CPU where less than the attention itself is needed. */
  reduction?: AttentionReduction;
  /** Which parts of which layers the visitor wants; a block whose parts nobody wants costs nothing more. */
  wantsPart?(name: BlockPartName, layer: number): boolean;
  /** Called with the parts that are wanted. */
  part?(part: BlockPart): void | Promise<void>;
  /**
   * Which depths of the residual stream the visitor wants; runs of a model that was opened with `prepack`
   * are fast between them. @default all, if `hidden` is given
   */
  wantsHidden?(depth: number): boolean;
  /** Called with the embedding (depth 0) and after each block, where it is wanted. */
  hidden?(state: HiddenState): void | Promise<void>;
}
